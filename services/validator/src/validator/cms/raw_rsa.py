"""Raw RSA signatures (``adbe.x509.rsa_sha1``, ISO 32000-1 §12.8.3.2): a value and certificates, without a message.

Old, and never of legal force here; read so that what it says about the integrity of a document can be told.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from validator.cms import ber
from validator.cms.signed_data import HASHES, Malformed
from validator.pki import certificates

DIGESTS = ("sha1", "sha256", "sha384", "sha512", "md5")
"""What the value may be of; it names it itself (PKCS #1)."""


def digest_of(contents: bytes, certificate: bytes, digest: Callable[[str], bytes]) -> str | None:
    """Name of the digest for which the value is right; None = for none. ``digest``: of the covered bytes, by name."""
    key = certificates.public_key(certificate)
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed("not an RSA key")
    held = ber.element(contents)
    if held.tag & ~ber.CONSTRUCTED != ber.OCTET_STRING:
        raise Malformed("not an octet string")
    value = held.octets()
    for name in DIGESTS:
        try:
            key.verify(value, digest(name), padding.PKCS1v15(), Prehashed(HASHES[name]))
        except InvalidSignature:
            continue
        return name
    return None
