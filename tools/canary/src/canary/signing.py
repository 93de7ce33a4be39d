"""Signs the letter as a unit's tools do: the authorised signer first, then the unit, in incremental updates."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

ROLES = ("signer", "unit")
"""In the order in which they sign; each has ``<role>.pem`` and ``<role>.key``."""


class NoKey(Exception):
    """A key or certificate is missing, cannot be read, does not fit the other, or is not valid today."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key and the certificates above it, as far as the file brings them along."""

    certificate: asn1_x509.Certificate
    key: asn1_keys.PrivateKeyInfo
    chain: tuple[asn1_x509.Certificate, ...] = ()

    @property
    def not_after(self) -> datetime:
        """When the certificate expires."""
        expires_at: datetime = self.certificate.not_valid_after
        return expires_at


def read_identities(folder: Path) -> dict[str, Identity]:
    """The identity of each role. Raises ``NoKey``."""
    return {role: _read(folder, role) for role in ROLES}


async def sign(pdf: bytes, identities: dict[str, Identity], now: datetime) -> bytes:
    """The PDF with both signatures. Raises ``NoKey`` if a certificate is not valid now."""
    for role in ROLES:
        certificate = identities[role].certificate
        if not certificate.not_valid_before <= now <= certificate.not_valid_after:
            raise NoKey(f"the certificate {role}.pem is not valid now: it ends {certificate.not_valid_after:%Y-%m-%d}")
    for role in ROLES:
        pdf = await _signed(pdf, role, identities[role])
    return pdf


async def _signed(pdf: bytes, role: str, identity: Identity) -> bytes:
    store = SimpleCertificateStore()
    store.register_multiple(identity.chain)
    signer = signers.SimpleSigner(
        signing_cert=identity.certificate, signing_key=identity.key, cert_registry=store, embed_roots=False
    )
    name = role.capitalize()
    metadata = signers.PdfSignatureMetadata(field_name=name, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    made = signers.PdfSigner(metadata, signer, new_field_spec=fields.SigFieldSpec(name))
    return bytes((await made.async_sign_pdf(writer)).getvalue())


def _read(folder: Path, role: str) -> Identity:
    try:
        leaf, *chain = (folder / f"{role}.pem").read_bytes().split(b"-----BEGIN CERTIFICATE-----")[1:]
        certificates = [_certificate(b"-----BEGIN CERTIFICATE-----" + each) for each in (leaf, *chain)]
        loaded = serialization.load_pem_private_key((folder / f"{role}.key").read_bytes(), password=None)
    except OSError as error:
        raise NoKey(f"{role}: {error.strerror}: {error.filename}") from error
    except Exception as error:
        raise NoKey(f"{role}: the key or certificate cannot be read: {error}") from error
    public = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if loaded.public_key().public_bytes(*public) != certificates[0].public_key.dump():
        raise NoKey(f"{role}: the key is not that of the certificate")
    der = loaded.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(certificates[0], asn1_keys.PrivateKeyInfo.load(der), tuple(certificates[1:]))


def _certificate(text: bytes) -> asn1_x509.Certificate:
    _, _, der = pem.unarmor(text)
    return asn1_x509.Certificate.load(der)


def not_after(folder: Path) -> dict[str, datetime]:
    """When the certificate of each role expires; 1970 for one that cannot be read."""
    dates = {}
    for role in ROLES:
        try:
            dates[role] = _read(folder, role).not_after
        except NoKey:
            dates[role] = datetime.fromtimestamp(0, UTC)
    return dates
