"""Metrics of the validator: verdicts, revocation look-ups, and how fresh the material is that it judges by."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from common.domain.names import UnitCode
from common.metrics import (
    record_revocation_checks,
    record_signature_validation,
    record_signature_verdict,
    set_trust_content,
    set_trust_list_ends,
    set_trust_not_after,
    set_trust_updated,
)
from common.metrics.signatures import RevocationMethod, RevocationOutcome, SignatureVerdict
from validator.cms.certificate import Certificate
from validator.cms.names import COMMON_NAME
from validator.pki.revocation_lists import RevocationLists
from validator.pki.served import lists_about, served_until
from validator.pki.trust_folder import PLACES, LeftOut
from validator.pki.trust_store import TrustStore
from validator.report.decision import Decision
from validator.report.model import SignatureReport, TimeStampReport
from validator.report.rules import Step
from validator.report.vocabulary import Indication, StatusKind, SubIndication, Verdict

SIGNATURE_VERDICTS: dict[Indication, SignatureVerdict] = {
    Indication.TOTAL_PASSED: "valid",
    Indication.TOTAL_FAILED: "invalid",
    Indication.INDETERMINATE: "indeterminate",
}
DOCUMENT_VERDICTS: dict[Verdict, SignatureVerdict] = {
    Verdict.VALID: "valid",
    Verdict.REFUSED: "invalid",
    Verdict.UNDECIDED: "indeterminate",
}
NEVER = datetime.fromtimestamp(0, UTC)
Check = tuple[RevocationMethod, RevocationOutcome]


def record_verdicts(sender: UnitCode, decisions: Iterable[Decision]) -> None:
    """Count the verdict on every signature of a package."""
    for decision in decisions:
        for signature in decision.report.signatures:
            verdict = SIGNATURE_VERDICTS[signature.indication]
            record_signature_verdict(sender, verdict, signature.sub_indication or "")


def record_examination(sender: UnitCode, decision: Decision, seconds: float, *, is_remembered: bool) -> None:
    """Count one examined PDF. ``is_remembered``: an earlier answer still held."""
    report = decision.report
    failed = next((each.sub_indication for each in report.signatures if each.sub_indication), None)
    record_signature_validation(sender, DOCUMENT_VERDICTS[report.verdict], failed or "", seconds)
    for (method, outcome), count in Counter(revocation_checks(decision)).items():
        record_revocation_checks(sender, "cache" if is_remembered else method, outcome, count)


def revocation_checks(decision: Decision) -> Iterator[Check]:
    """Each certificate for which a statement was used, or for which there was none in force."""
    for signature in decision.report.signatures:
        yield from _checks(signature, Step(signature.step) if signature.step else None)
        for stamp in signature.time_stamps:
            yield from _checks(stamp, Step.REVOCATION)


def record_material(
    trust: TrustStore,
    revocation: RevocationLists,
    directory_read_at: datetime | None,
    folder_read_at: datetime | None,
    now: datetime,
) -> None:
    """Set the age of the material in use. Expired CAs are left out: they issue no new lists. Of the lists, those that
    may say "not revoked" are looked at: another one must not hide that no certificate can be judged any more."""
    sources, ends = {"directory": directory_read_at or NEVER, "trust folder": folder_read_at or NEVER}, {}
    for kind, authorities in (("arl", trust.roots), ("crl", trust.intermediates)):
        for name, authority in _by_name(authorities).items():
            if now <= authority.not_valid_after_utc:
                lists, of_cas = revocation.of(authority.subject), kind == "arl"
                about = lists_about(lists, now, authorities=of_cas)
                sources[f"{kind}/{name}"] = next((crl.this_update for crl in about if crl.is_relied_on), NEVER)
                ends[f"{kind}/{name}"] = served_until(authority, lists, now, authorities=of_cas) or NEVER
    set_trust_updated(sources)
    set_trust_list_ends(ends)
    set_trust_not_after({name: each.not_valid_after_utc for name, each in _by_name(trust.authorities).items()})


def record_trust_folder(trust: TrustStore, revocation: RevocationLists, left_out: Iterable[LeftOut]) -> None:
    """Set what of the trust folder is in use, and what is not."""
    held = {"root": trust.roots, "intermediate": trust.intermediates, "tsa": trust.tsa, "crl": revocation.crls}
    unused = Counter(each.folder for each in left_out)
    set_trust_content({kind: len(items) for kind, items in held.items()}, {name: unused[name] for name in PLACES})


def _checks(judged: SignatureReport | TimeStampReport, step: Step | None) -> Iterator[Check]:
    yield from ((_method(status.kind), "good") for status in judged.statuses)
    if judged.sub_indication is SubIndication.REVOKED_NO_POE:
        yield _method(judged.revoked_by.kind if judged.revoked_by else StatusKind.CRL), "revoked"
    elif judged.sub_indication is SubIndication.TRY_LATER and step is Step.REVOCATION:
        # What cannot be relied on is named in the detail alone.
        yield _method(StatusKind.OCSP if f" {StatusKind.OCSP} " in judged.detail else StatusKind.CRL), "unknown"


def _method(kind: StatusKind) -> RevocationMethod:
    return "ocsp" if kind is StatusKind.OCSP else "crl"


def _by_name(certificates: Iterable[Certificate]) -> dict[str, Certificate]:
    """By common name; where two have the same, both with the start of their fingerprint."""
    listed = [(_name(certificate), certificate) for certificate in certificates]
    times = Counter(name for name, _ in listed)
    return {name if times[name] == 1 else f"{name} {each.sha256[:8]}": each for name, each in listed}


def _name(certificate: Certificate) -> str:
    names = certificate.subject.values_of(COMMON_NAME)
    return names[0] if names else certificate.subject.rfc4514_string()
