"""What an attack is, and the registry of all of them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from common.domain.names import UnitCode
from common.domain.reason import Reason
from mint.attacks.forge import sign_quietly
from mint.city import City, Member
from mint.pki import Identity
from mint.sign import GAP, sign


class Class(StrEnum):
    """Classes of attacks on signed PDFs, as research and practice name them."""

    USF = "universal signature forgery"
    REMOVED = "signature removed"
    ISA = "incremental saving"
    SWA = "signature wrapping"
    HOLE = "hole of the ByteRange"
    COVERAGE = "bytes not covered"
    SHADOW_HIDE = "shadow: hide"
    SHADOW_REPLACE = "shadow: replace"
    SHADOW_BOTH = "shadow: hide and replace"
    EAA = "evil annotation"
    SSA = "sneaky signature"
    PERMISSIONS = "against the signer's permissions"
    OVERRIDE = "dictionary overridden"
    NAMES = "harmless name, harmful role"
    SCRIPT = "script or file added"
    TRAILER = "trailer, document information, freed objects"
    OFFSETS = "offsets and lengths past the signed bytes"
    CMS = "signature message"
    BOMB = "bomb, loop or crowd"


FORMAT = "FORMAT_FAILURE"
"""EN 319 102-1: what almost all attacks on the file end in."""


@dataclass(frozen=True)
class Scene:
    """What an attacker starts from: a unit with its keys, and a letter."""

    city: City
    code: UnitCode
    letter: bytes
    at: datetime
    signed_papers: dict[object, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def member(self) -> Member:
        """The unit whose letter it is."""
        return self.city[self.code]

    @cached_property
    def signed(self) -> bytes:
        """The letter as it should be: signer, then unit."""
        return self.by_unit(self.by_signer(self.letter))

    def by_signer(self, pdf: bytes, **manner: Any) -> bytes:
        """Signed by the unit's head."""
        return self._once(sign, pdf, self.member.signer, self.at, {"field": "NguoiKy"} | manner)

    def by_unit(self, pdf: bytes, **manner: Any) -> bytes:
        """Signed by the unit."""
        return self._once(sign, pdf, self.member.seal, self.at + GAP, {"field": "CoQuan"} | manner)

    def quietly_by_signer(self, pdf: bytes) -> bytes:
        """Signed by the head with document information and metadata left as they are."""
        return self._once(sign_quietly, pdf, self.member.signer, self.at, {"field": "NguoiKy"})

    def quietly_by_unit(self, pdf: bytes, field: str = "CoQuan") -> bytes:
        """The same by the unit."""
        return self._once(sign_quietly, pdf, self.member.seal, self.at + GAP, {"field": field})

    def _once(
        self, how: Callable[..., bytes], pdf: bytes, who: Identity, at: datetime, manner: dict[str, Any]
    ) -> bytes:
        """Many attacks start from the same signed paper."""
        key = (how.__name__, hashlib.sha256(pdf).hexdigest(), who.sha256, tuple(sorted(manner.items())))
        if key not in self.signed_papers:
            self.signed_papers[key] = how(pdf, who, at, **manner)
        return self.signed_papers[key]

    def between(self, pdf: bytes, change: Callable[[bytes], bytes]) -> bytes:
        """Signed by the head, changed, and sealed by a clerk who did not notice."""
        return self.by_unit(change(self.by_signer(pdf)))


Making = Callable[[Scene], bytes]


@dataclass(frozen=True, slots=True)
class Attack:
    """One document that must not be taken for valid."""

    name: str
    kind: Class
    make: Making
    reasons: frozenset[Reason]
    """Reasons that are true of it: one, or more where two faults compete."""
    sub_indication: str


ATTACKS: dict[str, Attack] = {}
"""All of them, by name."""


def attack(kind: Class, *reasons: Reason, sub: str = FORMAT) -> Callable[[Making], Making]:
    """Enter a function into the registry."""

    def enter(function: Making) -> Making:
        add(function.__name__, kind, function, *reasons, sub=sub)
        return function

    return enter


def add(name: str, kind: Class, make: Making, *reasons: Reason, sub: str = FORMAT) -> None:
    """The same for a making without a function of its own."""
    if name in ATTACKS:
        raise ValueError(f"two attacks are called {name}")
    ATTACKS[name] = Attack(name, kind, make, frozenset(reasons), sub)
