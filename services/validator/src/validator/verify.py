"""The decision: is this PDF a valid document of its sender, and in which legal form? Pure.

The steps, numbered as in docs/validity.md: (1) gate, (2) parse, (3) structure, (4) difference, (5) cryptography,
(6) chain, (7) revocation, (8) time, (9) identity and role, (10) order, (11) form.

(1)-(3) stop at the first fault. (4)-(8) are asked of every signature, so that the report names the verdict on each;
document time stamps, newest first, before the signatures that they prove to be older. (9)-(11) look at all signatures
together. The document's one reason is the fault of the lowest step; a fault that time can cure (no current CRL) only
counts when there is no other.
"""

from dataclasses import replace

from common.domain.names import Label
from validator.checks.cryptography import check_cryptography, check_strength
from validator.checks.difference import check_difference, check_empty_fields, check_invisible
from validator.checks.gate import check_gate
from validator.checks.parse import parse
from validator.checks.report_builder import PYHANKO_VERSION, build_report, unlocated_signatures
from validator.checks.signature import Signature
from validator.checks.state import SIGNATURE_STEPS, DocumentState, SignatureState, raise_first
from validator.checks.structure import find_signatures
from validator.checks.timeline import place_in_time
from validator.checks.whole_document import judge_whole_document
from validator.context import ValidationContext, VerificationRequest
from validator.fault import Fault, library_errors_as
from validator.pdf.reader import Reader
from validator.pki.trust_store import TrustStore
from validator.policy import Policy
from validator.report.decision import Decision, Refused, Undecided, Verified
from validator.report.rules import Step

__all__ = ["PYHANKO_VERSION", "verify"]


def verify(document: bytes, request: VerificationRequest, context: ValidationContext) -> Decision:
    """Verified, Refused or Undecided, each with its report. Raises nothing, whatever the document holds.

    Without directory, units and roles are not asked: verified (as no form at all) means that every signature passed.
    Without trust nothing can be verified; the report then names the integrity alone.
    """
    state = DocumentState()
    label: Label | None = None
    try:
        with library_errors_as("2.0", detail="not readable"):
            label = _judge(document, request, context, state)
    except Fault as fault:
        kind = Refused if fault.is_final else Undecided
        return kind(fault.reason, fault.detail, report=build_report(document, request, context, state, fault))
    return Verified(label, replace(build_report(document, request, context, state, None), label=label))


def _judge(
    document: bytes, request: VerificationRequest, context: ValidationContext, state: DocumentState
) -> Label | None:
    policy, trust = context.policy, context.material.trust
    check_gate(document, policy)  # (1)
    state.steps_passed.append(Step.GATE)
    reader = parse(document, policy)  # (2)
    state.steps_passed.append(Step.PARSE)
    try:
        signatures = find_signatures(document, reader, policy)  # (3)
    except Fault as fault:
        state.unlocated = unlocated_signatures(reader, fault)
        raise
    state.steps_passed.append(Step.STRUCTURE)
    state.is_unsigned = not signatures
    for signature in signatures:  # (4), (5)
        state.signatures.append(_verify_signature(reader, signature, signatures, policy, trust))
    if trust is not None:
        place_in_time(reader, state, context, trust)  # (6)-(8)
    raise_first(state, final=True)
    if trust is None:
        raise Fault("6.0")
    state.steps_passed += [step for step in SIGNATURE_STEPS if step not in state.steps_passed]
    label = judge_whole_document(reader, request, context, state)  # (9)-(11)
    raise_first(state, final=False)
    return label


def _verify_signature(
    reader: Reader,
    signature: Signature,
    signatures: tuple[Signature, ...],
    policy: Policy,
    trust: TrustStore | None,
) -> SignatureState:
    """(4) and (5) of one signature."""
    state = SignatureState(signature)
    later = signatures[signatures.index(signature) + 1 :]
    vouching = [each for each in later if not each.is_time_stamp]
    last = vouching[-1] if vouching else signature
    state.changes = state.ask(lambda: check_difference(reader, signature, last, time_stamps_follow=bool(later)))  # (4)
    if signature is signatures[0]:
        state.ask(lambda: check_empty_fields(reader, signature))
    if signature.is_time_stamp:
        state.ask(lambda: check_invisible(reader, signature, signatures[0]))
    known = trust.time_authorities if trust else ()
    state.verified = verified = state.ask(lambda: check_cryptography(signature, policy, known))  # (5)
    if verified is not None:
        state.ask(lambda: check_strength(verified, signature.field))
    return state
