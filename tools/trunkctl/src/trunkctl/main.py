"""``trunkctl``: the operator's and the unit's command line."""

import io
import sys

import typer

from trunkctl.command_error import CommandError
from trunkctl.command_table import COMMANDS
from trunkctl.on_demand import OnDemand


class Commands(OnDemand):
    """All commands."""

    table = COMMANDS


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, help=__doc__)


@app.callback()
def _commands() -> None:
    """A command of its own would be the whole program; what is called back makes it a group."""


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
    except KeyboardInterrupt:
        _fail("Interrupted.")
    except Exception as error:
        from trunkctl.failure_words import sentence  # needs every library whose errors it knows

        if (said := sentence(error)) is None:
            raise
        _fail(said)


def _fail(sentence: str) -> None:
    from rich.console import Console  # most commands end without an error
    from rich.text import Text

    from trunkctl.shown import printable

    shown = Text(printable(f"trunkctl: {sentence}"), "red")
    Console(stderr=True).print(shown, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
