"""Which of the lists that are brought are put into the trust folder, under which names, and what they replace."""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from common.clock import Clock
from common.containment import Unusable, contained
from validator.pki.atomic_file import locked, replace_file
from validator.pki.crl import read_crl
from validator.pki.evidence import Evidence
from validator.pki.list_views import distance_from_root, is_by_revoked_key
from validator.pki.revocation_lists import RevocationLists
from validator.pki.statement import Crl
from validator.pki.trust_folder import read_bounded

OWN_NAMES = re.compile(r"[0-9a-f]{32}\.crl|[0-9a-f]{24}-[0-9a-z-]+\.crl")
"""Names under which lists are put into the folder; the second by former releases. Others are the operator's."""
REMEMBERED_NAMES = 1000
_well_named: set[tuple[Path, int, str]] = set()
"""Lists that need not be read again for their names: path, time of change and version of the trust folder."""


@dataclass(frozen=True, slots=True)
class SourceResult:
    """The outcome of one source."""

    source: str
    outcome: str
    """``new``, ``unchanged``, or what was wrong."""
    crl: Crl | None = None

    @property
    def is_well(self) -> bool:
        """Whether the list of this source is in the folder now."""
        return self.outcome in ("new", "unchanged")


@dataclass(frozen=True, slots=True)
class Brought:
    """One list from outside, not read yet."""

    origin: str
    """The file or the address."""
    place: str
    """What to call it behind the origin."""
    der: bytes
    headers: Mapping[str, str]
    """What the server said about it."""

    @property
    def source(self) -> str:
        """What to call it."""
        return self.origin + self.place


@dataclass(slots=True)
class Target:
    """Where lists go, and what they are judged by."""

    folder: Path
    evidence: Evidence
    """What the folder holds, and what was taken since."""
    clock: Clock
    """Servers take their time: each list is judged for the time at which it is read."""

    def take(self, crl: Crl) -> None:
        """Judge what comes next by this list, too."""
        self.evidence = replace(self.evidence, lists=RevocationLists((*self.evidence.lists.crls, crl)))

    @property
    def max_bytes(self) -> int:
        """Of a file of lists."""
        return self.evidence.policy.revocation.max_list_bytes

    def read(self, der: bytes) -> Crl:
        """A list. Raises ``Unusable``. One that is dated ahead is not taken, and keeps no other out."""
        evidence = self.evidence = replace(self.evidence, now=self.clock())
        crl = read_crl(evidence.trust.authorities, der, evidence.policy)
        if crl.this_update > evidence.now + evidence.policy.clock_grace:
            raise Unusable(f"dated ahead, {crl.this_update.isoformat()}")
        return crl


def outcome_of(source: str, bring: Callable[[], list[SourceResult]]) -> list[SourceResult]:
    """What ``bring`` returns; where it raises, the cause as the outcome of the source."""
    results: list[SourceResult] = []
    with contained(lambda cause: results.append(SourceResult(source, cause))):
        results += bring()
    return results


def keep(brought: list[Brought], target: Target) -> list[list[SourceResult]]:
    """Put lists into the folder, each if it is newer than the one there; the outcome of each.

    Those of authorities nearest to a root go first, so that what they say of a key is known before a list by that key
    is looked at: the same lists are taken whether they come at once or one after the other.
    """
    outcomes: list[list[SourceResult]] = [[] for _ in brought]
    lists: list[tuple[int, int, Crl]] = []
    for number, each in enumerate(brought):
        outcomes[number] = outcome_of(each.source, partial(_read, each, number, target, lists))
    for _, number, crl in sorted(lists, key=lambda each: each[:2]):
        outcomes[number] = outcome_of(brought[number].source, partial(_bring, brought[number], crl, target))
    return outcomes


def _read(brought: Brought, number: int, target: Target, lists: list[tuple[int, int, Crl]]) -> list[SourceResult]:
    try:
        crl = target.read(brought.der)
    except Unusable as error:
        return [SourceResult(brought.source, f"not used: {error}")]
    lists.append((distance_from_root(crl, target.evidence), number, crl))
    return []


def _bring(brought: Brought, crl: Crl, target: Target) -> list[SourceResult]:
    """Keep a list from outside. One that is there already stays, whatever became of its key: what it names counts."""
    if is_by_revoked_key(crl, target.evidence):
        return [SourceResult(brought.source, "not used: signed with a revoked key")]
    return _keep_one(brought.source, brought.der, crl, target)


def _keep_one(source: str, der: bytes, crl: Crl, target: Target) -> list[SourceResult]:
    path = target.folder / "crls" / file_name(crl)
    if kept := _kept_instead(source, crl, path, target):
        return [kept]  # nothing to write: also where nothing can be written
    with locked(path.parent):
        if kept := _kept_instead(source, crl, path, target):
            return [kept]
        replace_file(path, der)
    target.take(crl)
    return [SourceResult(source, "new", crl)]


def _kept_instead(source: str, crl: Crl, path: Path, target: Target) -> SourceResult | None:
    """The outcome if the list that is there stays."""
    before = _read_before(path, target)
    if before is None or (before.this_update, before.number or 0) < (crl.this_update, crl.number or 0):
        return None
    same = before.sha256 == crl.sha256
    return SourceResult(source, "unchanged" if same else "not used: older than the list we have", before)


def rename(path: Path, target: Target) -> list[SourceResult]:
    """Give a list that was brought here under another name its present one, unless a newer list has it."""
    seen = (path, path.stat().st_mtime_ns, target.evidence.trust.version)
    if seen in _well_named:
        return []
    der = read_bounded(path, target.max_bytes)
    with suppress(Unusable):  # of an authority that is not trusted any more: ``load`` names it; or dated ahead
        crl = target.read(der)
        if path.name != file_name(crl):
            _keep_one(path.name, der, crl, target)
            path.unlink()
            return []
    if len(_well_named) >= REMEMBERED_NAMES:
        _well_named.clear()
    _well_named.add(seen)
    return []


def file_name(crl: Crl) -> str:
    """The name under which a list lies in the folder of lists."""
    return f"{_identity(crl)}.crl"


def _identity(crl: Crl) -> str:
    """Lists that replace each other have the same: one issuer, key, scope and form. Where date, scope or entries cannot
    be read, nobody knows what a list replaces: it stays beside the others, since what it names is revoked."""
    point = crl.point
    scope = (
        repr(point.name and (sorted(map(repr, point.name.full)), sorted(map(repr, point.name.relative or ())))),
        point.only_leaves, point.only_authorities, point.only_attributes, point.indirect, sorted(point.reasons),
        crl.base is not None, bool(crl.obstacle), crl.is_malformed,
    )  # fmt: skip
    key = min(signer.key_info for signer in crl.signers)
    own = () if crl.is_replaceable else (crl.sha256,)
    return hashlib.sha256(repr((crl.issuer.key, key, scope, *own)).encode()).hexdigest()[:32]


def _read_before(path: Path, target: Target) -> Crl | None:
    """The list that would be replaced; None = there is none that counts."""
    try:
        return target.read(path.read_bytes())
    except (OSError, ValueError):
        return None
