"""Decision: what the archive keeps of a fact that the ledger has already, and that comes again in other words.

A document that was decided while a backup was being written may be decided anew after the restore, with another report.
The record must be that of the entry: whoever is given both compares them.
"""

import json

from pydantic import ValidationError

from archive.kept import Kept
from common.ledger import Entry, canonical_json

CARRIED = ("package", "envelope", "report")
"""Fields that name bytes."""


def as_entered(fact: Kept, entry: Entry) -> Kept:
    """The fact as the ledger has it, with the bytes that came with this one where they are the same.

    The fact as it came, if bytes of the first one had come with its references: they lie nowhere else.
    """
    if canonical_json(fact.recorded()) == entry.body:
        return fact
    told = json.loads(entry.body)
    for name in CARRIED:
        came = getattr(fact, name, None)
        if came is None or name not in told:
            continue
        if came.sha256 == told[name]["sha256"]:
            told[name] = came.model_dump()
        elif came.packed is not None:
            return fact
    try:
        return type(fact).model_validate(told)
    except ValidationError:  # of a release that told it otherwise
        return fact
