"""The decision: is this PDF a valid document of its sender, and in which legal form? Pure; numbers as in
docs/validity.md:

(1) gate, (2) parse, (3) structure, (4) difference, (5) cryptography, (6) chain, (7) revocation, (8) time,
(9) identity and role, (10) order, (11) form.

(1)-(3) stop at the first fault. (4)-(8) are asked of every signature, so that the report names each one's verdict;
document time stamps, newest first, before the signatures that they prove to be older.
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
from pyhanko.sign.fields import enumerate_sig_fields

from common.domain.directory import Directory
from common.domain.names import Label, UnitCode
from common.domain.reason import Reason
from validator.certificates import fingerprint, subject
from validator.checks.cryptography import TIME_STAMP, Signed, check_cryptography, check_strength
from validator.checks.difference import check_difference, check_empty_fields
from validator.checks.fault import Fault, Step, faults, rank
from validator.checks.form import scan_notes
from validator.checks.gate import check_gate
from validator.checks.identity import Hand, check_identity, parts
from validator.checks.identity import notes as identity_notes
from validator.checks.order import check_order
from validator.checks.parse import parse
from validator.checks.signing_time import Claim, check_time
from validator.checks.stamps import Stamp, check_invisible, check_stated_time, earliest, judge_stamps
from validator.checks.structure import Signature, find_signatures
from validator.embedded import Evidence
from validator.policy import DEFAULT, Policy
from validator.report import (
    UNVERIFIED,
    Decision,
    Indication,
    Integrity,
    Kind,
    Note,
    NoteCode,
    Part,
    Refused,
    Report,
    SignatureReport,
    SubIndication,
    TimeStampReport,
    Undecided,
    Verdict,
    Verified,
)
from validator.revocation import Revocation
from validator.standing import Standing, standing
from validator.trust import Purpose, Trust

Answer = TypeVar("Answer")

PYHANKO_VERSION = version("pyhanko")
OF_SIGNATURES = (Step.DIFFERENCE, Step.CRYPTOGRAPHY, Step.CHAIN, Step.REVOCATION, Step.TIME)
EXPIRED_OR_REVOKED = frozenset({Reason.E_SIG_EXPIRED, Reason.E_SIG_REVOKED})
"""What an earlier proof of existence could still cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about a document, besides its bytes."""

    sender: UnitCode = ""
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
    reached: list[Step] = field(default_factory=list)
    """Steps of the whole document that hold."""
    is_unsigned: bool = False
    unplaced: tuple[SignatureReport, ...] = ()
    """Where (3) failed: the signatures that the form names, all under that fault."""


@dataclass(slots=True)
class Settled:
    """One signature during and after (4)-(8): what is known of it, and what did not hold."""

    signature: Signature
    signed: Signed | None = None
    standing: Standing | None = None
    stamps: tuple[Stamp, ...] = ()
    proven: datetime | None = None
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
        return min(self.faults, key=rank, default=None)

    @property
    def is_intact(self) -> bool:
        """Whether it verifies, whoever made it."""
        return self.signed is not None and not any(fault.sub_indication in UNVERIFIED for fault in self.faults)

    @property
    def is_time_stamp(self) -> bool:
        """Whether it is a document time stamp."""
        return self.signature.subfilter == TIME_STAMP


@dataclass(frozen=True, slots=True)
class Measures:
    """What a document is measured by. Without trust or without directory what needs them is not asked."""

    trust: Trust | None
    revocation: Revocation
    directory: Directory | None
    now: datetime


def verify(
    document: bytes,
    question: Question,
    trust: Trust | None,
    revocation: Revocation,
    directory: Directory | None,
    now: datetime,
) -> Decision:
    """Verified, Refused or Undecided, each with its report. ``now``: timezone-aware time of verification.

    Without ``directory`` units and roles are not asked: verified (as no form at all) = every signature passed. Without
    ``trust`` nothing can be verified; the report then tells the integrity alone.
    """
    measures, findings = Measures(trust, revocation, directory, now), Findings()
    fault: Fault | None = None
    label: Label | None = None
    try:
        with faults(Step.PARSE, Reason.E_PDF_FORMAT, "not readable"):
            label = _judge(document, question, measures, findings)
    except Fault as found:
        fault = found
    report = _report(document, question, measures, findings, fault)
    if fault:
        return _negative(fault, report)
    return Verified(label, replace(report, label=label, verdict=Verdict.VALID))


def _judge(document: bytes, question: Question, measures: Measures, findings: Findings) -> Label | None:
    policy = question.policy
    check_gate(document, policy)  # (1)
    findings.reached.append(Step.GATE)
    reader = parse(document, policy)  # (2)
    findings.reached.append(Step.PARSE)
    try:
        signatures = find_signatures(document, reader, policy)  # (3)
    except Fault as fault:
        findings.unplaced = _unplaced(reader, fault)
        raise
    findings.reached.append(Step.STRUCTURE)
    findings.is_unsigned = not signatures
    for signature in signatures:  # (4), (5)
        findings.settled.append(_settle(document, reader, signature, signatures, policy))
    if measures.trust is not None:
        _place_in_time(reader, findings, measures, measures.trust, policy)  # (6)-(8)
    _raise_first(findings, final=True)
    if measures.trust is None:
        raise Fault(Step.CHAIN, Reason.E_UNAVAILABLE, SubIndication.TRY_LATER, "no trust was given")
    findings.reached += [step for step in OF_SIGNATURES if step not in findings.reached]
    label = _together(reader, question, measures, findings)  # (9)-(11)
    _raise_first(findings, final=False)
    return label


def _unplaced(reader: PdfFileReader, fault: Fault) -> tuple[SignatureReport, ...]:
    try:
        names = [name for name, _, _ in enumerate_sig_fields(reader, filled_status=True)]
    except Exception:
        names = []
    return tuple(
        SignatureReport(
            field=name, indication=fault.indication, sub_indication=fault.sub_indication, reason=fault.reason,
            detail=fault.detail, step=int(fault.step),
        )
        for name in names
    )  # fmt: skip


def _settle(
    document: bytes,
    reader: PdfFileReader,
    signature: Signature,
    signatures: tuple[Signature, ...],
    policy: Policy,
) -> Settled:
    made = Settled(signature)
    later = signatures[signatures.index(signature) + 1 :]
    vouching = [each for each in later if each.subfilter != TIME_STAMP]
    last = vouching[-1] if vouching else signature
    made.ask(lambda: check_difference(reader, signature, last, stamps_follow=bool(later)))  # (4)
    if signature is signatures[0]:
        made.ask(lambda: check_empty_fields(reader, signature))
    if made.is_time_stamp:
        made.ask(lambda: check_invisible(signature, signatures[0]))
    made.signed = signed = made.ask(lambda: check_cryptography(document, signature, policy))  # (5)
    if signed is not None:
        made.ask(lambda: check_strength(signed, signature.field))
    return made


def _place_in_time(reader: PdfFileReader, findings: Findings, measures: Measures, trust: Trust, policy: Policy) -> None:
    """Document time stamps from the newest back, each proving what lies before it; then the signatures."""
    proofs: list[tuple[int, datetime]] = []
    evidence = Evidence(measures.revocation, trust, policy, reader, ())
    for each in reversed(findings.settled):
        if each.is_time_stamp and each.signed is not None:
            _place_time_stamp(each, each.signed, evidence, measures.now, policy)
            if not each.faults and each.signed.signing_time:
                proofs.append((each.signature.revision, each.signed.signing_time))
                evidence = Evidence(measures.revocation, trust, policy, reader, tuple(proofs))
    pending = any(each.is_time_stamp and each.fault and not each.fault.is_final for each in findings.settled)
    for each in findings.settled:
        if not each.is_time_stamp and each.signed is not None:
            _place_signature(each, each.signed, evidence, measures.now, policy, pending)


def _place_time_stamp(each: Settled, signed: Signed, evidence: Evidence, now: datetime, policy: Policy) -> None:
    name = each.signature.field
    each.proven = earliest(evidence.proofs, each.signature.revision)
    each.ask(lambda: check_stated_time(signed, now, policy, name))
    _stand(each, signed, Purpose.TIME, evidence, now, policy)


def _place_signature(
    each: Settled, signed: Signed, evidence: Evidence, now: datetime, policy: Policy, pending: bool
) -> None:
    signature, covered = each.signature, earliest(evidence.proofs, each.signature.revision)
    each.stamps = judge_stamps(signed, evidence, now, covered, policy, signature.field)
    each.proven = earliest(evidence.proofs, signature.revision, each.stamps)
    _stand(each, signed, Purpose.DOCUMENTS, evidence, now, policy)
    fault = each.fault
    waiting = pending or any(stamp.fault and not stamp.fault.is_final for stamp in each.stamps)
    if fault and fault.reason in EXPIRED_OR_REVOKED and waiting:
        # A time stamp that cannot be judged yet could still prove that the signature is older.
        text = f"{signature.field}: time stamp not decided yet"
        later = Fault(Step.REVOCATION, Reason.E_SIG_REVOCATION_UNKNOWN, SubIndication.TRY_LATER, text)
        each.faults = [kept for kept in each.faults if kept.reason not in EXPIRED_OR_REVOKED] + [later]
    stamped = min((stamp.at for stamp in each.stamps if stamp.at), default=None)
    each.claim = each.ask(
        lambda: check_time(
            signed.signing_time,
            signature.claimed_date,
            signed.certificate,
            now,
            policy,
            signature.field,
            stamped=stamped,
            proven=each.proven,
        )
    )


def _stand(each: Settled, signed: Signed, purpose: Purpose, evidence: Evidence, now: datetime, policy: Policy) -> None:
    name = each.signature.field

    def ask() -> Standing:
        with faults(Step.CHAIN, Reason.E_SIG_UNTRUSTED_CA, f"{name}: certificate not readable"):
            return standing(signed.certificate, purpose, evidence, now, each.proven, policy, name)

    each.standing = each.ask(ask)
    if each.standing:
        each.faults += each.standing.faults


def _raise_first(findings: Findings, *, final: bool) -> None:
    """Raise the lowest fault of that kind, earlier signatures first."""
    found = [each.fault for each in findings.settled if each.fault and each.fault.is_final is final]
    if found:
        raise min(found, key=rank)


def _together(reader: PdfFileReader, question: Question, measures: Measures, findings: Findings) -> Label | None:
    findings.notes += _signature_notes(findings, question)
    if measures.directory is None:
        if not _of_hands(findings):
            text = "no signature of the sending unit"
            raise Fault(Step.IDENTITY, Reason.E_SIG_ORG_MISSING, SubIndication.SIG_CONSTRAINTS_FAILURE, text)
        return None
    hands, claims = _hands(findings)
    found = parts(hands, question.sender, measures.directory)
    for each, part in zip(_of_hands(findings), found, strict=True):
        each.part = part
    findings.notes += identity_notes(hands, found, measures.directory)
    label = check_identity(hands, found, question.declared_copy)  # (9)
    findings.reached.append(Step.IDENTITY)
    check_order(found, [claim.best for claim in claims], question.policy)  # (10)
    findings.reached.append(Step.ORDER)
    if label is Label.CERTIFIED_COPY:  # (11)
        findings.notes += scan_notes(reader, question.policy)
    findings.reached.append(Step.FORM)
    return label


def _of_hands(findings: Findings) -> list[Settled]:
    return [each for each in findings.settled if not each.is_time_stamp]


def _hands(findings: Findings) -> tuple[list[Hand], list[Claim]]:
    """Every signature's certificate and claim: with no final fault left, both are known."""
    hands, claims = [], []
    for each in _of_hands(findings):
        if each.signed is None or each.claim is None:
            raise Fault(Step.IDENTITY, Reason.E_SIG_FORMAT, SubIndication.FORMAT_FAILURE, "signature not settled")
        hands.append(Hand(each.signature.field, each.signed.sha256, each.claim.day))
        claims.append(each.claim)
    return hands, claims


