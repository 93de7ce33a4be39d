"""What the operator of a new trunk brings along: a demo city's trust, directory and passwords, as secrets and files."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from common.topology import SERVICES, VHOST
from devstack.addresses import Addresses
from lab.kubernetes.manifests import Object
from tests.system.trunk import BIN, run
from trunkctl import topology_job
from trunkctl.local import cast
from trunkctl.local.log_key import log_key
from trunkctl.local.places import Places, places
from trunkctl.units import lookup

STORES = "trunk-dev-data"
SCALER = "scaler"


@dataclass(frozen=True)
class City:
    """place: its files. servers: as they are reached from the machine itself."""

    place: Places
    servers: Addresses

    @classmethod
    def founded(cls, folder: Path, servers: Addresses) -> "City":
        """A new demo city with its trust folder, its directory, and a password for every broker user."""
        place = places(folder)
        city = cast.have_city(place)
        cast.write_trust(city, place.state / "issued")
        city.write_directory(place.directory)
        for kind in ("root", "intermediate"):
            for file in (place.state / "issued" / f"{kind}s").iterdir():
                _trust(place.trust, file, kind)
        whole = topology_job.whole_topology(lookup.from_file(place.directory))
        topology_job.passwords_for(whole, place.users)
        return cls(place, servers)

    @property
    def addresses(self) -> dict[str, Any]:
        """What the system tests want to know, as ``trunkctl up`` writes it down."""
        fields = ("amqp_host", "amqp_port", "rabbitmq_management_url", "rabbitmq_admin_user", "rabbitmq_admin_password")
        files = {"users_file": self.place.users, "city_dir": self.place.city, "directory_file": self.place.directory}
        servers = {name: getattr(self.servers, name) for name in (*fields, "mongo_uris")}
        return {**servers, **{name: str(path) for name, path in files.items()}}

    def operator(self) -> dict[str, str]:
        """The environment of an operator's shell."""
        keys = self.servers.s3_keys["operator"]
        return {
            "TRUNK_S3_ENDPOINT": self.servers.s3_endpoint,
            "TRUNK_S3_ACCESS_KEY": keys["access"],
            "TRUNK_S3_SECRET_KEY": keys["secret"],
        }

    def objects(self, namespace: str, scaler_password: str) -> list[Object]:
        """Every Secret and ConfigMap that the manifests name and do not bring."""
        objects = self._objects(scaler_password)
        return [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in objects]

    def _objects(self, scaler_password: str) -> list[Object]:
        passwords: dict[str, str] = json.loads(self.place.users.read_text())
        store = {role: _keys(pair) for role, pair in self.servers.s3_keys.items()}
        database = {role: {"trunk_mongo_uri": _inside(uri)} for role, uri in self.servers.mongo_uris.items()}
        administrator = {
            "trunk_rabbitmq_admin_user": self.servers.rabbitmq_admin_user,
            "trunk_rabbitmq_admin_password": self.servers.rabbitmq_admin_password,
        }
        broker = {name: {"trunk_amqp_url": _address(name, passwords[name])} for name in SERVICES}
        scaler = {"host": f"http://rabbitmq.{STORES}.svc:15672", "username": SCALER, "password": scaler_password}
        store["archive"] |= {"trunk_log_key": log_key(self.place).seed.hex()}
        trust = self.place.trust
        return [
            *(_secret(f"trunk-{name}", broker[name] | database[name] | store[name]) for name in SERVICES),
            _secret("trunk-migrate", database["migrate"] | store["migrate"]),
            _secret("trunk-topology", administrator | store["topology"]),
            _secret("trunk-broker-users", {"users.json": json.dumps(passwords)}),
            _secret("trunk-keda", scaler),
            _files("trunk-trust", [trust / "trust.json"]),
            _files("trunk-trust-roots", list((trust / "roots").iterdir())),
            _files("trunk-trust-intermediates", list((trust / "intermediates").iterdir())),
            _files("trunk-crls", list((self.place.state / "issued" / "crls").iterdir())),
        ]


def _trust(folder: Path, file: Path, kind: str) -> None:
    """As an operator does it, with the fingerprint that the authority has published."""
    fingerprint = x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(hashes.SHA256()).hex()
    run(BIN / "trunkctl", "trust", "add", file, "--sha256", fingerprint, "--as", kind, "--trust", folder)


def _keys(pair: Mapping[str, str]) -> dict[str, str]:
    return {"trunk_s3_access_key": pair["access"], "trunk_s3_secret_key": pair["secret"]}


def _inside(uri: str) -> str:
    """The same user, at the database's name inside the cluster."""
    return f"{uri.rpartition('@')[0]}@mongodb.{STORES}.svc:27017/"


def _address(user: str, password: str) -> str:
    return f"amqp://{user}:{quote(password, safe='')}@rabbitmq.{STORES}.svc:5672/{VHOST}"


def _secret(name: str, content: Mapping[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(content)}


def _files(name: str, files: list[Path]) -> Object:
    content = {file.name: base64.b64encode(file.read_bytes()).decode() for file in files}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "binaryData": content}
