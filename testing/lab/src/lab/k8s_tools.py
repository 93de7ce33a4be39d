"""Programs that look at Kubernetes objects without a cluster: kustomize, kubeconform, checkov."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from devstack.errors import DevstackError
from devstack.progress import Progress
from lab import gotool, pytool
from lab.errors import Missing

KUSTOMIZE = ("sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1")
KUBECONFORM = ("github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0")
CHECKOV = ("checkov", "3.3.30")


class Finding(NamedTuple):
    """What checkov finds wrong."""

    file: str
    """Name of the file, without folder."""
    check: str
    """``CKV_K8S_…``"""
    resource: str
    """``Kind.namespace.name``"""


def kustomize(progress: Progress | None = None) -> Path:
    """The program. Raises ``Missing``."""
    return _go(KUSTOMIZE, progress)


def kubeconform(progress: Progress | None = None) -> Path:
    """The program. Raises ``Missing``."""
    return _go(KUBECONFORM, progress)


def render(folder: Path) -> str:
    """The objects that a kustomization makes, as YAML. Raises ``ValueError`` with what kustomize says."""
    done = subprocess.run([kustomize(), "build", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())
    return done.stdout


def nonconforming(objects: str, schemas: list[Path]) -> list[str]:
    """Objects that are not as the schemas say, unknown keys included; an object without a schema is one of them."""
    places = [f"-schema-location={folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json" for folder in schemas]
    done = subprocess.run(
        [kubeconform(), "-strict", "-output=json", *places, "-"],
        input=objects,
        capture_output=True,
        text=True,
        check=False,
    )
    resources: list[dict[str, Any]] = json.loads(done.stdout)["resources"] if done.stdout else [{"msg": done.stderr}]
    return [f"{each.get('kind', '')}/{each.get('name', '')}: {each['msg']}" for each in resources]


def checkov(files: Sequence[Path]) -> list[Finding]:
    """Policy checks that objects in these files fail. Raises ``Missing``."""
    arguments = ["--skip-download", "--framework", "kubernetes", "--compact", "--quiet", "-o", "json"]
    named = [part for file in files for part in ("-f", str(file))]
    done = pytool.run(pytool.installed(*CHECKOV), "checkov.main", *arguments, *named)
    try:
        failed = json.loads(done.stdout)["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError) as error:
        raise Missing(f"checkov gave no result: {done.stderr.strip()[-300:]}") from error
    return sorted({Finding(Path(each["file_path"]).name, each["check_id"], each["resource"]) for each in failed})


def _go(program: tuple[str, str], progress: Progress | None = None) -> Path:
    try:
        return gotool.installed(*program, progress=progress)
    except DevstackError as error:
        raise error if isinstance(error, Missing) else Missing(str(error)) from error
