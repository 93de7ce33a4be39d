"""(9)-(11): all signatures looked at together, and the notes on them."""

from collections.abc import Iterator

from pyhanko.pdf_utils.reader import PdfFileReader

from common.domain.names import Label
from common.domain.reason import Reason
from validator.checks.copy_form import scan_notes
from validator.checks.identity import Hand, check_identity, parts
from validator.checks.identity import notes as identity_notes
from validator.checks.order import check_order
from validator.checks.signing_time import Claim
from validator.checks.state import Findings
from validator.context import Measures, Question
from validator.fault import Fault, Step
from validator.report.model import Note, NoteCode, SubIndication


def judge_together(reader: PdfFileReader, question: Question, measures: Measures, findings: Findings) -> Label | None:
    findings.notes += _signature_notes(findings, question)
    if measures.directory is None:
        if not findings.hands:
            text = "no signature of the sending unit"
            raise Fault(Step.IDENTITY, Reason.E_SIG_ORG_MISSING, SubIndication.SIG_CONSTRAINTS_FAILURE, text)
        return None
    hands, claims = _hands(findings)
    found = parts(hands, question.sender, measures.directory)
    for each, part in zip(findings.hands, found, strict=True):
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


def _hands(findings: Findings) -> tuple[list[Hand], list[Claim]]:
    """Every signature's certificate and claim: with no final fault left, both are known."""
    hands, claims = [], []
    for each in findings.hands:
        if each.signed is None or each.claim is None:
            raise Fault(Step.IDENTITY, Reason.E_SIG_FORMAT, SubIndication.FORMAT_FAILURE, "signature not settled")
        hands.append(Hand(each.signature.field, each.signed.sha256, each.claim.day))
        claims.append(each.claim)
    return hands, claims


def _signature_notes(findings: Findings, question: Question) -> Iterator[Note]:
    for each in findings.hands:
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