def _signature_notes(findings: Findings, question: Question) -> Iterator[Note]:
    for each in _of_hands(findings):
        name, claim, signed = each.signature.field, each.claim, each.signed
        if claim and claim.is_shifted:
            yield Note(NoteCode.TIME_AHEAD, name)
        if claim and question.promulgation_date not in (None, claim.day):
            yield Note(NoteCode.NOT_SIGNED_ON_PROMULGATION_DATE, f"{name}: {claim.day.isoformat()}")
        if signed and not signed.names_certificate:
            yield Note(NoteCode.NO_SIGNING_CERTIFICATE_ATTRIBUTE, name)
        if any(stamp.fault for stamp in each.stamps):
            yield Note(NoteCode.TIMESTAMP_NOT_USED, name)
        if each.proven and each.standing and each.standing.at == each.proven:
            yield Note(NoteCode.JUDGED_AT_PROVEN_TIME, f"{name}: {each.proven.isoformat()}")


def _negative(fault: Fault, report: Report) -> Refused | Undecided:
    verdict = Verdict.REFUSED if fault.is_final else Verdict.UNDECIDED
    told = replace(report, reason=fault.reason, detail=fault.detail, step=int(fault.step), verdict=verdict)
    kind = Refused if fault.is_final else Undecided
    return kind(fault.reason, fault.detail, report=told)


