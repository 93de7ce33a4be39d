"""A container engine of one checkout: dockerd out of Debian packages, on a unix socket, with its own data.

It leaves the machine's firewall and routes alone: containers reach each other by their bridges, published
ports are carried by a small proxy on loopback, and nothing inside reaches the outside. Builds use the
machine's network. So what it cannot show is that an internal network keeps anybody out.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack import commands, locks, processes
from devstack.processes import Program
from devstack.progress import Progress, Silent
from lab import debs
from lab.errors import Missing

SERVER = "engine"
PACKAGES = ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd")
# Made for an older C library, so that they run on this Debian and on later ones. The engine needs iptables
# inside each container's own network for its name server.
RUNTIME_SUITE = "bookworm"
RUNTIME = ("runc", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libmnl0")
MODULES = "usr/lib/x86_64-linux-gnu/xtables"
LONGEST_SOCKET = 100
READY_SECONDS = 60.0
STOP_SECONDS = 25.0
ADDRESS_POOL = "base=172.31.0.0/17,size=24"


@dataclass(frozen=True)
class Engine:
    """A running engine. home: everything of it lies below."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a docker client needs: the programs' folder first in PATH, the socket, the plugins."""
        path = f"{self.home / 'bin'}:{os.environ['PATH']}"
        own = {"DOCKER_HOST": f"unix://{socket(self.home)}", "DOCKER_CONFIG": str(self.home / "client")}
        return {**os.environ, **own, "PATH": path, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}

    def docker(self, *arguments: str | Path) -> str:
        """Run the client to its end; what it printed. Raises ``DevstackError`` with its last lines."""
        return commands.run(["docker", *map(str, arguments)], self.environment)

    def has_image(self, name: str) -> bool:
        """Whether an image of that name and tag is here."""
        return bool(self.docker("image", "ls", "--quiet", name).strip())


def start(home: Path, progress: Progress | None = None) -> Engine:
    """The engine whose data lie below ``home``, started unless it runs. Raises ``Missing``."""
    home = home.resolve()
    if reason := obstacle(home):
        raise Missing(reason)
    home.mkdir(parents=True, exist_ok=True)
    with locks.held(home / "lock"):
        engine = Engine(home)
        if not running(home):
            with (progress or Silent()).step("container engine"):
                _start(engine, progress or Silent())
    return engine


def client(home: Path, progress: Progress | None = None) -> Engine:
    """The engine's programs without the engine: enough to read a compose file. Raises ``Missing``."""
    if reason := debs.obstacle():
        raise Missing(reason)
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    with locks.held(home / "lock"):
        if not processes.running(home, SERVER):
            _link_programs(home, debs.unpacked(debs.TESTING, PACKAGES, progress))
    return Engine(home)


def running(home: Path) -> bool:
    """Whether the engine of this folder runs and answers."""
    home = home.resolve()
    return home.is_dir() and processes.running(home, SERVER) and _answers(Engine(home))


def stop(home: Path) -> None:
    """Stop the engine and every container of it; the data stay."""
    home = home.resolve()
    if home.is_dir():
        with locks.held(home / "lock"):
            processes.stop(home)


def obstacle(home: Path) -> str | None:
    """Why no engine can run on this machine, in one sentence; None when nothing speaks against it."""
    if os.geteuid() != 0:
        return "a container engine needs root"
    if len(str(socket(home.resolve()))) > LONGEST_SOCKET:
        return f"the path {socket(home.resolve())} is too long for a unix socket"
    if not _may("unshare", "--mount", "--net", "--pid", "--fork", "true"):
        return "this container may not make mount, network and process namespaces (CAP_SYS_ADMIN)"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "the kernel has no overlay file system"
    return debs.obstacle()


def socket(home: Path) -> Path:
    """The engine's unix socket."""
    return home / "docker.sock"


def _start(engine: Engine, progress: Progress) -> None:
    processes.kill(engine.home)
    runtime = debs.unpacked(RUNTIME_SUITE, RUNTIME, progress)
    _link_programs(engine.home, debs.unpacked(debs.TESTING, PACKAGES, progress))
    _link_runtime(engine.home, runtime)
    for left in ("docker.pid", "exec/containerd/containerd.pid"):
        (engine.home / left).unlink(missing_ok=True)
    program = Program(SERVER, "dockerd", _command(engine.home), _environment(engine.home, runtime))
    processes.start(engine.home, program)
    _wait(engine)


def _command(home: Path) -> Sequence[str]:
    return [
        *(str(home / "bin/dockerd"), "--config-file", str(_settings(home)), "--host", f"unix://{socket(home)}"),
        *("--data-root", str(home / "data"), "--exec-root", str(home / "exec"), "--pidfile", str(home / "docker.pid")),
        *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
        *("--default-address-pool", ADDRESS_POOL, "--userland-proxy-path", str(home / "bin/docker-proxy")),
        *("--storage-driver", "overlay2", "--shutdown-timeout", "10", "--log-level", "warn"),
    ]


def _settings(home: Path) -> Path:
    """The engine's settings file: the build cache does not grow without end."""
    file = home / "daemon.json"
    file.write_text(json.dumps({"builder": {"gc": {"enabled": True, "defaultKeepStorage": "6GB"}}}))
    return file


def _environment(home: Path, runtime: Path) -> Mapping[str, str]:
    libraries = runtime / MODULES
    return {
        **processes.ordinary_environment(),
        "PATH": f"{home / 'bin'}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": str(libraries.parent),
        "XTABLES_LIBDIR": str(libraries),
    }


def _link_programs(home: Path, engine: Path) -> None:
    shutil.rmtree(home / "bin", ignore_errors=True)
    plugins = home / "client/cli-plugins"
    for folder in (home / "bin", plugins):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("docker", "dockerd", "docker-proxy", "containerd", "containerd-shim-runc-v2", "ctr"):
        _link(home / "bin" / name, next(engine / place / name for place in PLACES if (engine / place / name).exists()))
    for name in ("docker-compose", "docker-buildx"):
        _link(plugins / name, engine / "usr/libexec/docker/cli-plugins" / name)


def _link_runtime(home: Path, runtime: Path) -> None:
    _link(home / "bin/runc", runtime / "usr/sbin/runc")
    for name in ("iptables", "ip6tables", "iptables-save", "iptables-restore"):
        _link(home / "bin" / name, runtime / "usr/sbin/xtables-nft-multi")


PLACES = ("usr/bin", "usr/sbin", "usr/libexec/docker")


def _link(link: Path, program: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(program)


def _wait(engine: Engine) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(engine):
        log = processes.log_path(engine.home, "dockerd")
        if not processes.running(engine.home, SERVER):
            last = "".join(log.read_text(errors="replace").splitlines()[-1:])
            processes.kill(engine.home)
            raise Missing(f"the container engine does not start here: {last[:400]}")
        if time.monotonic() > deadline:
            raise Missing(f"the container engine did not answer in {READY_SECONDS:.0f} s; see {log}")
        time.sleep(0.2)


def _answers(engine: Engine) -> bool:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return socket(engine.home).exists() and _may(*command, environment=engine.environment)


def _may(*command: str, environment: Mapping[str, str] | None = None) -> bool:
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def main() -> None:
    """``python -m lab.engine start|stop [FOLDER]``: the engine of this checkout, to look around in by hand."""
    command, home = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ".devstack/engine")
    if command == "stop":
        stop(home)
        return
    engine = start(home)
    for name in ("DOCKER_HOST", "DOCKER_CONFIG", "PATH"):
        print(f"export {name}='{engine.environment[name]}'")


if __name__ == "__main__":
    main()
