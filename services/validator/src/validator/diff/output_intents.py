"""Output intents: a document without any may get one that means what a screen shows anyway, sRGB."""

import hashlib

from pyhanko.pdf_utils import generic

from validator.diff.change import Change, Level, as_array, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.pdf.schema import COLOUR_PROFILE_KEYS, OUTPUT_INTENT_KEYS
from validator.pdf.values import Ref, Value

SRGB = frozenset(
    {
        "4064240d928fddcc777915e2be0c81871c5ea9b6e08327ddbe6be9908fc22525",
        "384b832de3412066743b52a75ee906b6fb9fb8d9e09e936fc2c43223815c6e0a",
    }
)
"""SHA-256 of ICC profiles that say sRGB: Little CMS' of 2006, the ICC's of 2014."""


def check_output_intents(change: Change) -> None:
    """The catalog's ``/OutputIntents``."""
    before, now, _ = change.entry(change.catalog, "/OutputIntents")
    if before == now:
        return
    if before is not None:
        raise ChangeNotAllowed("output intents changed")
    for each in as_array(change.new_value(now), "output intents"):
        _check_intent(change, each)
    change.take_in(now, Level.FORM_FILLING)


def _check_intent(change: Change, value: Value) -> None:
    intent = as_dictionary(change.new_value(value), "output intent")
    if not intent.keys() <= OUTPUT_INTENT_KEYS:
        raise ChangeNotAllowed("output intent that holds something else")
    profile = intent.get("/DestOutputProfile")
    stream = change.history.stream(profile, change.new) if isinstance(profile, Ref) else None
    if not isinstance(stream, generic.StreamObject) or not stream.keys() <= COLOUR_PROFILE_KEYS:
        raise ChangeNotAllowed("output intent without a profile of its own")
    is_long = len(stream.encoded_data) > change.limits.max_colour_profile_bytes
    if is_long or hashlib.sha256(stream.data).hexdigest() not in SRGB:
        raise ChangeNotAllowed("output intent that would change colours")
