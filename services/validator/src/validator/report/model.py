"""The shape of a report: one verdict per signature, one reason for the document, and everything it was judged by.

All of it is frozen and, through ``Report.as_json``, plain JSON: the report is the evidence that is kept (R20).
"""

from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, tzinfo
from typing import Any

from common.domain.names import Label, Sha256, UnitCode
from common.domain.reason import Reason
from validator.report.change_rules import ChangeRule
from validator.report.vocabulary import (
    SECURITY_NOTES,
    Indication,
    Integrity,
    NoteCode,
    SignatureKind,
    SignerRole,
    StatusKind,
    SubIndication,
    Verdict,
)

SCHEMA = "trunk-report-2"
"""Name of the report's shape (docs/report.md). Under this name fields may be added, never renamed."""
LONGEST_TEXT, CUT_OFF = 600, "…"
"""Characters of one text, as in a fact, and what ends one that was cut."""


def shown(text: str) -> str:
    """A text out of a document or a certificate, such as a name, at the length at which a report quotes it."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + CUT_OFF


@dataclass(frozen=True, slots=True)
class Note:
    """One note. ``detail`` names the place and never quotes the document."""

    code: NoteCode
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUsed:
    """The revocation list or OCSP response that decided about one certificate: of the chain, or of the chain of whoever
    made such a list or response."""

    certificate_sha256: Sha256
    kind: StatusKind
    sha256: Sha256
    """Of the list or the response, DER."""
    number: int | None
    this_update: datetime | None
    """None = it cannot be read."""
    next_update: datetime | None
    embedded: bool = False
    """True: taken out of the document. False: taken from the trust folder."""
    signer_sha256: Sha256 | None = None
    """The certificate whose key signed it: of the trust folder, or of the OCSP responder, which the answer holds."""
    signer_chain: tuple[Sha256, ...] = ()
    """Of a list by another key than those of the judged chain: the signer's own chain, the root last."""
    kept: str = ""
    """Where its bytes are: ``document``, or the file of the trust folder at that time, such as ``crls/root.crl``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReport:
    """What one rule of (4.1) let one update write."""

    revision: int
    """That made the change, oldest = 0."""
    since: int
    """The revision it was compared with."""
    rule: ChangeRule
    object_count: int
    objects: tuple[int, ...] = ()
    """Numbers of the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampReport:
    """One signature time stamp."""

    at: datetime | None
    sub_indication: SubIndication | None = None
    detail: str = ""
    """Why it proves nothing; empty = it proves that the signature existed at ``at``."""
    rule: str | None = None
    """Number of the rule that does not hold (docs/validity.md), such as ``8.4``."""
    certificate_sha256: Sha256 | None = None
    subject: str = ""
    chain: tuple[Sha256, ...] = ()
    statuses: tuple[StatusUsed, ...] = ()
    revoked_by: StatusUsed | None = None
    """The list or answer that names a certificate of its chain as revoked (7.3)."""
    tried: tuple[Sha256, ...] = ()
    """Where no chain is valid: the one that came furthest."""
    tried_subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """The verdict on one signature."""

    field: str
    """Name of the form field, as the file spells it; a long one is cut."""
    kind: SignatureKind = SignatureKind.SIGNATURE
    indication: Indication
    sub_indication: SubIndication | None = None
    reason: Reason | None = None
    detail: str = ""
    step: int | None = None
    """Number of the step that does not hold (docs/validity.md)."""
    rule: str | None = None
    """Number of the rule of that step that does not hold, such as ``3.5``."""
    part: SignerRole | None = None
    """What the signature is for this document."""
    certificate_sha256: Sha256 | None = None
    subject: str = ""
    """Subject of the certificate as text, for people only: it decides nothing."""
    signing_time: datetime | None = None
    """As claimed by the signer, with local time written as UTC set right."""
    revision: int | None = None
    covers_bytes: int | None = None
    """The signature covers all bytes before this offset except its own hole."""
    digest_algorithm: str = ""
    signature_algorithm: str = ""
    chain: tuple[Sha256, ...] = ()
    """Fingerprints from the signer's certificate to the root."""
    chain_subjects: tuple[str, ...] = ()
    """Subjects of the chain as text, for people only."""
    tried: tuple[Sha256, ...] = ()
    """Where no chain is valid (6.4 to 6.12): the one that came furthest. Empty = there is none."""
    tried_subjects: tuple[str, ...] = ()
    """Its subjects as text, for people only."""
    statuses: tuple[StatusUsed, ...] = ()
    """What was said on revocation: one statement per certificate, the root excepted."""
    revoked_by: StatusUsed | None = None
    """The list or answer that names a certificate of the chain as revoked (7.3)."""
    proven_at: datetime | None = None
    """Earliest time at which a trusted time stamp proves that the signature existed."""
    judged_at: datetime | None = None
    """Time for which chain and revocation were judged: the time of verification, or ``proven_at``."""
    covers_whole_revision: bool = False
    time_stamps: tuple[TimeStampReport, ...] = ()
    checks: tuple[int, ...] = ()
    """Numbers of the steps that hold."""
    rules: tuple[str, ...] = ()
    """Numbers of the rules that were asked of it and hold: all of those steps."""
    broken_rules: tuple[str, ...] = ()
    """Numbers of all rules that were found not to hold, ``rule`` among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdict on one document, and everything it was judged by."""

    document_sha256: Sha256
    document_bytes: int
    sender: UnitCode
    """Empty = the verdict was asked for no unit: signatures and trust alone."""
    verified_at: datetime
    integrity: Integrity = Integrity.MALFORMED
    trusted: bool | None = None
    """Every signature ends at a pinned root and was made while its certificate was valid; None = no trust was given."""
    label: Label | None = None
    reason: Reason | None = None
    detail: str = ""
    step: int | None = None
    rule: str | None = None
    """Number of the rule that does not hold (docs/validity.md), such as ``3.5``."""
    signatures: tuple[SignatureReport, ...] = ()
    notes: tuple[Note, ...] = ()
    policy_version: str
    directory_version: str = ""
    trust_version: str = ""
    roots: tuple[Sha256, ...] = ()
    """Fingerprints of the pinned roots."""
    revocation_version: str = ""
    declared_copy: bool = False
    pyhanko_version: str = ""
    checks: tuple[int, ...] = ()
    """Numbers of the steps that hold for the whole document."""
    rules: tuple[str, ...] = ()
    """Numbers of the rules that hold for the whole document: of the steps that are asked once."""
    changes: tuple[ChangeReport, ...] = ()
    """What later revisions changed after a signature, and the rule under which it was allowed."""
    holds_until: datetime | None = None
    """A valid verdict holds at least that long under the same material; None = only for ``verified_at``."""
    schema: str = SCHEMA

    verdict: Verdict = Verdict.REFUSED

    @property
    def security_notes(self) -> tuple[Note, ...]:
        """Notes for the security log."""
        return tuple(note for note in self.notes if note.code in SECURITY_NOTES)

    @property
    def evidence(self) -> frozenset[Sha256]:
        """Digests of what the verdict rests on besides the document: certificates of the chains (of the one that was
        tried, where none holds), lists, and the chains of those who signed lists."""
        parts: list[SignatureReport | TimeStampReport]
        parts = [*self.signatures, *(stamp for each in self.signatures for stamp in each.time_stamps)]
        named = [part.revoked_by for part in parts if part.revoked_by]
        said = [*named, *(status for part in parts for status in part.statuses)]
        lists = (status.sha256 for status in said if not status.embedded)
        signers = (each.signer_sha256 for each in said if each.kind is StatusKind.CRL and each.signer_sha256)
        above = (sha256 for each in said for sha256 in each.signer_chain)
        # Of a chain of one, its certificate is pinned itself, and a time stamp need not hold it.
        found = (chain for part in parts for chain in (part.chain, part.tried))
        chains = (sha256 for chain in found for sha256 in chain[1:] or chain)
        return frozenset((*lists, *signers, *above, *chains))

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values; times in ISO 8601 with offset."""
        plain: dict[str, Any] = _plain(self)
        return plain


def in_zone(at: datetime, zone: tzinfo | None) -> datetime:
    """The time in a zone, None = that of the machine; as it is where that would lie outside of the calendar."""
    try:
        return at.astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return at


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value.isoformat() if isinstance(value, datetime) else value
