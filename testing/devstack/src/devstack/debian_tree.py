"""A Debian folder tree with RabbitMQ and PostgreSQL in it, and programs run out of it by chroot.

Nothing is installed on the machine but the tool that unpacks Debian packages into a folder. The tree
is shared by all checkouts and read-only for its programs; a checkout's data is mounted at /srv inside
a mount namespace that only the program sees. A process namespace makes its whole family die with it.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path

from devstack import cache, commands
from devstack.errors import DevstackError
from devstack.progress import Progress

BROKER = "rabbitmq-server"
DATABASE = "postgresql-18-documentdb"
# The suite that has both, the broker in a version that the trunk works with.
BOTH = ("forky", (BROKER, DATABASE))
RECIPE = "2"  # raise it when the way of building changes
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_WAIT = ("-o", "DPkg::Lock::Timeout=120")
OMITTED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")

ENTER = """
set -e
root=$1 data=$2 user=$3; shift 3
mount --bind "$root" "$root"
cd "$root"
mount -o remount,ro,bind "$root"
mount --bind "$data" srv
mount -t proc proc proc 2>/dev/null || mount --rbind /proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777,size=256m tmpfs tmp
mount -t tmpfs -o mode=1777,size=64m tmpfs run
mount --bind /etc/hosts etc/hosts
exec chroot --userspec="$user:$user" "$root" "$@"
"""


@dataclass(frozen=True)
class Tree:
    """root: the folder that programs will see as /. suite: of Debian."""

    root: Path
    suite: str

    def command(self, data: Path, user: str, program: Sequence[str]) -> list[str]:
        """The command that runs `program` as `user`, with the folder `data` as its /srv."""
        enter = ["sh", "-c", ENTER, "enter", str(self.root), str(data), user]
        return [*_unshare(), *enter, *program]

    def run(self, data: Path, user: str, program: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run to the end with nothing but `environment`; return what it printed."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        return commands.run(self.command(data, user, ["env", "-i", *settings, *program]))

    def owner(self, user: str) -> tuple[int, int]:
        """The numbers of a user of the tree and of its group, for chown."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            name, _, user_id, group_id, *_ = line.split(":")
            if name == user:
                return int(user_id), int(group_id)
        raise DevstackError(f"no user {user} in {self.root}")


def obstacle() -> str | None:
    """Why this machine can neither build nor enter such a tree; None when it can."""
    if os.geteuid() != 0:
        return "a Debian tree needs root"
    if not shutil.which("unshare"):
        return "the program unshare (package util-linux) is missing"
    if not _permitted("unshare", "--mount", "true"):
        return "this container may not make mount namespaces (CAP_SYS_ADMIN)"
    if not shutil.which("mmdebstrap") and not shutil.which("apt-get"):
        return "neither mmdebstrap nor apt-get is here"
    return None


def both(progress: Progress) -> Tree:
    """The tree with the broker and the database, built when it is not in the cache."""
    return _tree(*BOTH, progress)


def _tree(suite: str, packages: tuple[str, ...], progress: Progress) -> Tree:
    if reason := obstacle():
        raise DevstackError(reason)
    pins = (RECIPE, suite, *packages, *OMITTED)

    def build(folder: Path) -> None:
        with progress.step(f"Debian {suite} with {', '.join(packages)} into the cache"):
            _unpack(folder / "tree", suite, packages)

    return Tree(cache.kept(f"debian-{suite}", pins, build) / "tree", suite)


def _unpack(root: Path, suite: str, packages: tuple[str, ...]) -> None:
    have_tool()
    commands.run(
        [
            *("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(packages)}"),
            '--aptopt=APT::Install-Recommends "false"',
            f'--aptopt=Acquire::Check-Valid-Until "{valid_until()}"',
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in OMITTED),
            *(suite, str(root), *mirror()),
        ]
    )
    (root / "etc/hosts").touch()


def have_tool() -> None:
    """Install mmdebstrap and Debian's keys if they are missing."""
    wanted = [] if shutil.which("mmdebstrap") else ["mmdebstrap"]
    wanted += [] if KEYRING.exists() else ["debian-archive-keyring"]
    if wanted:
        install_package(*wanted)


def install_package(*names: str) -> None:
    """Install packages on the machine by apt-get, its lists refreshed if need be."""
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *APT_WAIT, *names]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        commands.run(install, quiet)
    except DevstackError:
        commands.run(["apt-get", "update", "-qq", *APT_WAIT])
        commands.run(install, quiet)


def mirror() -> list[str]:
    """The Debian mirror that apt already uses; none leaves the choice to mmdebstrap."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    query += ["Created-By: Packages", "Origin: Debian"]
    if not shutil.which("apt-get"):
        return []
    if not (addresses := commands.run(query).split()):
        commands.run(["apt-get", "update", "-qq", *APT_WAIT])
        addresses = commands.run(query).split()
    return addresses[:1]


def valid_until() -> str:
    """Whether apt here insists on release files that have not expired: the machine's rule, not ours."""
    if not shutil.which("apt-config"):
        return "true"
    answer = commands.run(["apt-config", "shell", "valid", "Acquire::Check-Valid-Until"])
    return "false" if "false" in answer else "true"


@remembered
def _unshare() -> tuple[str, ...]:
    """The namespaces to enter: of processes too where that is permitted."""
    mounts = ("unshare", "--mount", "--propagation", "private")
    family = ("--pid", "--fork", "--kill-child")
    return (*mounts, *family) if _permitted(*mounts, *family, "true") else mounts


def _permitted(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
