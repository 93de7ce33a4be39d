"""``trunkctl``: the operator's and the unit's command line."""

import io
import sys

import httpx
import typer
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.text import Text

from common.failure import TrunkFailure
from trunkctl import broker_admin
from trunkctl.command_error import CommandError
from trunkctl.commands import (
    archive,
    backup,
    declare,
    doctor,
    events,
    idle,
    install,
    log,
    machine,
    notices,
    operate,
    package,
    park,
    redrive,
    references,
    restore,
    stores,
    trust,
    unit,
    units,
    users,
    verify,
)
from trunkctl.operator_files import about
from trunkctl.shown import printable

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
PARTS = (
    doctor,
    install,
    machine,
    unit,
    operate,
    park,
    redrive,
    references,
    notices,
    events,
    verify,
    package,
    trust,
    declare,
    stores,
    archive,
    log,
    backup,
    restore,
    units,
    users,
    idle,
)
for part in PARTS:
    part.register(app)


def main() -> None:
    """Console entry point: exit code 0 = done, 1 = an error or a fault that was found, 2 = wrong usage.

    ``doctor``, ``install check`` and ``verify`` have more exit codes of their own. Names and words that the terminal's
    encoding does not have are written in another way, not refused.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except CommandError as error:
        _fail(str(error))
    except broker_admin.Refused as error:
        _fail(f"The broker refused: {error}")
    except (TrunkFailure, httpx.HTTPError, PyMongoError) as error:
        _fail(f"A server did not answer as it should: {str(error) or type(error).__name__}. {HINT}")
    except OSError as error:
        _fail(about(error.filename, error, "used") if error.filename else f"The system refused: {error}.")
    except RecursionError:
        _fail("A file is nested too deeply to be read.")
    except KeyboardInterrupt:
        _fail("Interrupted.")


HINT = "`trunkctl up` starts a trunk on this machine; TRUNK_* variables name another one."


def _fail(sentence: str) -> None:
    shown = Text(printable(f"trunkctl: {sentence}"), "red")
    Console(stderr=True).print(shown, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
