"""Kubernetes' quantities as numbers; pure."""

import re
from decimal import Decimal

SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
QUANTITY = re.compile(r"([0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]{0,2})")


def quantity(text: object) -> Decimal:
    """``250m``, ``2``, ``512Mi`` … in cores or bytes. Raises ``ValueError`` for anything else."""
    match = QUANTITY.fullmatch(str(text))
    if not match or match[2] not in SUFFIXES:
        raise ValueError(f"no quantity: {text}")
    return Decimal(match[1]) * SUFFIXES[match[2]]
