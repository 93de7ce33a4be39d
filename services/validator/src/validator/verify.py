"""The decision: is this PDF a valid document of its sender, and in which legal form? Pure; numbers as in
docs/validity.md:

(1) gate, (2) parse, (3) structure, (4) difference, (5) cryptography, (6) chain, (7) revocation, (8) time,
(9) identity and role, (10) order, (11) form.

(1)-(3) stop at the first fault. (4)-(8) are asked of every signature, so that the report names each one's verdict.
(9)-(11) look at all signatures together. The document's one reason is the fault of the lowest step; a fault that time
can cure (no fresh CRL) only counts when there is no other.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from importlib.metadata import version
from typing import TypeVar

from pyhanko.pdf_utils.reader import PdfFileReader

from common.domain.directory import Directory
from common.domain.names import Label, UnitCode
from common.domain.reason import Reason
from validator.checks.chain import Chain, check_leaf, find_chain, fingerprint
from validator.checks.cryptography import Signed, check_cryptography
from validator.checks.difference import check_difference, check_empty_fields
from validator.checks.fault import Fault, Step, faults
from validator.checks.form import scan_notes
from validator.checks.gate import check_gate
from validator.checks.identity import Hand, check_identity, parts
from validator.checks.identity import notes as identity_notes
from validator.checks.order import check_order
from validator.checks.parse import parse
from validator.checks.revoked import check_revocation
from validator.checks.signing_time import Claim, check_time
from validator.checks.structure import Signature, find_signatures
from validator.policy import DEFAULT, Policy
from validator.report import (
    CrlUsed,
    Decision,
    Indication,
    Note,
    NoteCode,
    Part,
    Refused,
    Report,
    SignatureReport,
    SubIndication,
    Undecided,
    Verified,
)
from validator.revocation import Revocation
from validator.trust import Trust

Answer = TypeVar("Answer")

PYHANKO_VERSION = version("pyhanko")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about a document, besides its bytes."""

    sender: UnitCode
    """Unit of the header's ``From``: its registered certificate must have signed as organisation."""
    declared_copy: bool = False
    """The sender declares a scan of a paper original (sao y)."""
    promulgation_date: date | None = None
    policy: Policy = DEFAULT


@dataclass(slots=True)
class Findings:
    """What has been found so far; the report is made of it wherever the way ends."""

    settled: list["Settled"] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class Settled:
    """One signature during and after (4)-(8): what is known of it, and what did not hold."""

    signature: Signature
    signed: Signed | None = None
    chain: Chain = ()
    crls: tuple[CrlUsed, ...] = ()
    claim: Claim | None = None
    part: Part | None = None
    faults: list[Fault] = field(default_factory=list)

    def ask(self, check: Callable[[], Answer]) -> Answer | None:
        """The answer of one check, or None and its fault kept."""
        try:
            return check()
        except Fault as fault:
            self.faults.append(fault)
            return None

    @property
    def fault(self) -> Fault | None:
        """The one that counts: what is final before what time can cure, then by step."""
        return min(self.faults, key=_rank, default=None)


@dataclass(frozen=True, slots=True)
class Measures:
    """What a document is measured by."""

    trust: Trust
    revocation: Revocation
    directory: Directory
    now: datetime


def verify(
    document: bytes,
    question: Question,
    trust: Trust,
    revocation: Revocation,
    directory: Directory,
    now: datetime,
) -> Decision:
    """Verified, Refused or Undecided, each with its report. ``now``: timezone-aware time of verification."""
    measures, findings = Measures(trust, revocation, directory, now), Findings()
    try:
        with faults(Step.PARSE, Reason.E_PDF_FORMAT, "not readable"):
            label = _judge(document, question, measures, findings)
    except Fault as fault:
        return _negative(fault, _report(document, question, measures, findings))
    return Verified(label, replace(_report(document, question, measures, findings), label=label))


def _judge(document: bytes, question: Question, measures: Measures, findings: Findings) -> Label:
    policy = question.policy
    check_gate(document, policy)  # (1)
    reader = parse(document, policy)  # (2)
    signatures = find_signatures(document, reader, policy)  # (3)
    for signature in signatures:  # (4)-(8)
        findings.settled.append(_settle(document, reader, signature, signatures, measures, policy))
    _raise_first(findings, final=True)
    label = _together(reader, question, measures, findings)  # (9)-(11)
    _raise_first(findings, final=False)
    return label


