"""A command's module is imported only when the command is named, and what a command imports is known."""

import pkgutil
import subprocess
import sys

import pytest
import typer
from typer.main import get_group
from typer.testing import CliRunner

from trunkctl import commands
from trunkctl.command_table import COMMANDS, UNITS
from trunkctl.main import app
from trunkctl.on_demand import of_module

TABLES = {"": COMMANDS, "units": UNITS}
LISTED = [(group, name) for group, table in TABLES.items() for name in table]
MODULES = tuple(dict.fromkeys(TABLES[group][name].module for group, name in LISTED))
LARGE = (
    "aio_pika",
    "aiormq",
    "asn1crypto",
    "common.facts",
    "cryptography",
    "httpx",
    "jinja2",
    "minio",
    "motor",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
    "pyhanko",
    "pymongo",
    "rich",
    "structlog",
    "uvicorn",
    "validator",
    "yaml",
)
"""What takes more than a twentieth of a second of CPU to import."""
BASE = "common.facts pydantic rich"
"""Settings and tables: what nearly every command needs."""
IMPORTED = {
    "archive": f"{BASE} cryptography minio prometheus_client pymongo",
    "backup": f"{BASE} cryptography minio prometheus_client pymongo",
    "declare": f"{BASE} aio_pika aiormq cryptography httpx minio motor prometheus_client pymongo",
    "doctor": f"{BASE} aio_pika aiormq asn1crypto cryptography httpx minio prometheus_client pymongo validator",
    "edxml": BASE,
    "events": f"{BASE} cryptography pymongo",
    "idle": "",
    "install": f"{BASE} aiormq cryptography httpx minio pymongo yaml",
    "log": f"{BASE} cryptography minio prometheus_client pymongo",
    "machine": BASE,
    "notices": f"{BASE} aio_pika aiormq cryptography motor prometheus_client pymongo",
    "package": f"{BASE} aio_pika aiormq cryptography minio prometheus_client pymongo",
    "park": f"{BASE} aio_pika aiormq cryptography minio prometheus_client pymongo",
    "redrive": f"{BASE} aio_pika aiormq cryptography motor prometheus_client pymongo",
    "references": f"{BASE} aio_pika aiormq cryptography motor prometheus_client pymongo",
    "restore": f"{BASE} aio_pika aiormq cryptography httpx minio prometheus_client pymongo",
    "stores": f"{BASE} cryptography minio pymongo",
    "track": f"{BASE} cryptography pymongo",
    "trust": f"{BASE} asn1crypto cryptography validator",
    "unit": f"{BASE} aio_pika aiormq httpx minio prometheus_client",
    "units": "",
    "units_access": f"{BASE} aiormq httpx minio",
    "units_directory": f"{BASE} minio",
    "units_rates": f"{BASE} cryptography pymongo",
    "upload_url": f"{BASE} httpx minio",
    "users": f"{BASE} aiormq httpx minio",
    "verify": f"{BASE} minio",
}
"""Of ``LARGE``, what is in ``sys.modules`` once the module is loaded; a command may import more while it runs.

PyMongo brings cryptography, and aio-pika brings aiormq.
"""


def loaded(statements: str, *arguments: str) -> set[str]:
    """Modules of a new process after it ran the statements."""
    program = f"import sys\n{statements}\nprint('\\n' + ' '.join(sys.modules))"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", MODULES)
def test_a_command_imports_the_large_libraries_that_it_needs_and_no_other(module: str) -> None:
    modules = loaded(f"from trunkctl.on_demand import of_module\nof_module({module!r})")
    assert modules & set(LARGE) == set(IMPORTED[module].split())


def test_the_help_imports_no_command() -> None:
    modules = loaded(
        "from trunkctl.main import app\nfrom typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0"
    )
    assert {name for name in modules if name.startswith("trunkctl.commands")} == set()
    assert modules & set(LARGE) == {"rich"}


def test_a_command_that_is_asked_for_imports_no_other() -> None:
    modules = loaded(
        "from trunkctl.main import app\nfrom typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['track', '--help']).exit_code == 0"
    )
    assert {name for name in modules if name.startswith("trunkctl.commands.")} == {"trunkctl.commands.track"}


@pytest.mark.parametrize(("group", "name"), LISTED)
def test_the_list_says_of_a_command_what_the_command_says(group: str, name: str) -> None:
    listed = TABLES[group][name]
    command = of_module(listed.module)[name]
    assert command.help is not None
    assert listed.help == " ".join(command.help.partition("\n\n")[0].split())
    assert (command.hidden, command.deprecated) == (False, False)


def test_every_command_that_a_module_defines_is_listed() -> None:
    defined = set()
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        register = getattr(__import__(module.name, fromlist=["register"]), "register", None)
        if register:
            register(part := typer.Typer())
            defined |= {(module.name.rpartition(".")[2], name) for name in get_group(part).commands}
    assert defined == {(TABLES[group][name].module, name) for group, name in LISTED}


@pytest.mark.parametrize("group", TABLES)
def test_the_help_shows_every_command(group: str) -> None:
    shown = CliRunner().invoke(app, [*group.split(), "--help"], env={"COLUMNS": "200"}).stdout
    missing = [name for name, listed in TABLES[group].items() if name not in shown or listed.help not in shown]
    assert missing == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [("unit", "No such command 'unit'. Did you mean 'units'?"), ("fly", "No such command 'fly'.")],
)
def test_a_word_that_is_no_command_is_refused(typed: str, said: str) -> None:
    refused = CliRunner().invoke(app, [typed], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert said in refused.output
