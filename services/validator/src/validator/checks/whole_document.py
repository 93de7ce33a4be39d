"""(9)-(11) All signatures together, and the notes on them."""

from collections.abc import Iterator

from common.domain.names import Label
from validator.checks.copy_form import copy_form_notes
from validator.checks.identity import Signer, check_identity, identity_notes, later_role_notes, roles_of
from validator.checks.order import check_order, is_order_denied
from validator.checks.signing_time import SigningTime
from validator.checks.state import DocumentState
from validator.context import ValidationContext, VerificationRequest
from validator.fault import Fault
from validator.pdf.reader import Reader
from validator.report.model import Note
from validator.report.rules import Step
from validator.report.vocabulary import NoteCode


def judge_whole_document(
    reader: Reader, request: VerificationRequest, context: ValidationContext, state: DocumentState
) -> Label | None:
    """The legal form; None = asked without directory. Adds roles, notes and steps to ``state``. Raises ``Fault``."""
    directory = context.material.directory
    state.notes += _signature_notes(state, request)
    if directory is None:
        if not state.signer_signatures:
            raise Fault("9.1a")
        return None
    signers, times = _signers(state)
    roles = roles_of(signers, request.sender, directory)
    for each, role in zip(state.signer_signatures, roles, strict=True):
        each.role = role
    state.notes += identity_notes(signers, roles, directory)
    state.notes += later_role_notes(signers, roles, request.sender, directory)
    label = check_identity(signers, roles, request.declared_copy)  # (9)
    state.steps_passed.append(Step.IDENTITY)
    check_order(roles, times, context.policy)  # (10)
    if is_order_denied(times, context.policy):
        state.notes.append(Note(NoteCode.SIGNING_TIMES_OUT_OF_ORDER, signers[-1].field))
    state.steps_passed.append(Step.ORDER)
    if label is Label.CERTIFIED_COPY:  # (11)
        state.notes += copy_form_notes(reader, context.policy.copy_form)
    state.steps_passed.append(Step.FORM)
    return label


def _signers(state: DocumentState) -> tuple[list[Signer], list[SigningTime]]:
    """Certificate and time of every signature. With no final fault left, both are known."""
    signers, times = [], []
    for each in state.signer_signatures:
        if each.verified is None or each.time is None:
            raise Fault("9.0b")
        signers.append(Signer(each.signature.field, each.verified.sha256, each.time.days))
        times.append(each.time)
    return signers, times


def _signature_notes(state: DocumentState, request: VerificationRequest) -> Iterator[Note]:
    for each in state.signer_signatures:
        name, verified, status = each.signature.field, each.verified, each.certificate_status
        if each.time:
            yield from _time_notes(each.time, name, request)
        if verified and not verified.names_certificate:
            yield Note(NoteCode.NO_SIGNING_CERTIFICATE_ATTRIBUTE, name)
        if any(stamp.fault for stamp in each.time_stamps):
            yield Note(NoteCode.TIMESTAMP_NOT_USED, name)
        if each.proven_at and status and status.at == each.proven_at:
            yield Note(NoteCode.JUDGED_AT_PROVEN_TIME, f"{name}: {each.proven_at.isoformat()}")


def _time_notes(time: SigningTime, name: str, request: VerificationRequest) -> Iterator[Note]:
    if time.claimed is None:
        yield Note(NoteCode.NO_SIGNING_TIME, name)
        return
    if time.is_shifted:
        yield Note(NoteCode.TIME_AHEAD, name)
    if time.doubt:
        yield Note(NoteCode.SIGNING_TIME_NOT_USED, f"{name}: {time.claimed.isoformat()} ({time.doubt})")
    elif request.promulgation_date not in (None, time.day):
        yield Note(NoteCode.NOT_SIGNED_ON_PROMULGATION_DATE, f"{name}: {time.day.isoformat()}")
