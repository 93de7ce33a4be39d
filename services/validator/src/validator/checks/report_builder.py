"""The report of a document, made of what was found, wherever the way ended."""

import hashlib
from datetime import datetime
from importlib.metadata import version

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from common.domain.reason import Reason
from validator.checks.stamps import Stamp
from validator.checks.state import OF_SIGNATURES, Findings, Settled
from validator.checks.tamper_evidence import was_broken_after_signing
from validator.context import Measures, Question
from validator.fault import Fault, Step
from validator.pki.certificates import fingerprint, subject
from validator.policy import Policy
from validator.report.model import Indication, Integrity, Kind, Report, SignatureReport, SubIndication, TimeStampReport

PYHANKO_VERSION = version("pyhanko")


def report_of(
    document: bytes, question: Question, measures: Measures, findings: Findings, fault: Fault | None
) -> Report:
    trust = measures.trust
    return Report(
        document_sha256=_sha256(document, findings),
        document_bytes=len(document),
        sender=question.sender,
        declared_copy=question.declared_copy,
        verified_at=measures.now,
        integrity=_integrity(document, question.policy, findings, fault),
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


def _sha256(document: bytes, findings: Findings) -> str:
    """The signatures' digests have been over most of these bytes."""
    for each in findings.settled:
        return each.signature.digests.whole().hex()
    return hashlib.sha256(document).hexdigest()


def _holds_until(findings: Findings) -> datetime | None:
    standings = [each.standing for each in findings.settled]
    standings += [stamp.standing for each in findings.settled for stamp in each.stamps]
    ends = [each.until if each else None for each in standings]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None


def _integrity(document: bytes, policy: Policy, findings: Findings, fault: Fault | None) -> Integrity:
    if findings.settled:
        return Integrity.INTACT if all(each.is_intact for each in findings.settled) else Integrity.TAMPERED
    if findings.is_unsigned:
        return Integrity.UNSIGNED
    if fault is not None and (fault.step > Step.PARSE or was_broken_after_signing(document, policy)):
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


def unplaced(reader: PdfFileReader, fault: Fault) -> tuple[SignatureReport, ...]:
    """The signatures that the form names, all under one fault of (3)."""
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
