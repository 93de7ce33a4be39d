"""Which Secrets and ConfigMaps the manifests name, and with which keys; pure."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trunkctl.install.manifests import Manifests, Object, Workload, at, name_of, namespace_of

SECRET, CONFIG_MAP = "Secret", "ConfigMap"
MOUNTED_BY_OPERATOR = re.compile(r"/etc/alertmanager/secrets/([a-z0-9.-]+)/([A-Za-z0-9._-]+)")
"""Where the Prometheus Operator puts the Secrets that an Alertmanager names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Somebody names a Secret or ConfigMap."""

    kind: str
    namespace: str
    name: str
    keys: frozenset[str]
    """Empty = whatever it holds."""
    is_optional: bool
    by: str


@dataclass(frozen=True, slots=True)
class Source:
    """A Secret or ConfigMap that the manifests bring."""

    kind: str
    namespace: str
    name: str
    keys: frozenset[str]
    from_vault: bool = False
    """Made by External Secrets once its object is applied."""


def references(manifests: Manifests) -> list[Reference]:
    """Of pods, and of the Alertmanager that an operator makes pods for."""
    return [
        *(reference for workload in manifests.workloads for reference in _of_pod(workload)),
        *(reference for each in manifests.of("Alertmanager") for reference in _of_alertmanager(each, manifests)),
        *(reference for each in manifests.of("RabbitmqCluster") for reference in _of_broker(each)),
    ]


def brought(manifests: Manifests) -> list[Source]:
    """Secrets and ConfigMaps that stand in the manifests, or that External Secrets makes of them."""
    plain = [
        Source(each["kind"], namespace_of(each), name_of(each), frozenset(_keys(each)))
        for each in manifests.of(SECRET, CONFIG_MAP)
    ]
    return plain + [_from_vault(each) for each in manifests.of("ExternalSecret")]


def _from_vault(each: Object) -> Source:
    name = at(each, "spec", "target", "name") or name_of(each)
    keys = frozenset(str(one["secretKey"]) for one in at(each, "spec", "data") or [])
    return Source(SECRET, namespace_of(each), str(name), keys, from_vault=True)


def _keys(whole: Object) -> Iterator[str]:
    for part in ("data", "stringData", "binaryData"):
        yield from whole.get(part) or {}


def _of_pod(workload: Workload) -> Iterator[Reference]:
    def named(kind: str, source: Mapping[str, Any], keys: Iterable[str], name: str = "name") -> Reference:
        is_optional = bool(source.get("optional"))
        return Reference(
            kind,
            workload.namespace,
            str(source[name]),
            frozenset(keys),
            is_optional,
            f"{workload.kind} {workload.name}",
        )

    for volume in workload.pod.get("volumes") or []:
        mounted = {
            mount["subPath"]
            for container in workload.containers
            for mount in container.get("volumeMounts") or []
            if mount["name"] == volume["name"] and mount.get("subPath")
        }
        if secret := volume.get("secret"):
            yield named(SECRET, secret, _items(secret) or mounted, "secretName")
        if config := volume.get("configMap"):
            yield named(CONFIG_MAP, config, _items(config) or mounted)
        for source in at(volume, "projected", "sources") or []:
            if secret := source.get("secret"):
                yield named(SECRET, secret, _items(secret))
            if config := source.get("configMap"):
                yield named(CONFIG_MAP, config, _items(config))
    for container in workload.containers:
        for source in container.get("envFrom") or []:
            if secret := source.get("secretRef"):
                yield named(SECRET, secret, ())
            if config := source.get("configMapRef"):
                yield named(CONFIG_MAP, config, ())
        for variable in container.get("env") or []:
            if secret := at(variable, "valueFrom", "secretKeyRef"):
                yield named(SECRET, secret, [secret["key"]])
            if config := at(variable, "valueFrom", "configMapKeyRef"):
                yield named(CONFIG_MAP, config, [config["key"]])
    for pull in workload.pod.get("imagePullSecrets") or []:
        yield named(SECRET, pull, [".dockerconfigjson"])


def _of_alertmanager(whole: Object, manifests: Manifests) -> Iterator[Reference]:
    spec, namespace, by = whole["spec"], namespace_of(whole), f"Alertmanager {name_of(whole)}"
    routes = str(spec.get("configSecret") or f"alertmanager-{name_of(whole)}")
    yield Reference(SECRET, namespace, routes, frozenset({"alertmanager.yaml"}), False, by)
    wanted: dict[str, set[str]] = {name: set() for name in spec.get("secrets") or []}
    for each in manifests.of(SECRET):
        if (namespace_of(each), name_of(each)) == (namespace, routes):
            for name, key in MOUNTED_BY_OPERATOR.findall(_plain(each)):
                wanted.setdefault(name, set()).add(key)
    for name, keys in wanted.items():
        yield Reference(SECRET, namespace, name, frozenset(keys), False, by)


def _of_broker(whole: Object) -> Iterator[Reference]:
    if name := at(whole, "spec", "tls", "secretName"):
        keys = frozenset({"tls.crt", "tls.key"})
        yield Reference(SECRET, namespace_of(whole), str(name), keys, False, f"RabbitmqCluster {name_of(whole)}")


def _items(source: Object) -> set[str]:
    return {str(item["key"]) for item in source.get("items") or []}


def _plain(secret: Object) -> str:
    decoded = [base64.b64decode(value).decode("utf-8", "replace") for value in (secret.get("data") or {}).values()]
    return "\n".join([*decoded, *map(str, (secret.get("stringData") or {}).values())])
