"""Builds the report of a document from what is known of it, wherever its verification ended."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from typing import TypedDict

from pyhanko.sign.fields import enumerate_sig_fields

from common.domain.reason import Reason
from validator.checks.signing_time import end_of_day_in_vietnam
from validator.checks.state import SIGNATURE_STEPS, DocumentState, SignatureState
from validator.checks.tamper_evidence import was_broken_after_signing
from validator.checks.time_stamps import JudgedTimeStamp
from validator.context import ValidationContext, VerificationRequest
from validator.fault import Fault
from validator.pdf.reader import Reader
from validator.pki.certificates import subject_text
from validator.pki.status import CertificateStatus
from validator.policy import Policy
from validator.report.model import ChangeReport, Report, SignatureReport, StatusUsed, TimeStampReport, shown
from validator.report.rules import RULES, Step, rules_of
from validator.report.vocabulary import Indication, Integrity, NoteCode, SignatureKind, SubIndication, Verdict

PYHANKO_VERSION = version("pyhanko")


def build_report(
    document: bytes,
    request: VerificationRequest,
    context: ValidationContext,
    state: DocumentState,
    fault: Fault | None,
) -> Report:
    """The report. ``fault``: the document's one fault; None = it is valid, and the caller adds the label."""
    material, policy = context.material, context.policy
    steps = _steps_held(state, fault)
    report = Report(
        document_sha256=_sha256(document, state),
        document_bytes=len(document),
        sender=request.sender,
        declared_copy=request.declared_copy,
        verified_at=context.now,
        integrity=_integrity(document, policy, state, fault),
        trusted=_is_trusted(state) if material.trust else None,
        signatures=tuple(_signature_report(each) for each in state.signatures) or state.unlocated,
        notes=tuple(state.notes),
        policy_version=policy.version,
        directory_version=material.directory_version,
        trust_version=material.trust_version,
        roots=material.trust.root_fingerprints if material.trust else (),
        revocation_version=material.revocation.version,
        pyhanko_version=PYHANKO_VERSION,
        checks=tuple(map(int, steps)),
        rules=rules_of([step for step in steps if step not in SIGNATURE_STEPS]),
        changes=_changes(state, policy),
        holds_until=_holds_until(state, context.now) if fault is None else None,
        verdict=Verdict.VALID,
    )
    return _with_fault(report, fault) if fault else report


def _steps_held(state: DocumentState, fault: Fault | None) -> list[Step]:
    """Steps that were passed; without one of which a rule turned out later not to hold, or was not asked."""
    faults = [*([fault] if fault else []), *(kept for each in state.signatures for kept in each.faults)]
    broken = {each.step for each in faults}
    broken |= {step for each in state.signatures for step in SIGNATURE_STEPS if step not in each.steps_asked}
    return [step for step in state.steps_passed if step not in broken]


def _with_fault(report: Report, fault: Fault) -> Report:
    verdict = Verdict.REFUSED if fault.is_final else Verdict.UNDECIDED
    step, rule = int(fault.step), fault.rule.number
    return replace(report, verdict=verdict, reason=fault.reason, detail=fault.detail, step=step, rule=rule)


def _sha256(document: bytes, state: DocumentState) -> str:
    """The signatures' digests cover most of these bytes, so their hash state is used where there is one."""
    for each in state.signatures:
        return each.signature.digests.whole().hex()
    return hashlib.sha256(document).hexdigest()


def _holds_until(state: DocumentState, now: datetime) -> datetime | None:
    """When the first thing that a valid verdict rests on ends; None = not known."""
    statuses = [each.certificate_status for each in state.signatures]
    statuses += [stamp.status for each in state.signatures for stamp in each.time_stamps]
    ends = [status.until if status else None for status in statuses]
    known = [end for end in ends if end is not None]
    if not known or len(known) != len(ends):
        return None
    return min([*known, *([end_of_day_in_vietnam(now)] if _rests_on_today(state) else [])])


def _rests_on_today(state: DocumentState) -> bool:
    """Whether a role was judged for the day of the verification, since no claim could serve."""
    times = [each.time for each in state.signer_signatures if each.time and not each.time.is_proven]
    is_held_later = any(note.code is NoteCode.ROLE_HELD_LATER for note in state.notes)
    return any(time.credible is None or is_held_later for time in times)


def _integrity(document: bytes, policy: Policy, state: DocumentState, fault: Fault | None) -> Integrity:
    if state.signatures:
        found = {each.integrity for each in state.signatures}
        return next(each for each in (Integrity.TAMPERED, Integrity.UNKNOWN, Integrity.INTACT) if each in found)
    if state.is_unsigned:
        return Integrity.UNSIGNED
    if fault is not None and (fault.step > Step.PARSE or was_broken_after_signing(document, policy)):
        return Integrity.TAMPERED
    return Integrity.MALFORMED


