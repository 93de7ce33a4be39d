"""What a test and an operator say to a cluster."""

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.kubernetes import programs

Object = Mapping[str, Any]
PAUSE_SECONDS = 0.5


class Refused(Exception):
    """What kubectl, or the server behind it, said no to; its own words."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with the rights of one kubeconfig file."""

    access: Path
    namespace: str | None = None
    """Where it looks; what it applies says for itself where it belongs."""

    def __call__(self, *arguments: str | Path, input_text: str | None = None) -> str:
        """Run to the end, ``input_text`` on standard input; what it printed. Raises ``Refused``."""
        command = [programs.program("kubernetes", "kubectl"), f"--kubeconfig={self.access}"]
        place = [f"--namespace={self.namespace}"] if self.namespace else []
        done = subprocess.run(
            [*command, *place, *map(str, arguments)],
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def object(self, *arguments: str) -> dict[str, Any]:
        """``kubectl get`` as JSON: one object, or a list with ``items``."""
        object_: dict[str, Any] = json.loads(self("get", *arguments, "--output=json"))
        return object_

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of a ``kubectl get`` that finds several, or none."""
        items: list[dict[str, Any]] = self.object(*arguments)["items"]
        return items

    def apply(self, objects: Iterable[Object], *flags: str) -> str:
        """Apply on the server's side: what others manage in the same object stays theirs."""
        anywhere = Kubectl(self.access)
        return anywhere("apply", "--server-side", "--filename=-", *flags, input_text=as_list(objects))

    def dry_run(self, objects: Iterable[Object]) -> str:
        """What the server would do with the objects: every admission runs, unknown fields are refused."""
        return self.apply(objects, "--dry-run=server", "--validate=strict")

    def until(self, what: str, ask: Callable[[], Any], patience_seconds: float = 120.0) -> Any:
        """The first answer that is not empty. Raises ``TimeoutError`` with ``what`` and the last refusal."""
        deadline, refused = time.monotonic() + patience_seconds, ""
        while time.monotonic() < deadline:
            try:
                if answer := ask():
                    return answer
            except Refused as refusal:
                refused = str(refusal)
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"not within {patience_seconds:.0f} s: {what} {refused}")


def as_list(objects: Iterable[Object]) -> str:
    """The objects as the one JSON text that kubectl reads."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