def _sha256(document: bytes, findings: Findings) -> str:
    """The signatures' digests have been over most of these bytes."""
    for each in findings.settled:
        return each.signature.digests.whole().hex()
    return hashlib.sha256(document).hexdigest()


def _report(document: bytes, question: Question, measures: Measures, findings: Findings, fault: Fault | None) -> Report:
    trust = measures.trust
    return Report(
        document_sha256=_sha256(document, findings),
        document_bytes=len(document),
        sender=question.sender,
        declared_copy=question.declared_copy,
        verified_at=measures.now,
        integrity=_integrity(document, findings, fault),
        trusted=_trusted(findings) if trust else None,
        signatures=tuple(_signature_report(each) for each in findings.settled) or findings.unplaced,
        notes=tuple(findings.notes),
        policy_version=question.policy.version,
        directory_version=measures.directory.version if measures.directory else "",
        trust_version=trust.version if trust else "",
        roots=trust.root_fingerprints if trust else (),
        revocation_version=measures.revocation.version,
        pyhanko_version=PYHANKO_VERSION,
        checks=tuple(int(step) for step in findings.reached),
        holds_until=_holds_until(findings) if fault is None else None,
    )


def _holds_until(findings: Findings) -> datetime | None:
    standings = [each.standing for each in findings.settled]
    standings += [stamp.standing for each in findings.settled for stamp in each.stamps]
    ends = [each.until if each else None for each in standings]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None