def _settle(
    document: bytes,
    reader: PdfFileReader,
    signature: Signature,
    signatures: tuple[Signature, ...],
    measures: Measures,
    policy: Policy,
) -> Settled:
    made, name, now = Settled(signature), signature.field, measures.now
    made.ask(lambda: check_difference(reader, signature, signatures[-1]))  # (4)
    if signature is signatures[0]:
        made.ask(lambda: check_empty_fields(reader, signature))
    signed = made.ask(lambda: check_cryptography(document, signature, policy))  # (5)
    if signed is None:
        return made
    leaf = signed.certificate
    made.signed = signed
    made.ask(lambda: check_leaf(leaf, name))  # (6)
    made.chain = chain = made.ask(lambda: find_chain(leaf, measures.trust, now, policy, name)) or ()
    if chain:  # (7)
        made.crls = made.ask(lambda: check_revocation(chain, measures.revocation, now, policy, name)) or ()
    stated = signature.claimed_date
    made.claim = made.ask(lambda: check_time(signed.signing_time, stated, leaf, now, policy, name))  # (8)
    return made


def _raise_first(findings: Findings, *, final: bool) -> None:
    """Raise the lowest fault of that kind, earlier signatures first."""
    found = [each.fault for each in findings.settled if each.fault and each.fault.is_final is final]
    if found:
        raise min(found, key=_rank)


def _rank(fault: Fault) -> tuple[bool, Step]:
    return not fault.is_final, fault.step


def _together(reader: PdfFileReader, question: Question, measures: Measures, findings: Findings) -> Label:
    hands, claims = _hands(findings)
    found = parts(hands, question.sender, measures.directory)
    for each, part in zip(findings.settled, found, strict=True):
        each.part = part
    findings.notes += identity_notes(hands, found, measures.directory)
    findings.notes += _signature_notes(findings, question)
    label = check_identity(hands, found, question.declared_copy)  # (9)
    check_order(found, [claim.at for claim in claims], question.policy)  # (10)
    if label is Label.CERTIFIED_COPY:  # (11)
        findings.notes += scan_notes(reader, question.policy)
    return label


def _hands(findings: Findings) -> tuple[list[Hand], list[Claim]]:
    """Every signature's certificate and claim: with no final fault left, both are known."""
    hands, claims = [], []
    for each in findings.settled:
        if each.signed is None or each.claim is None:
            raise Fault(Step.IDENTITY, Reason.E_SIG_FORMAT, SubIndication.FORMAT_FAILURE, "signature not settled")
        hands.append(Hand(each.signature.field, each.signed.sha256, each.claim.day))
        claims.append(each.claim)
    return hands, claims


def _signature_notes(findings: Findings, question: Question) -> Iterator[Note]:
    for each in findings.settled:
        name, claim, signed = each.signature.field, each.claim, each.signed
        if claim and claim.is_shifted:
            yield Note(NoteCode.TIME_AHEAD, name)
        if claim and question.promulgation_date not in (None, claim.day):
            yield Note(NoteCode.NOT_SIGNED_ON_PROMULGATION_DATE, f"{name}: {claim.day.isoformat()}")
        if signed and not signed.names_certificate:
            yield Note(NoteCode.NO_SIGNING_CERTIFICATE_ATTRIBUTE, name)
        if signed and signed.has_timestamp:
            yield Note(NoteCode.TIMESTAMP_NOT_EVALUATED, name)


def _negative(fault: Fault, report: Report) -> Refused | Undecided:
    told = replace(report, reason=fault.reason, detail=fault.detail, step=int(fault.step))
    kind = Refused if fault.is_final else Undecided
    return kind(fault.reason, fault.detail, report=told)


def _report(document: bytes, question: Question, measures: Measures, findings: Findings) -> Report:
    return Report(
        document_sha256=hashlib.sha256(document).hexdigest(),
        document_bytes=len(document),
        sender=question.sender,
        verified_at=measures.now,
        signatures=tuple(_signature_report(each) for each in findings.settled),
        notes=tuple(findings.notes),
        policy_version=question.policy.version,
        directory_version=measures.directory.version,
        trust_version=measures.trust.version,
        roots=measures.trust.root_fingerprints,
        revocation_version=measures.revocation.version,
        pyhanko_version=PYHANKO_VERSION,
    )


def _signature_report(each: Settled) -> SignatureReport:
    fault, signed = each.fault, each.signed
    return SignatureReport(
        field=each.signature.field,
        indication=fault.indication if fault else Indication.TOTAL_PASSED,
        sub_indication=fault.sub_indication if fault else None,
        reason=fault.reason if fault else None,
        detail=fault.detail if fault else "",
        step=int(fault.step) if fault else None,
        part=each.part,
        certificate_sha256=signed.sha256 if signed else None,
        subject=signed.certificate.subject.rfc4514_string() if signed else "",
        signing_time=each.claim.at if each.claim else None,
        revision=each.signature.revision,
        covers_bytes=each.signature.end,
        digest_algorithm=signed.digest_algorithm if signed else "",
        signature_algorithm=signed.signature_algorithm if signed else "",
        chain=tuple(fingerprint(certificate) for certificate in each.chain),
        crls=each.crls,
    )
