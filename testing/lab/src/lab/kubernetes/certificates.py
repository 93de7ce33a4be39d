"""The certificates of a cluster that lives for an hour: one authority, and a file kubectl and friends can read."""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=7)
CURVE = ec.SECP256R1()


@dataclass(frozen=True)
class Authority:
    """Issues into its folder: ``<name>.crt`` and ``<name>.key``, PEM; its own are ``ca.crt`` and ``ca.key``."""

    folder: Path

    @classmethod
    def of_folder(cls, folder: Path) -> "Authority":
        """The authority of this folder, made at the first call."""
        authority = cls(folder)
        if not authority.certificate.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = ec.generate_private_key(CURVE)
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster")])
            constraint = x509.BasicConstraints(ca=True, path_length=None)
            builder = _begun(name, name, key.public_key()).add_extension(constraint, critical=True)
            authority._write("ca", key, builder.sign(key, hashes.SHA256()))
        return authority

    @property
    def certificate(self) -> Path:
        """What everybody trusts."""
        return self.folder / "ca.crt"

    def issue(
        self, name: str, user: str, *, groups: Iterable[str] = (), hosts: Iterable[str] = ()
    ) -> tuple[Path, Path]:
        """Certificate and key of a client called ``user``, and of a server that has ``hosts`` (names, addresses)."""
        own = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(own, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate(self.certificate.read_bytes()).subject
        key = ec.generate_private_key(CURVE)
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        builder = _begun(x509.Name(attributes), issuer, key.public_key())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if names := [_general(host) for host in hosts]:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return self._write(name, key, builder.sign(own, hashes.SHA256()))

    def access(self, name: str, user: str, server: str, *, groups: Iterable[str] = ()) -> Path:
        """A kubeconfig file ``<name>.kubeconfig`` with which ``user`` speaks to the API at ``server``."""
        certificate, key = self.issue(name, user, groups=groups)
        file = self.folder / f"{name}.kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "lab", "cluster": {"server": server, "certificate-authority": str(self.certificate)}}
            ],
            "users": [{"name": user, "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        }
        file.write_text(json.dumps(content))
        return file

    def signing_pair(self, name: str) -> tuple[Path, Path]:
        """Private and public key ``<name>.key`` and ``<name>.pub`` for tokens of service accounts."""
        private, public = self.folder / f"{name}.key", self.folder / f"{name}.pub"
        if not private.exists():
            key = rsa.generate_private_key(65537, 2048)
            _write_private(private, key)
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
        return private, public

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> tuple[Path, Path]:
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_private(paths[1], key)
        return paths


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + VALID)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    form, open_text = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, open_text))
