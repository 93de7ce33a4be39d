"""Checks that the vaults of External Secrets exist."""

from collections.abc import Mapping
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok, skipped
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, at, name_of


@dataclass(frozen=True, slots=True)
class VaultsSeen:
    """The vaults that the manifests' ExternalSecrets name, and whether those that exist are ready."""

    named: frozenset[tuple[str, str]]
    """Kind and name."""
    ready: Mapping[tuple[str, str], bool]


def judge_vaults(vaults: VaultsSeen) -> list[Finding]:
    """The content of a vault cannot be checked from here: External Secrets reports it once the objects are applied."""
    if not vaults.named:
        return skipped("no Secret comes from a vault")
    findings = []
    for kind, name in sorted(vaults.named):
        if (kind, name) not in vaults.ready:
            findings.append(Finding(Level.FAILED, f"{kind} {name} is not there", "Make it before you apply."))
        elif not vaults.ready[kind, name]:
            says = f"{kind} {name} does not reach its vault"
            findings.append(Finding(Level.FAILED, says, f"`kubectl describe {kind.lower()} {name}` says why."))
    return findings or ok("the vault answers; which keys it holds shows after the apply: `kubectl get externalsecret`")


def see_vaults(manifests: Manifests, kubectl: Kubectl) -> VaultsSeen:
    """Stores of External Secrets that every namespace may use, and those of the manifests' namespaces."""
    named = frozenset(
        (
            str(at(each, "spec", "secretStoreRef", "kind") or "SecretStore"),
            str(at(each, "spec", "secretStoreRef", "name")),
        )
        for each in manifests.of("ExternalSecret")
    )
    kinds = sorted({f"{kind.lower()}s.external-secrets.io" for kind, _ in named})
    objects = [each for kind in kinds for each in kubectl.items(kind)]
    return VaultsSeen(named, {(str(each["kind"]), name_of(each)): _is_ready(each) for each in objects})


def _is_ready(whole: Object) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in at(whole, "status", "conditions") or [])
