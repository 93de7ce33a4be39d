"""What cannot be saved: SHA-256 over what each signature covers, and the arithmetic of its signatures."""

import hashlib
from collections.abc import Callable

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mint.tamper import BYTE_RANGE

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def floor_of(document: bytes, issuer: x509.Certificate) -> Callable[[], None]:
    """Prepared once; what is left to run: both digests, two values of documents and two of certificates."""
    view = memoryview(document)
    ranges, values = [], []
    for match in BYTE_RANGE.finditer(document):
        _, first, second, length = (int(number) for number in match.groups())
        ranges.append((view[:first], view[second : second + length]))
        data = cms.ContentInfo.load(bytes.fromhex(document[first + 1 : second - 1].decode()))["content"]
        info = data["signer_infos"][0]
        serial = info["sid"].chosen["serial_number"].native
        der = next(item.chosen.dump() for item in data["certificates"] if item.chosen.serial_number == serial)
        leaf = x509.load_der_x509_certificate(der)
        signed, hashed = b"\x31" + info["signed_attrs"].dump()[1:], HASHES[info["digest_algorithm"]["algorithm"].native]
        values.append((leaf.public_key(), info["signature"].native, signed, hashed))
        values.append((issuer.public_key(), leaf.signature, leaf.tbs_certificate_bytes, hashes.SHA256()))

    def run() -> None:
        for first, second in ranges:
            state = hashlib.sha256(first)
            state.update(second)
            state.digest()
        for key, value, message, hashed in values:
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(value, message, padding.PKCS1v15(), hashed)

    return run
