"""Where services and jobs reach the stores: out of the manifests' settings and the Secrets' addresses; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from trunkctl.install.manifests import Manifests
from trunkctl.install.secrets import ConfigSource

PORTS = {"amqp": 5672, "amqps": 5671, "http": 80, "https": 443}
MONGODB_PORT = 27017


@dataclass(frozen=True, slots=True)
class Address:
    """A server that a pod connects to."""

    server: str
    host: str
    port: int
    is_tls: bool
    by: str
    """The setting or Secret that names it."""

    @property
    def namespace(self) -> str:
        """Of a Service in the cluster, or of a pod behind one; empty for any other host."""
        labels = self.host.split(".")
        return labels[labels.index("svc") - 1] if "svc" in labels[2:] else ""


def addresses(settings: Mapping[str, str], secrets: Sequence[ConfigSource]) -> list[Address]:
    """Every address of one installation, each once for a server and a host."""
    every = [*_of_settings(settings), *(one for secret in secrets for one in _of_secret(secret))]
    return list({(each.server, each.host, each.port): each for each in every}.values())


def store_namespaces(manifests: Manifests) -> list[str]:
    """Namespaces of the stores that the settings name."""
    every = [one for settings in manifests.settings().values() for one in addresses(settings, [])]
    return sorted({each.namespace for each in every if each.namespace})


def installation_addresses(manifests: Manifests, secrets: Sequence[ConfigSource]) -> list[Address]:
    """Every address of all installations of these manifests; of ``secrets`` those of the installation's namespace."""
    return [
        one
        for namespace, settings in manifests.settings().items()
        for one in addresses(settings, [each for each in secrets if each.namespace == namespace])
    ]


def _of_settings(settings: Mapping[str, str]) -> Iterator[Address]:
    is_tls = settings.get("TRUNK_S3_SECURE", "false").lower() == "true"
    if endpoint := settings.get("TRUNK_S3_ENDPOINT"):
        host, _, written = endpoint.partition(":")
        default = PORTS["https" if is_tls else "http"]
        port = int(written) if written.isdigit() else default
        yield Address("object store", host, port, is_tls, "TRUNK_S3_ENDPOINT")
    if url := settings.get("TRUNK_RABBITMQ_MANAGEMENT_URL"):
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        by = "TRUNK_RABBITMQ_MANAGEMENT_URL"
        yield Address("broker's management", parts.hostname or "", port, parts.scheme == "https", by)


def _of_secret(secret: ConfigSource) -> Iterator[Address]:
    by = f"Secret {secret.name}"
    for host, port, scheme, _ in _places(secret.text("trunk_amqp_url")):
        yield Address("broker", host, port or PORTS.get(scheme, 0), scheme == "amqps", by)
    for host, port, scheme, rest in _places(secret.text("trunk_mongo_uri")):
        is_tls = scheme == "mongodb+srv" or "tls=true" in rest or "ssl=true" in rest
        yield Address("database", host, port or MONGODB_PORT, is_tls, by)


def _places(url: str) -> Iterator[tuple[str, int, str, str]]:
    """Host, port (0 = not said) and scheme of each server of an address, and what follows; never its login."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return
    hosts, _, after = rest.rpartition("@")[2].partition("/")
    for place in hosts.partition("?")[0].split(","):
        host, _, port = place.partition(":")
        if host:
            yield host, int(port) if port.isdigit() else 0, scheme, after.lower()
