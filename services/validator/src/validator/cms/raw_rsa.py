"""Raw RSA signatures (``adbe.x509.rsa_sha1``, ISO 32000-1 §12.8.3.2): a value and certificates, without a CMS.

An old form that never has legal force here. It is read so that the integrity of the document can be reported.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from validator.cms import ber
from validator.cms.certificate import read_certificate
from validator.cms.malformed import Malformed
from validator.cms.signature_scheme import HASHES
from validator.policy import CmsLimits

DIGESTS = ("sha1", "sha256", "sha384", "sha512", "md5")
"""Digests to try: the value names its digest only inside of the encrypted block (PKCS #1)."""


def matching_digest(
    contents: bytes, certificate: bytes, digest: Callable[[str], bytes], limits: CmsLimits
) -> str | None:
    """Name of the digest for which the value is right; None = it is right for none.

    ``digest``: gives the digest of the covered bytes by name. Raises ``Malformed``, or ``ValueError`` for what is not
    BER.
    """
    key = read_certificate(certificate, limits).public_key
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed("not an RSA key")
    element = ber.read_element(contents, limits)
    if element.tag & ~ber.CONSTRUCTED != ber.OCTET_STRING:
        raise Malformed("not an octet string")
    value = element.octets()
    for name in DIGESTS:
        try:
            key.verify(value, digest(name), padding.PKCS1v15(), Prehashed(HASHES[name]))
        except InvalidSignature:
            continue
        return name
    return None
