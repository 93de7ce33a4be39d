"""The decision which content of a fact the archive keeps, if the ledger has the fact with other content. Pure.

A document that was decided while a backup was being written may be decided again after a restore, with another report.
The record must agree with the ledger's entry, because an auditor compares the two.
"""

import json

from pydantic import ValidationError

from archive.kept import Kept
from common.ledger import Entry, canonical_json

CARRIED = ("package", "envelope", "report")
"""Fields that are references to bytes."""


def as_entered(fact: Kept, entry: Entry) -> Kept:
    """The fact as entered in the ledger, with the bytes that the new fact carries where the digests agree.

    If bytes would be missing that only the first fact carried, the new fact itself.
    """
    if canonical_json(fact.recorded()) == entry.body:
        return fact
    entered = json.loads(entry.body)
    for name in CARRIED:
        reference = getattr(fact, name, None)
        if reference is None or name not in entered:
            continue
        if reference.sha256 == entered[name]["sha256"]:
            entered[name] = reference.model_dump()
        elif reference.packed is not None:
            return fact
    try:
        return type(fact).model_validate(entered)
    except ValidationError:  # of a release with another shape of the fact
        return fact
