"""A place of its own on this machine, for a node that mounts, routes and filters: it is gone with its last process.

``python -m lab.kubernetes.apart COMMAND …`` runs a command whose mounts, network and process numbers nobody else
sees. Inside there is one address beside loopback, and no way out: what works here works without the Internet.
What is written below /run and /var stays in memory.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

NODE_ADDRESS = "10.200.0.1"
CGROUP_VARIABLE = "TRUNK_LAB_CGROUP"
CGROUPS = Path("/sys/fs/cgroup")
PATIENCE_SECONDS = 10.0
UNSHARE = (
    *("unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
# A kubelet sets numbers of the whole machine; here it sets files that lie over them.
KERNEL_SETTINGS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops")
# The shell stays as the first process and takes in the orphans of all others.
INSIDE = f"""
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/var /run/var.work /run/settings
mount -t overlay -o lowerdir=/var,upperdir=/run/var,workdir=/run/var.work overlay /var
for name in {" ".join(KERNEL_SETTINGS)}; do
    copy=/run/settings/$(echo $name | tr / .)
    cat /proc/sys/$name > $copy
    mount --bind $copy /proc/sys/$name
done
ip link set lo up
ip link add node type bridge
ip address add {NODE_ADDRESS}/24 dev node
ip link set node up
ip route add default dev node
printf 'nameserver {NODE_ADDRESS}\\nsearch svc.cluster.local cluster.local\\noptions ndots:3\\n' > /run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
"$@"
"""


def obstacle() -> str | None:
    """Why no such place can be made here; None when it can."""
    if os.geteuid() != 0:
        return "a node needs root"
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode != 0:
        return "this container may not make mount, network and process namespaces (CAP_SYS_ADMIN)"
    if not any(CGROUPS.rglob("cgroup.procs")):
        return f"there are no control groups in {CGROUPS}"
    return None


def inside() -> bool:
    """Whether this process is in such a place."""
    return CGROUP_VARIABLE in os.environ


def run(command: Sequence[str]) -> int:
    """Run a command to its end in a place of its own; its exit code."""
    name = f"trunk-lab-{os.getpid()}"
    groups = list(_control_groups(name))
    try:
        own = {**os.environ, CGROUP_VARIABLE: f"/{name}"}
        return subprocess.run([*UNSHARE, "sh", "-c", INSIDE, "apart", *command], env=own, check=False).returncode
    finally:
        for group in groups:
            _remove(group)


def _control_groups(name: str) -> list[Path]:
    """A group of that name below the root of every hierarchy, for the node's pods."""
    roots = [CGROUPS] if (CGROUPS / "cgroup.controllers").exists() else sorted(CGROUPS.iterdir())
    groups = [root / name for root in roots if (root / "cgroup.procs").exists() and not root.is_symlink()]
    for group in groups:
        group.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):  # a new group may use none until it is told
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((group.parent / setting).read_text())
    return groups


def _remove(group: Path) -> None:
    """Remove a group and those below it, once the last of their processes has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    folders = [path for path in group.rglob("*") if path.is_dir()]
    for folder in (*sorted(folders, key=lambda path: len(path.parts), reverse=True), group):
        while (folder / "cgroup.procs").read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        folder.rmdir()


if __name__ == "__main__":
    if reason := obstacle():
        sys.exit(f"cluster node skipped: {reason}")
    sys.exit(run(sys.argv[1:]))
