"""A kustomize folder applied to the cluster, as the installation guide does it."""

from lab.kubernetes import manifests
from lab.kubernetes.kubectl import Kubectl

from ..conftest import ROOT

JOB_PATIENCE, ROLLOUT_PATIENCE = "--timeout=180s", "--timeout=300s"


class Deployed:
    """Of one folder below the checkout."""

    def __init__(self, administrator: Kubectl, folder: str) -> None:
        self.objects = manifests.rendered(ROOT / folder)
        self.namespace = str(manifests.of_kind(self.objects, "Namespace")[0]["metadata"]["name"])
        self.kubectl = Kubectl(administrator.access, self.namespace)

    def apply(self) -> None:
        """Everything; jobs that have run are left alone."""
        self.kubectl.apply(self.objects, "--validate=strict")

    def run_job(self, name: str) -> str:
        """Run a job anew; what it printed."""
        self.kubectl("delete", "job", name)
        self.apply()
        return self.wait_for_job(name)

    def wait_for_job(self, name: str) -> str:
        """What the job printed, once it has come to its end."""
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
