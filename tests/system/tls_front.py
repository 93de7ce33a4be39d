"""TLS in front of a port on this machine, with an authority of its own: the broker as units see it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from .relay import relay

NAME = "localhost"


@dataclass(frozen=True)
class Front:
    """Where it listens, and the PEM file of the authority that vouches for ``localhost``."""

    port: int
    authority: Path


@contextmanager
def tls_front(target_port: int, folder: Path) -> Iterator[Front]:
    """Pass everything on to ``target_port`` while the context is open."""
    authority = _certify(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    with relay([target_port], context) as port:
        yield Front(port, authority)


def _certify(folder: Path) -> Path:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    ca = _builder(issuer, issuer, ca_key, ca_key).add_extension(x509.BasicConstraints(True, None), critical=True)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    server = _builder(subject, issuer, key, ca_key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False
    )
    (folder / "ca.crt").write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(server.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM) + secret)
    return folder / "ca.crt"


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