def _integrity(document: bytes, findings: Findings, fault: Fault | None) -> Integrity:
    if findings.settled:
        return Integrity.INTACT if all(each.is_intact for each in findings.settled) else Integrity.TAMPERED
    if findings.is_unsigned:
        return Integrity.UNSIGNED
    # Bytes put behind the end of a signed file are an attack on it, not a file that nobody can read.
    behind = fault is not None and fault.reason is Reason.E_PDF_FORMAT and fault.step is Step.GATE
    is_signed = b"/ByteRange" in document and document.startswith(b"%PDF-") and b"%%EOF" in document
    if fault is not None and (fault.step > Step.PARSE or (behind and is_signed)):
        return Integrity.TAMPERED
    return Integrity.MALFORMED


def _trusted(findings: Findings) -> bool:
    return bool(findings.settled) and all(
        each.standing is not None and each.standing.is_trusted and each.is_intact and not _refused(each)
        for each in findings.settled
    )


def _refused(each: Settled) -> bool:
    return each.fault is not None and each.fault.is_final and each.fault.step >= Step.CHAIN


def _signature_report(each: Settled) -> SignatureReport:
    fault, signed, stands = each.fault, each.signed, each.standing
    if fault is None and stands is None:
        fault = Fault(Step.CHAIN, Reason.E_UNAVAILABLE, SubIndication.TRY_LATER, "no trust was given")
    broken = {kept.step for kept in each.faults}
    asked = OF_SIGNATURES if stands else OF_SIGNATURES[:2]
    return SignatureReport(
        field=each.signature.field,
        kind=Kind.TIME_STAMP if each.is_time_stamp else Kind.SIGNATURE,
        indication=fault.indication if fault else Indication.TOTAL_PASSED,
        sub_indication=fault.sub_indication if fault else None,
        reason=fault.reason if fault else None,
        detail=fault.detail if fault else "",
        step=int(fault.step) if fault else None,
        part=each.part,
        certificate_sha256=signed.sha256 if signed else None,
        subject=subject(signed.der) if signed else "",
        signing_time=each.claim.at if each.claim else signed.signing_time if signed else None,
        revision=each.signature.revision,
        covers_bytes=each.signature.end,
        covers_whole_revision=True,
        digest_algorithm=signed.digest_algorithm if signed else "",
        signature_algorithm=signed.signature_algorithm if signed else "",
        chain=tuple(fingerprint(certificate) for certificate in stands.chain) if stands else (),
        statuses=stands.statuses if stands else (),
        proven_at=each.proven,
        judged_at=stands.at if stands else None,
        time_stamps=tuple(_stamp_report(stamp) for stamp in each.stamps),
        checks=tuple(int(step) for step in asked if step not in broken),
    )


def _stamp_report(stamp: Stamp) -> TimeStampReport:
    token, stands, fault = stamp.token, stamp.standing, stamp.fault
    return TimeStampReport(
        at=token.signing_time if token else None,
        sub_indication=fault.sub_indication if fault else None,
        detail=fault.detail if fault else "",
        certificate_sha256=token.sha256 if token else None,
        subject=subject(token.der) if token else "",
        chain=tuple(fingerprint(certificate) for certificate in stands.chain) if stands else (),
        statuses=stands.statuses if stands else (),
    )
