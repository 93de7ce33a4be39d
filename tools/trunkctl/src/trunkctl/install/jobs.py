"""Checks whether existing jobs block the apply, and whether jobs would wait for missing Secrets."""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Workload, name_of
from trunkctl.install.references import SECRET, Reference
from trunkctl.install.secrets import see_sources


@dataclass(frozen=True, slots=True)
class JobWanted:
    """A job that is to be applied."""

    namespace: str
    name: str
    deadline_seconds: int
    """Within which it must end; 0 = none."""
    missing: Sequence[str] = ()
    """Secrets that it needs and that are not there."""
    is_there: bool = False
    """Whether the cluster holds one of this name."""


def judge_jobs(jobs: Sequence[JobWanted]) -> list[Finding]:
    """A job cannot be changed, only created again; and its deadline runs while it waits for a Secret."""
    findings = []
    for job in jobs:
        if job.is_there:
            says = f"Job {job.name} is in {job.namespace} already: the apply is refused if anything of it changes"
            act = f"`kubectl -n {job.namespace} delete job {job.name}`, then apply."
            findings.append(Finding(Level.WARNING, says, act))
        if job.missing:
            ends = f", and be given up after {job.deadline_seconds // 60} minutes" if job.deadline_seconds else ""
            says = f"Job {job.name} would wait for {', '.join(job.missing)}{ends}"
            findings.append(Finding(Level.FAILED, says, "Make the Secrets first.", "2-secrets"))
    return findings or ok(f"{len(jobs)} jobs can be made, and have what they need")


def see_jobs(manifests: Manifests, kubectl: Kubectl) -> list[JobWanted]:
    """Jobs of the namespaces, and the Secrets of each."""
    sources = see_sources(manifests, kubectl)
    held = {(each.namespace, each.name) for each in sources.held if each.kind == SECRET}
    held |= {(each.namespace, each.name) for each in sources.brought if each.kind == SECRET}
    wanted = [each for each in manifests.workloads if each.kind == "Job"]
    there = {
        (namespace, name_of(held_job))
        for namespace in sorted({job.namespace for job in wanted})
        for held_job in kubectl.items("jobs", namespace=namespace)
    }
    return [
        JobWanted(
            job.namespace,
            job.name,
            int(job.spec.get("activeDeadlineSeconds", 0)),
            missing=[name for name in _needs(job, sources.named) if (job.namespace, name) not in held],
            is_there=(job.namespace, job.name) in there,
        )
        for job in wanted
    ]


def _needs(job: Workload, named: Sequence[Reference]) -> list[str]:
    place = (str(job), job.namespace, SECRET)
    names = {each.name for each in named if (each.by, each.namespace, each.kind) == place and not each.is_optional}
    return sorted(names)
