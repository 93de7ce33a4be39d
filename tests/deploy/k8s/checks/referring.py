"""What an object names is there: ConfigMaps, Secrets and their keys, accounts, volumes."""

import base64
import re

from ..manifests import Manifests, Object, Workload, values

CONFIGMAPS_BY_HAND = {
    "trunk-trust": {"trust.json"},
    "trunk-trust-roots": None,
    "trunk-trust-intermediates": None,
    "trunk-trust-tsa": None,
    "trunk-crls": None,
    "trunk-ca": {"ca.crt"},
}
"""ConfigMaps that an operator makes, and the keys they must have; None = any file."""
ROUTES = "trunk-alertmanager"
"""A Secret only because the Prometheus Operator asks for one: it holds Alertmanager's routes, and no address."""

Needed = dict[str, set[str]]


def configmaps(manifests: Manifests) -> list[str]:
    """Every ConfigMap that is named is generated here, or is one of those that an operator makes."""
    known = manifests.names("ConfigMap") | CONFIGMAPS_BY_HAND.keys()
    named = {
        (one.name, reference["name"])
        for one in manifests.workloads
        for key in ("configMap", "configMapRef", "configMapKeyRef")
        for reference in values(one.pod, key)
        if reference
    }
    return [f"{who} names ConfigMap {name}, which nobody makes" for who, name in sorted(named) if name not in known]


def secrets_needed(manifests: Manifests) -> Needed:
    """Keys by Secret that pods read."""
    needed: Needed = {}
    for one in manifests.workloads:
        for source in _secret_sources(one):
            name = source.get("name") or source["secretName"]
            needed.setdefault(name, set()).update(item["key"] for item in source["items"])
    for alertmanager in manifests.of("Alertmanager"):
        for name in alertmanager["spec"]["secrets"]:
            files = re.findall(rf"url_file: /etc/alertmanager/secrets/{name}/(\w+)", routes(manifests))
            needed.setdefault(name, set()).update(files)
    return needed


def routes(manifests: Manifests) -> str:
    """Alertmanager's file as the operator gets it."""
    return base64.b64decode(manifests.one("Secret", ROUTES)["data"]["alertmanager.yaml"]).decode()


def secrets_made(manifests: Manifests) -> Needed:
    """Keys by Secret that ExternalSecrets bring."""
    return {
        each["spec"]["target"]["name"]: {entry["secretKey"] for entry in each["spec"]["data"]}
        for each in manifests.of("ExternalSecret")
    }


def external_secrets(manifests: Manifests) -> list[str]:
    """Where ExternalSecrets are used at all, they bring just what is read."""
    needed, brought = secrets_needed(manifests), secrets_made(manifests)
    if not brought:
        return []
    return [
        f"Secret {name}: read {sorted(needed.get(name, ()))}, brought {sorted(brought.get(name, ()))}"
        for name in sorted(needed.keys() | brought.keys())
        if needed.get(name) != brought.get(name)
    ]


def no_secret_inside(manifests: Manifests) -> list[str]:
    """No Secret is written down; the routes name files, and no address."""
    faults = [f"Secret {name} stands in the manifests" for name in sorted(manifests.names("Secret") - {ROUTES})]
    if ROUTES in manifests.names("Secret") and re.search(r"\burl:|password:|credentials:|https?://", routes(manifests)):
        faults.append(f"Secret {ROUTES} holds an address")
    return faults


def accounts(manifests: Manifests) -> list[str]:
    """Every pod runs under an account of these manifests, and no pod holds a token."""
    faults = []
    for one in manifests.workloads:
        if one.pod.get("serviceAccountName") not in manifests.names("ServiceAccount"):
            faults.append(f"{one.name}: account {one.pod.get('serviceAccountName')} is not there")
        if one.pod.get("automountServiceAccountToken") is not False or one.pod.get("enableServiceLinks") is not False:
            faults.append(f"{one.name}: pods get a token or the addresses of other Services")
    for account in manifests.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            faults.append(f"ServiceAccount {account['metadata']['name']} hands out tokens")
    services = [one.pod.get("serviceAccountName") for one in manifests.services]
    return faults + [f"account {name} is shared" for name in sorted({n for n in services if services.count(n) > 1})]


def volumes(manifests: Manifests) -> list[str]:
    """What is mounted is there, what is there is mounted, and nothing may fill the node's disk."""
    faults = []
    for one in manifests.workloads:
        there = {volume["name"] for volume in one.pod["volumes"]}
        mounted = {mount["name"] for mount in one.container["volumeMounts"]}
        if there != mounted:
            faults.append(f"{one.name}: volumes {sorted(there ^ mounted)} are there or mounted, not both")
        for volume in one.pod["volumes"]:
            if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
                faults.append(f"{one.name}: {volume['name']} has no sizeLimit")
        claims = {claim["claimName"] for claim in values(one.pod["volumes"], "persistentVolumeClaim")}
        if missing := claims - manifests.names("PersistentVolumeClaim"):
            faults.append(f"{one.name}: no PersistentVolumeClaim {sorted(missing)}")
    return faults


def secret_paths(one: Workload) -> dict[str, str]:
    """Mounted path by key, of every file that comes out of a Secret."""
    mounts = {mount["name"]: mount["mountPath"] for mount in one.container["volumeMounts"]}
    return {
        item["key"]: f"{mounts[volume['name']]}/{item['path']}"
        for volume in one.pod["volumes"]
        for source in values(volume, "secret")
        for item in source["items"]
    }


def _secret_sources(one: Workload) -> list[Object]:
    return [*values(one.pod["volumes"], "secret"), *values(one.container.get("env", []), "secretKeyRef")]
