"""The decision which content the archive keeps of a fact that the ledger has with other content. Pure.

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
    """The fact as the ledger has it, with bytes carried by the new one where the digests agree.

    The new fact itself, if bytes that only the first one carried would be missing.
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
