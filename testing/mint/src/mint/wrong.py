"""Documents that are signed soundly, but by the wrong hands: each with the reason it must be refused for.

They need the demo city's authority and directory; documents that are wrong as files are in ``mint.tamper``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.domain.names import UnitCode
from common.domain.reason import Reason
from mint.city import City
from mint.pki import self_signed, with_sha1
from mint.sign import GAP, sign, sign_pair

Making = Callable[[City, UnitCode, bytes, datetime], bytes]
"""City, sending unit, unsigned PDF, time of the first signature."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One way to be signed by the wrong hands."""

    name: str
    make: Making
    reason: Reason


WRONGS: dict[str, Wrong] = {}
"""All of them, by name."""


def wrong(reason: Reason) -> Callable[[Making], Making]:
    """Enter a function into the registry."""

    def enter(function: Making) -> Making:
        WRONGS[function.__name__] = Wrong(function.__name__, function, reason)
        return function

    return enter


@wrong(Reason.E_SIG_ORG_MISSING)
def unsigned(_city: City, _code: UnitCode, pdf: bytes, _at: datetime) -> bytes:
    """No signature at all."""
    return pdf


@wrong(Reason.E_SIG_ORG_MISSING)
def unit_missing(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """Only the signer signed."""
    return sign(pdf, city[code].signer, at, field="NguoiKy")


@wrong(Reason.E_SIG_SIGNER_MISSING)
def signer_missing(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """Only the unit signed, and no scan is declared."""
    return sign(pdf, city[code].seal, at, field="CoQuan")


@wrong(Reason.E_SIG_ORDER)
def unit_before_signer(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The clerk sealed the letter before its signer had signed it."""
    return city.signed(code, pdf, at, swapped=True)


@wrong(Reason.E_SIG_NOT_BOUND)
def seal_of_another_unit(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """Another unit's seal under this unit's name."""
    other = next(each for each in city.codes if each != code)
    return sign_pair(pdf, city[code].signer, city[other].seal, at)


@wrong(Reason.E_SIG_SIGNER_NOT_AUTHORISED)
def unregistered_signer(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A person with a certificate of the right CA whom the unit never registered."""
    return sign_pair(pdf, city.authority.person("Nguyễn Chưa Đăng Ký"), city[code].seal, at)


@wrong(Reason.E_SIG_SIGNER_NOT_AUTHORISED)
def delegation_expired(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A deputy whose delegation ended the day before."""
    return sign_pair(pdf, city[code].former, city[code].seal, at)


@wrong(Reason.E_SIG_STRANGER)
def third_signature(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A person nobody registered signed as well."""
    pdf = sign(pdf, city.authority.person("Nguyễn Xa Lạ"), at - GAP, field="Them", box=(60, 60, 200, 120))
    return city.signed(code, pdf, at)


@wrong(Reason.E_SIG_UNTRUSTED_CA)
def signer_self_signed(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The signer made his certificate himself, with the right name in it."""
    impostor = self_signed(city[code].signer.name, now=city.now)
    return sign_pair(pdf, impostor, city[code].seal, at)


@wrong(Reason.E_SIG_UNTRUSTED_CA)
def unit_of_another_ca(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A seal with the unit's name from a CA outside the government's hierarchy."""
    return sign_pair(pdf, city[code].signer, city.foreign.unit(city[code].unit.name), at)


@wrong(Reason.E_SIG_EXPIRED)
def signer_expired(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The signer's certificate ended yesterday."""
    end = city.now - timedelta(days=1)
    return sign_pair(pdf, city.authority.person("Nguyễn Hết Hạn", not_after=end), city[code].seal, at)


@wrong(Reason.E_SIG_NOT_YET_VALID)
def signer_not_yet_valid(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The signer's certificate starts in a month."""
    start = city.now + timedelta(days=30)
    return sign_pair(pdf, city.authority.person("Nguyễn Chưa Đến Hạn", not_before=start), city[code].seal, at)


@wrong(Reason.E_SIG_REVOKED)
def signer_revoked(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The signer's certificate is on the CRL."""
    return sign_pair(pdf, city.revoked, city[code].seal, at)


@wrong(Reason.E_SIG_KEY_USAGE)
def key_usage_encipherment(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A certificate for encryption, used to sign."""
    person = city.authority.person("Nguyễn Sai Khóa", usages=("key_encipherment",))
    return sign_pair(pdf, person, city[code].seal, at)


@wrong(Reason.E_SIG_WEAK_ALG)
def signed_with_sha1(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The old digest."""
    person = city.authority.person("Nguyễn Sha Một", kind="rsa2048")
    pdf = sign(pdf, person, at, field="NguoiKy", digest="sha1")
    return sign(pdf, city[code].seal, at + GAP, field="CoQuan")


@wrong(Reason.E_SIG_WEAK_ALG)
def signed_with_rsa_1024(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """The old key size."""
    person = city.authority.person("Nguyễn Khóa Ngắn", kind="rsa1024")
    return sign_pair(pdf, person, city[code].seal, at)


@wrong(Reason.E_SIG_WEAK_ALG)
def certificate_signed_with_sha1(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A sound signature under a certificate that the CA signed with the old digest."""
    person = with_sha1(city.authority.person("Nguyễn Chứng Thư Cũ"), city.authority.issuing)
    return sign_pair(pdf, person, city[code].seal, at)


@wrong(Reason.E_SIG_UNTRUSTED_CA)
def issued_by_a_subscriber(city: City, code: UnitCode, pdf: bytes, at: datetime) -> bytes:
    """A subscriber who played CA with his own certificate."""
    person = city.authority.issue_under(city[code].signer, "Nguyễn Mạo Danh")
    return sign_pair(pdf, person, city[code].seal, at)
