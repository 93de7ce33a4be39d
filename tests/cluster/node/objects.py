"""A kustomize folder applied to the cluster, a part at a time, as the installation guide does it."""

from lab.kubernetes import manifests
from lab.kubernetes.kubectl import Kubectl

from ..conftest import ROOT

JOB_PATIENCE, ROLLOUT_PATIENCE = "--timeout=180s", "--timeout=300s"


class Deployed:
    """Of one folder below the checkout."""

    def __init__(self, administrator: Kubectl, folder: str) -> None:
        self.objects = manifests.rendered(ROOT / folder)
        namespace = manifests.of_kind(self.objects, "Namespace")[0]["metadata"]["name"]
        self.kubectl = Kubectl(administrator.access, namespace)

    def apply(self, *kinds: str) -> None:
        """The objects of these kinds."""
        self.kubectl.apply(manifests.of_kind(self.objects, *kinds), "--validate=strict")

    def apply_all(self) -> None:
        """Everything but the jobs, which have run."""
        self.kubectl.apply((one for one in self.objects if one["kind"] != "Job"), "--validate=strict")

    def run_job(self, name: str) -> str:
        """Run a job, anew if it has run before; what it printed."""
        self.apply("ConfigMap", "ServiceAccount", "NetworkPolicy")
        self.kubectl("delete", "job", name, "--ignore-not-found")
        self.kubectl.apply(one for one in manifests.of_kind(self.objects, "Job") if one["metadata"]["name"] == name)
        self.kubectl("wait", f"job/{name}", "--for=condition=Complete", JOB_PATIENCE)
        return self.kubectl("logs", f"job/{name}")

    @property
    def deployments(self) -> list[str]:
        """Their names."""
        return [one["metadata"]["name"] for one in manifests.of_kind(self.objects, "Deployment")]

    def wait(self) -> None:
        """Until every Deployment is as its object says."""
        for name in self.deployments:
            self.kubectl("rollout", "status", f"deployment/{name}", ROLLOUT_PATIENCE)
