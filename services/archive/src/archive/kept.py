"""Decision: which objects of a package the archive puts or locks, and what its record encloses."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from common.domain.names import Sha256
from common.domain.reason import Reason
from common.facts import (
    CarriesPackage,
    DocumentRefused,
    DocumentVerified,
    NoticeAccepted,
    ObjectRef,
    PackageRefused,
)

Kept = DocumentVerified | DocumentRefused | PackageRefused | NoticeAccepted
"""The facts that end in a record; every other fact only enters the ledger."""

PACKAGE = "package"
ATTACHMENT = "attachment"
EVIDENCE = "evidence"
PARTS = "parts"
"""Field of ``record.json`` with its enclosed parts, by role."""


class KeptObject(BaseModel):
    """One object under lock."""

    model_config = ConfigDict(frozen=True)

    role: str
    """package, envelope, report, attachment or evidence; record for ``record.json`` itself."""
    key: str
    bucket: str | None = None
    """The bucket in which it was locked in place; None = it was put into the archive's own bucket."""
    sha256: Sha256
    size_bytes: int
    version_id: str | None = None
    """Id of the locked version. None for evidence, which has only one version, and in records of releases that did not
    save it."""


class EnclosedPart(BaseModel):
    """Bytes that are not stored as an object: ``record.json`` contains them."""

    model_config = ConfigDict(frozen=True)

    role: str
    """package (of a notice), envelope or report."""
    sha256: Sha256
    size_bytes: int


class Copy(NamedTuple):
    """An object to be put under lock (``target``), and where its bytes are now (``source``). For an object that is
    locked in place, both are the same."""

    target: KeptObject
    source: ObjectRef


def enclosed_parts(fact: Kept) -> dict[str, ObjectRef]:
    """By role, the parts that the fact carries and that ``record.json`` encloses. The bytes of a refused package are
    not among them."""
    package = {PACKAGE: fact.package} if isinstance(fact, NoticeAccepted) else {}
    return {role: ref for role, ref in (package | _parts_of(fact)).items() if ref.packed is not None}


def part_text(role: str, data: bytes) -> str:
    """The text of an enclosed part in ``record.json``: JSON unchanged; a package as base64, because it may have any
    encoding."""
    return b64encode(data).decode() if role == PACKAGE else data.decode()


def part_bytes(role: str, text: str) -> bytes:
    """The bytes of an enclosed part, from its text. Raises ``ValueError`` for a package that is not base64."""
    return b64decode(text, validate=True) if role == PACKAGE else text.encode()


def copies_of(fact: Kept, attachments: tuple[ObjectRef, ...]) -> list[Copy]:
    """Package, header, report and files, in this order, as far as they are objects."""
    folder = f"{fact.subject}/{fact.package_id}"
    sources = [(role, f"{role}.json", ref) for role, ref in _parts_of(fact).items() if ref.packed is None]
    if fact.package is not None and fact.package.version_id is not None:
        return [*_in_place(fact, fact.package), *(_copy(folder, *source) for source in sources)]
    if fact.package is not None and fact.package.packed is None and not _is_secret(fact):
        sources.insert(0, (PACKAGE, "package.edxml", fact.package))
    for number, attachment in enumerate(attachments, start=1):
        sources.append((ATTACHMENT, f"attachments/{number}-{attachment.sha256}", attachment))
    return [_copy(folder, *source) for source in sources]


def shared_copies(evidence: Sequence[ObjectRef], until: datetime) -> list[Copy]:
    """The copies of the evidence for verdicts. Each is kept once for all records that end in the same year."""
    return [
        Copy(
            KeptObject(
                role=EVIDENCE, key=f"{EVIDENCE}/{ref.sha256}/{until:%Y}", sha256=ref.sha256, size_bytes=ref.size_bytes
            ),
            ref,
        )
        for ref in evidence
    ]


def _parts_of(fact: Kept) -> dict[str, ObjectRef]:
    """Header and report, by role. The header of a secret package is left out: it stays in quarantine, because under
    lock it could not be removed."""
    header = fact.envelope if isinstance(fact, CarriesPackage) and not _is_secret(fact) else None
    report = fact.report if isinstance(fact, DocumentVerified | DocumentRefused) else None
    return {role: ref for role, ref in (("envelope", header), ("report", report)) if ref is not None}


def _is_secret(fact: Kept) -> bool:
    return getattr(fact, "reason", None) is Reason.E_SECRET


def _copy(folder: str, role: str, name: str, source: ObjectRef) -> Copy:
    target = KeptObject(role=role, key=f"{folder}/{name}", sha256=source.sha256, size_bytes=source.size_bytes)
    return Copy(target, source)


def _in_place(fact: Kept, package: ObjectRef) -> list[Copy]:
    """A package that is one object, with its files in it, is locked where it lies; one that was refused is not."""
    if isinstance(fact, DocumentRefused | PackageRefused):
        return []
    target = KeptObject(
        role=PACKAGE,
        key=package.key,
        bucket=package.bucket,
        sha256=package.sha256,
        size_bytes=package.size_bytes,
        version_id=package.version_id,
    )
    return [Copy(target, package)]
