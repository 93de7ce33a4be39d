"""Every check of ``trunkctl install check``: its name, its query, the judgement of the answer, and its page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkctl.doctor.finding import Answer, Finding, Level, skipped, worst_first
from trunkctl.install import (
    brokers,
    capacity,
    certificates,
    door,
    images,
    installations,
    jobs,
    network,
    operators,
    secrets,
    storage,
    values,
    vaults,
)
from trunkctl.install.kubectl import Kubectl, NotAllowed, NotAnswered
from trunkctl.install.manifests import Manifests


@dataclass(frozen=True)
class Sources:
    """The manifests to be applied, the cluster, and the present time."""

    manifests: Manifests
    kubectl: Kubectl
    now: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the manifests and the cluster."""

    name: str
    see: Callable[[Sources], Any]
    """Queries the cluster; changes nothing."""
    judge: Callable[[Any], list[Finding]]
    """Judges the result of ``see``, without access to the cluster."""
    section: str
    """Of ``docs/operations/install-kubernetes.md``."""


HAS, CHOOSE, SECRETS, APPLY = "requirements-of-the-cluster", "1-choose-an-overlay", "2-secrets", "5-apply-in-this-order"


def _of_both(see: Callable[[Manifests, Kubectl], Any]) -> Callable[[Sources], Any]:
    return lambda sources: see(sources.manifests, sources.kubectl)


CHECKS = (
    Check("cluster", lambda sources: operators.see_version(sources.kubectl), operators.judge_version, HAS),
    Check("operators", _of_both(operators.see_kinds), operators.judge_kinds, HAS),
    Check("namespaces", _of_both(network.see_namespaces), network.judge_namespaces, SECRETS),
    Check("images", lambda sources: sources.manifests, images.judge_images, CHOOSE),
    Check("examples", lambda sources: sources.manifests, images.judge_examples, CHOOSE),
    Check("secrets", _of_both(secrets.see_sources), secrets.judge_sources, SECRETS),
    Check("values", _of_both(secrets.see_sources), values.judge_values, SECRETS),
    Check("vault", _of_both(vaults.see_vaults), vaults.judge_vaults, SECRETS),
    Check(
        "certificates",
        lambda sources: certificates.see_certificates(sources.manifests, sources.kubectl, sources.now),
        certificates.judge_certificates,
        CHOOSE,
    ),
    Check("other installations", _of_both(installations.see_installations), installations.judge_installations, CHOOSE),
    Check("network policies", _of_both(network.see_policies), network.judge_policies, "network"),
    Check("storage", _of_both(storage.see_storage), storage.judge_storage, HAS),
    Check("room", _of_both(capacity.see_room), capacity.judge_room, HAS),
    Check("jobs", _of_both(jobs.see_jobs), jobs.judge_jobs, APPLY),
    Check("door", _of_both(door.see_door), door.judge_door, CHOOSE),
    Check("broker", _of_both(brokers.see_brokers), brokers.judge_brokers, HAS),
)


def examine(sources: Sources, checks: Sequence[Check] = CHECKS) -> list[Answer]:
    """Runs the checks in turn. Returns their results, the worst first. A query without an answer is a result."""
    return worst_first(answer for check in checks for answer in _answers(check, sources))


def _answers(check: Check, sources: Sources) -> Iterable[Answer]:
    try:
        findings = check.judge(check.see(sources))
    except NotAllowed as error:
        findings = skipped(f"this person may not see it: {error}", "Ask again as somebody who may.")
    except NotAnswered as error:
        findings = [Finding(Level.UNKNOWN, f"could not be asked: {error}", "Does kubectl reach the cluster?")]
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # its text might hold what nobody is to see
        findings = [Finding(Level.UNKNOWN, f"could not be judged: {type(error).__name__}", "Are the manifests valid?")]
    return [Answer(check.name, finding, finding.runbook or check.section) for finding in findings]
