"""Who signs: a demo city with its keys in PKCS#12 for foreign tools, and a time stamping authority on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from mint.city import City, build_city
from mint.pki import Identity
from mint.tsa import TimeAuthority, time_authority

SENDER = "000.00.14.H29"
PASSWORD = b"demo"
ROLES = ("signer", "seal", "deputy", "other")


@dataclass(frozen=True)
class World:
    """What every tool is given."""

    folder: Path
    city: City
    tsa: TimeAuthority

    def key(self, role: str) -> Path:
        """The PKCS#12 file of one of ``ROLES``; password ``demo``."""
        return self.folder / "keys" / f"{role}.p12"

    @property
    def crls(self) -> list[Path]:
        """The revocation lists, DER."""
        return sorted((self.folder / "trust" / "crls").iterdir())

    @property
    def certificates(self) -> list[Path]:
        """Root and issuing CA, PEM."""
        return [
            *sorted((self.folder / "trust" / "roots").iterdir()),
            *sorted((self.folder / "trust" / "intermediates").iterdir()),
        ]


def build_world(folder: Path, days: int = 30) -> World:
    """Everything made anew; the revocation lists hold for ``days``."""
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    city = build_city(now, kind="rsa2048")
    city.write_trust(folder / "trust", days=days)
    city.write_directory(folder / "directory.json")
    member = city[SENDER]
    identities = {
        "signer": member.signer,
        "seal": member.seal,
        "deputy": member.deputy,
        "other": city["000.00.12.H29"].seal,
    }
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    for role, identity in identities.items():
        (folder / "keys" / f"{role}.p12").write_bytes(_pkcs12(role, identity))
        (folder / "keys" / f"{role}.pem").write_bytes(_pem(identity))
    return World(folder, city, time_authority(city.authority))


def _pkcs12(name: str, identity: Identity) -> bytes:
    """In the older encryption too, which all tools read."""
    how = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(_sha1())
        .build(PASSWORD)
    )
    return pkcs12.serialize_key_and_certificates(name.encode(), identity.key, identity.certificate, identity.chain, how)


def _sha1() -> hashes.HashAlgorithm:
    return hashes.SHA1()


def _pem(identity: Identity) -> bytes:
    key = identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + identity.certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def served_time(world: World) -> Iterator[str]:
    """The authority's address on loopback while inside."""
    key = world.tsa.identity.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    stamper = DummyTimeStamper(asn1_x509.Certificate.load(world.tsa.identity.der), asn1_keys.PrivateKeyInfo.load(key))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            answer = stamper.request_tsa_response(request).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
