"""Whether certificates, revocation lists and OCSP responses are signed by a key."""

from functools import lru_cache

from common.containment import ENDS_THE_PROCESS, raising_unusable
from validator.cms import ber
from validator.cms.certificate import Certificate, SignedObject
from validator.cms.signature_scheme import Scheme, is_value_right, read_scheme
from validator.policy import CmsLimits

REMEMBERED = 4096


def scheme_of(signed: SignedObject, limits: CmsLimits) -> Scheme:
    """The signature scheme. Raises ``ValueError`` for one that is not known."""
    with raising_unusable("signature algorithm not usable"):
        return read_scheme(ber.read_whole(signed.algorithm, limits))


def is_signed_by(signed: SignedObject, signer: Certificate) -> bool:
    """Whether the signature is right for the key of ``signer``. False where either cannot be read."""
    try:
        scheme = scheme_of(signed, signer.limits)
        return is_value_right(signer.public_key, signed.signature, scheme, message=signed.body, digest=None)
    except (MemoryError, *ENDS_THE_PROCESS):
        raise
    except BaseException:  # libraries raise anything over keys and values that do not fit
        return False


@lru_cache(maxsize=REMEMBERED)
def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether names and signature fit; nothing is said about what the issuer may do."""
    return certificate.issuer == issuer.subject and is_signed_by(certificate.signed, issuer)
