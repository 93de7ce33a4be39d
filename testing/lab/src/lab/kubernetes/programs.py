"""The programs of a Kubernetes and the definitions its objects need, built from pinned sources once for a user.

The Go modules beside this file pin every dependency of Kubernetes and of KEDA. What is built is kept in
the user's cache; ``missing`` answers without building anything.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devstack import cache
from devstack.progress import Progress, shown
from lab import debs, gotool, k8s_schemas, k8s_tools

VERSION = "v1.37.1"
"""Of Kubernetes; the module's go.mod has the same."""
MODULES = Path(__file__).with_name("modules")
KUBERNETES_FLAGS = (
    gotool.SMALL[0],
    f"{gotool.SMALL[1]} -X k8s.io/component-base/version.gitVersion={VERSION}",
)
TOOLS = {
    "kwok": ("sigs.k8s.io/kwok/cmd/kwok", "v0.8.0"),
    "kustomize": k8s_tools.KUSTOMIZE,
    "coredns": ("github.com/coredns/coredns", "v1.15.0"),
}
DEFINITIONS = {
    **{gotool.name_of(module): (module, *pins) for module, *pins in k8s_schemas.CUSTOM},
    "kwok": ("sigs.k8s.io/kwok", "v0.8.0", "kustomize/stage/*/*/*.yaml"),
}
"""Go module, version, and where its definitions of objects lie; of KWOK, what its pretended nodes and pods do."""
# From the oldest Debian that has them: they run on it and on all later ones.
NODE_TOOLS = (
    *("runc", "libseccomp2", "containernetworking-plugins"),
    *("iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libmnl0"),
)
CONTROL_PLANE = ("etcd", "kubernetes", "kwok", "kustomize", *(f"definitions-{name}" for name in DEFINITIONS))
"""The parts that a control plane with pretended nodes needs."""
NODE = (*CONTROL_PLANE, "coredns", "containerd", "node-tools", "pause")
"""The parts that a real node needs."""
SCALER = ("keda",)
"""What watches the queues."""


@dataclass(frozen=True)
class Part:
    """Something that is made of pins into one folder of the cache. make: returns its folder."""

    folder: Path
    make: Callable[[Progress], Path]


def missing(names: tuple[str, ...]) -> list[str]:
    """Which of the parts would have to be built or fetched."""
    return [name for name in names if not PARTS[name].folder.is_dir()]


def have(names: tuple[str, ...], progress: Progress) -> None:
    """Build what is missing of the parts, one after the other. Raises ``DevstackError``."""
    for name in missing(names):
        PARTS[name].make(progress)


def program(part: str, name: str | None = None) -> str:
    """The path of a program, named like its part unless told, that is in the cache."""
    return str(PARTS[part].folder / (name or part))


def definitions(name: str) -> list[Path]:
    """The YAML files of a part of DEFINITIONS, as their project publishes them."""
    files = PARTS[f"definitions-{name}"].folder.rglob("*.yaml")
    return sorted(file for file in files if file.name != "kustomization.yaml")


def _module(name: str, flags: tuple[str, ...]) -> Part:
    folder = cache.folder(name, gotool.pins(MODULES / name, flags))
    return Part(folder, lambda progress: gotool.built(MODULES / name, name, flags, progress))


def _tool(name: str, package: str, version: str) -> Part:
    folder = cache.folder(name, (package, version))
    return Part(folder, lambda progress: gotool.installed(package, version, progress).parent)


def _debs(suite: str, *packages: str) -> Part:
    return Part(debs.folder(suite, packages), lambda progress: debs.unpacked(suite, packages, progress))


def _definitions(name: str, module: str, version: str, pattern: str) -> Part:
    label, pins = f"definitions-{name}", (module, version, pattern)

    def build(folder: Path) -> None:
        source = gotool.source(module, version)
        for file in source.glob(pattern):
            target = folder / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)

    def make(progress: Progress) -> Path:
        with progress.step(f"definitions of {name} into the cache"):
            return cache.kept(label, pins, build)

    return Part(cache.folder(label, pins), make)


PARTS = {
    **{f"definitions-{name}": _definitions(name, *source) for name, source in DEFINITIONS.items()},
    "kubernetes": _module("kubernetes", KUBERNETES_FLAGS),
    **{name: _tool(name, *source) for name, source in TOOLS.items()},
    "keda": _module("keda", gotool.SMALL),
    "etcd": _debs(debs.TESTING, "etcd-server"),
    "containerd": _debs(debs.TESTING, "containerd"),
    "node-tools": _debs("bookworm", *NODE_TOOLS),
    "pause": _module("pause", gotool.SMALL),
}


if __name__ == "__main__":
    with shown() as progress:
        have((*NODE, *SCALER), progress)