def _is_trusted(state: DocumentState) -> bool:
    return bool(state.signatures) and all(
        each.certificate_status is not None
        and each.certificate_status.is_trusted
        and each.integrity is Integrity.INTACT
        and not (each.fault is not None and each.fault.is_final and each.fault.step >= Step.CHAIN)
        for each in state.signatures
    )


def _changes(state: DocumentState, policy: Policy) -> tuple[ChangeReport, ...]:
    """What the signatures' analyses allowed; several compare the same revisions."""
    allowed = {change for each in state.signatures if each.changes for change in each.changes.allowed}
    return tuple(
        ChangeReport(
            revision=each.revision,
            since=each.since,
            rule=each.rule,
            object_count=len(each.objects),
            objects=each.objects[: policy.difference.max_reported_objects],
        )
        for each in sorted(allowed)
    )


class _FaultFields(TypedDict, total=False):
    sub_indication: SubIndication
    reason: Reason
    detail: str
    step: int
    rule: str


def _fault_fields(fault: Fault | None) -> _FaultFields:
    """What a signature's report says about the rule that does not hold."""
    if fault is None:
        return {}
    return {
        "sub_indication": fault.sub_indication,
        "reason": fault.reason,
        "detail": fault.detail,
        "step": int(fault.step),
        "rule": fault.rule.number,
    }


class _StatusFields(TypedDict, total=False):
    chain: tuple[str, ...]
    statuses: tuple[StatusUsed, ...]
    revoked_by: StatusUsed | None
    tried: tuple[str, ...]
    tried_subjects: tuple[str, ...]


def _status_fields(status: CertificateStatus | None, faults: Iterable[Fault]) -> _StatusFields:
    """Chain and statements on revocation; a chain that does not hold, and who says that one is revoked."""
    if status is None:
        return {}
    tried = next((fault.tried for fault in faults if fault.tried), ())
    return {
        "chain": tuple(each.sha256 for each in status.chain),
        "statuses": status.statuses,
        "revoked_by": next((fault.revoked_by for fault in faults if fault.revoked_by), None),
        "tried": tuple(sha256 for sha256, _ in tried),
        "tried_subjects": tuple(shown(subject) for _, subject in tried),
    }


def _signature_report(each: SignatureState) -> SignatureReport:
    fault, verified, status = each.fault, each.verified, each.certificate_status
    if fault is None and status is None:
        fault = Fault("6.0")
    held = tuple(int(step) for step in each.steps_asked if step not in {kept.step for kept in each.faults})
    kind = SignatureKind.TIME_STAMP if each.signature.is_time_stamp else SignatureKind.SIGNATURE
    return SignatureReport(
        field=each.signature.field,
        kind=kind,
        indication=fault.indication if fault else Indication.TOTAL_PASSED,
        part=each.role,
        certificate_sha256=verified.sha256 if verified else None,
        subject=shown(subject_text(verified.der)) if verified else "",
        signing_time=each.time.claimed if each.time else verified.signing_time if verified else None,
        revision=each.signature.revision,
        covers_bytes=each.signature.end,
        covers_whole_revision=True,
        digest_algorithm=verified.digest_algorithm if verified else "",
        signature_algorithm=verified.signature_algorithm if verified else "",
        proven_at=each.proven_at,
        judged_at=status.at if status else None,
        time_stamps=tuple(_time_stamp_report(stamp) for stamp in each.time_stamps),
        checks=held,
        rules=rules_of(held, kind),
        broken_rules=_broken_rules([*each.faults, *([fault] if fault else [])]),
        chain_subjects=tuple(shown(each.subject.rfc4514_string()) for each in status.chain) if status else (),
        **_fault_fields(fault),
        **_status_fields(status, each.faults),
    )


def _broken_rules(faults: Iterable[Fault]) -> tuple[str, ...]:
    """Numbers of the rules, in the order of the steps, each once."""
    broken = {fault.rule.number for fault in faults}
    return tuple(number for number in RULES if number in broken)


def _time_stamp_report(stamp: JudgedTimeStamp) -> TimeStampReport:
    token, fault = stamp.token, stamp.fault
    return TimeStampReport(
        at=token.signing_time if token else None,
        sub_indication=fault.sub_indication if fault else None,
        detail=fault.detail if fault else "",
        rule=fault.rule.number if fault else None,
        certificate_sha256=token.sha256 if token else None,
        subject=shown(subject_text(token.der)) if token else "",
        **_status_fields(stamp.status, stamp.status.faults if stamp.status else ()),
    )


def unlocated_signatures(reader: Reader, fault: Fault) -> tuple[SignatureReport, ...]:
    """The signatures that the form names, as many as a file may have, all with one fault of (3)."""
    return tuple(
        SignatureReport(
            field=name, indication=fault.indication, broken_rules=_broken_rules([fault]), **_fault_fields(fault)
        )
        for name in _names(reader)
    )


def _names(reader: Reader) -> list[str]:
    try:
        fields = islice(enumerate_sig_fields(reader, filled_status=True), reader.policy.max_signatures)
        return [shown(name) for name, _, _ in fields]
    except Exception:
        return []
