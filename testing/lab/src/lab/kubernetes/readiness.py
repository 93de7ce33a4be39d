"""What happened to pods meanwhile: every change that the API server told of, none missed between two looks."""

import json
import subprocess
import threading
from collections import defaultdict
from types import TracebackType
from typing import Any

from lab.kubernetes import programs
from lab.kubernetes.kubectl import Kubectl

LABEL = "app.kubernetes.io/instance"


class ReadyPods:
    """While entered, follows the pods of a namespace; afterwards tells the fewest that were ready at any time."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._pods: dict[str, tuple[str, bool]] = {}
        self.fewest: dict[str, int] = {}
        """By the value of LABEL: the smallest number of ready pods that there ever were."""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "ReadyPods":
        pods = self._kubectl.object("pods")
        for pod in pods["items"]:
            self._pods[pod["metadata"]["name"]] = _state(pod)
        self.fewest = dict(self._ready())
        path = f"/api/v1/namespaces/{self._kubectl.namespace}/pods?watch=true"
        since = f"&resourceVersion={pods['metadata']['resourceVersion']}"
        command = [programs.program("kubernetes", "kubectl"), f"--kubeconfig={self._kubectl.access}"]
        self._watch = subprocess.Popen([*command, "get", "--raw", path + since], stdout=subprocess.PIPE, text=True)
        self._reader.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._watch.terminate()
        self._watch.wait()
        self._reader.join(10)

    def _read(self) -> None:
        assert self._watch.stdout is not None
        for line in self._watch.stdout:
            event = json.loads(line)
            pod = event["object"]
            if event["type"] == "DELETED":
                self._pods.pop(pod["metadata"]["name"], None)
            else:
                self._pods[pod["metadata"]["name"]] = _state(pod)
            self._note()

    def _note(self) -> None:
        now = self._ready()
        for service in self.fewest:
            self.fewest[service] = min(self.fewest[service], now.get(service, 0))

    def _ready(self) -> dict[str, int]:
        counted: dict[str, int] = defaultdict(int)
        for service, ready in tuple(self._pods.values()):
            counted[service] += ready
        return counted


def _state(pod: dict[str, Any]) -> tuple[str, bool]:
    """Its service, and whether it takes traffic; a pod that is being ended does not."""
    conditions = {condition["type"]: condition["status"] for condition in pod["status"].get("conditions", ())}
    ending = "deletionTimestamp" in pod["metadata"]
    return pod["metadata"].get("labels", {}).get(LABEL, ""), conditions.get("Ready") == "True" and not ending
