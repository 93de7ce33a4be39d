"""The memory of verdicts never outlives what they rest on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from common.domain.reason import Reason
from mint.pki import Revocation as Revoked
from mint.pki import with_sha1
from mint.tamper import TAMPERS
from validator.context import VerificationRequest
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.decision import Refused, Verified
from validator.workers.cache import VerdictCache

from .conftest import NOW, SENDER, Harness, revocation_of

ASKED = VerificationRequest(sender=SENDER)
HOUR = timedelta(hours=1)


def _kept(harness: Harness, document: bytes, **changes: object) -> tuple[VerdictCache, object]:
    cache = VerdictCache()
    key = cache.key(document, ASKED, "v")
    cache.keep(key, harness.judge(document, **changes))
    return cache, key


def test_the_same_question_is_answered_from_memory(harness: Harness) -> None:
    cache, key = _kept(harness, harness.signed)
    decision = cache.find(key, NOW + 2 * HOUR)  # type: ignore[arg-type]
    assert isinstance(decision, Verified)
    for other in (
        cache.key(harness.signed + b"\n", ASKED, "v"),
        cache.key(harness.signed, replace(ASKED, sender="H29.901.01"), "v"),
        cache.key(harness.signed, replace(ASKED, declared_copy=True), "v"),
        cache.key(harness.signed, ASKED, "v", replace(DEFAULT, version="other")),
        cache.key(harness.signed, ASKED, "w"),
    ):
        assert cache.find(other, NOW + 2 * HOUR) is None


def test_not_longer_than_the_lists(harness: Harness) -> None:
    cache, key = _kept(harness, harness.signed)
    assert cache.find(key, NOW + timedelta(days=7)) is None  # type: ignore[arg-type]
    assert cache.find(key, NOW) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "is_cached"), [(Reason.E_SIG_DIGEST, True), (Reason.E_SIG_CHANGED, True), (Reason.E_PDF_LIMIT, False)]
)
def test_refusals_only_where_time_cannot_change_them(harness: Harness, reason: Reason, is_cached: bool) -> None:
    name = next(name for name, tamper in TAMPERS.items() if tamper.reason is reason)
    cache, key = _kept(harness, TAMPERS[name].apply(harness.signed))
    assert isinstance(cache.find(key, NOW + 2 * HOUR), Refused) is is_cached  # type: ignore[arg-type]


def test_a_refusal_for_a_weak_algorithm_of_a_ca_is_not_kept(harness: Harness) -> None:
    """The CA's certificate was signed with SHA-1; the one that replaces it becomes valid in six hours."""
    authority = harness.city.authority
    issuing = authority.issuing.certificate
    renewed = x509.CertificateBuilder().subject_name(issuing.subject).issuer_name(issuing.issuer).serial_number(77)
    renewed = renewed.public_key(issuing.public_key()).not_valid_before(NOW + 6 * HOUR)
    renewed = renewed.not_valid_after(issuing.not_valid_after_utc)
    for extension in issuing.extensions:
        renewed = renewed.add_extension(extension.value, extension.critical)
    certificates = [
        renewed.sign(authority.root.key, SHA256()),
        with_sha1(authority.issuing, authority.root).certificate,
    ]
    trust = TrustStore([authority.root.der], [each.public_bytes(Encoding.DER) for each in certificates])
    material = {"trust": trust, "revocation": revocation_of(harness.city, trust)}
    refused, valid = (harness.judge(harness.signed, now=NOW + after, **material) for after in (0 * HOUR, 12 * HOUR))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.report.rule) == (Reason.E_SIG_WEAK_ALG, "6.5")
    assert isinstance(valid, Verified)
    cache, key = _kept(harness, harness.signed, **material)
    assert cache.find(key, NOW + 12 * HOUR) is None  # type: ignore[arg-type]


def test_undecided_is_never_kept(harness: Harness) -> None:
    cache, key = _kept(harness, harness.signed, revocation=RevocationLists())
    assert cache.find(key, NOW + 2 * HOUR) is None  # type: ignore[arg-type]


def test_the_memory_of_certificates_ends_with_the_lists(harness: Harness) -> None:
    """One RevocationLists remembers across documents; time alone makes it ask again."""
    lists = revocation_of(harness.city, harness.trust, next_update=NOW + 3 * HOUR)
    assert isinstance(harness.judge(harness.signed, revocation=lists), Verified)
    assert lists.memory
    assert isinstance(harness.judge(harness.signed, revocation=lists, now=NOW + 2 * HOUR), Verified)
    assert not isinstance(harness.judge(harness.signed, revocation=lists, now=NOW + 3 * HOUR), Verified)
    assert not isinstance(harness.judge(harness.signed, revocation=lists, now=NOW - timedelta(days=1)), Verified)


def test_a_list_dated_ahead_ends_the_memory(harness: Harness) -> None:
    ahead = [Revoked(harness.sender.seal.certificate.serial_number, NOW + HOUR)]
    now = revocation_of(harness.city, harness.trust)
    later = revocation_of(harness.city, harness.trust, this_update=NOW + 2 * HOUR, revoked=ahead)
    both = RevocationLists([*now.crls, *later.crls])
    assert isinstance(harness.judge(harness.signed, revocation=both), Verified)
    refused = harness.judge(harness.signed, revocation=both, now=NOW + 3 * HOUR)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.E_SIG_REVOKED


def test_the_size_is_bounded(harness: Harness) -> None:
    cache = VerdictCache(size=2)
    decision = harness.judge(harness.signed)
    keys = [cache.key(bytes([n]), ASKED, "v") for n in range(3)]
    for key in keys:
        cache.keep(key, decision)
    assert [cache.find(key, NOW + HOUR) is not None for key in keys] == [False, True, True]
