"""The decision: is this PDF a valid document of its sender, and in which legal form? Pure; numbers as in
docs/validity.md:

(1) gate, (2) parse, (3) structure, (4) difference, (5) cryptography, (6) chain, (7) revocation, (8) time,
(9) identity and role, (10) order, (11) form.

(1)-(3) stop at the first fault. (4)-(8) are asked of every signature, so that the report names each one's verdict;
document time stamps, newest first, before the signatures that they prove to be older.
(9)-(11) look at all signatures together. The document's one reason is the fault of the lowest step; a fault that time
can cure (no fresh CRL) only counts when there is no other.
"""

from dataclasses import replace
from datetime import datetime

from pyhanko.pdf_utils.reader import PdfFileReader

from common.domain.directory import Directory
from common.domain.names import Label
from common.domain.reason import Reason
from validator.checks.cryptography import TIME_STAMP, check_cryptography, check_strength
from validator.checks.difference import check_difference, check_empty_fields
from validator.checks.gate import check_gate
from validator.checks.parse import parse
from validator.checks.report_builder import PYHANKO_VERSION, report_of, unplaced
from validator.checks.stamps import check_invisible
from validator.checks.state import OF_SIGNATURES, Findings, Settled, raise_first
from validator.checks.structure import Signature, find_signatures
from validator.checks.timeline import place_in_time
from validator.checks.whole_document import judge_together
from validator.context import Measures, Question
from validator.fault import Fault, Step, faults
from validator.pki.crl import Revocation
from validator.pki.trust import Trust
from validator.policy import Policy
from validator.report.model import Decision, Refused, Report, SubIndication, Undecided, Verdict, Verified

__all__ = ["PYHANKO_VERSION", "Question", "verify"]


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
    report = report_of(document, question, measures, findings, fault)
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
        findings.unplaced = unplaced(reader, fault)
        raise
    findings.reached.append(Step.STRUCTURE)
    findings.is_unsigned = not signatures
    for signature in signatures:  # (4), (5)
        findings.settled.append(_settle(document, reader, signature, signatures, policy))
    if measures.trust is not None:
        place_in_time(reader, findings, measures, measures.trust, policy)  # (6)-(8)
    raise_first(findings, final=True)
    if measures.trust is None:
        raise Fault(Step.CHAIN, Reason.E_UNAVAILABLE, SubIndication.TRY_LATER, "no trust was given")
    findings.reached += [step for step in OF_SIGNATURES if step not in findings.reached]
    label = judge_together(reader, question, measures, findings)  # (9)-(11)
    raise_first(findings, final=False)
    return label


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


def _negative(fault: Fault, report: Report) -> Refused | Undecided:
    verdict = Verdict.REFUSED if fault.is_final else Verdict.UNDECIDED
    told = replace(report, reason=fault.reason, detail=fault.detail, step=int(fault.step), verdict=verdict)
    kind = Refused if fault.is_final else Undecided
    return kind(fault.reason, fault.detail, report=told)
