"""``doctor``: checks all parts of a running trunk."""

import logging
import os
import sys
import threading
from typing import Annotated, NoReturn

import typer

from trunkctl.doctor.checks import examine
from trunkctl.doctor.finding import exit_code
from trunkctl.doctor.shown import answers_table, as_json, summary
from trunkctl.doctor.sources import Sources
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, show_json, show_line


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    json_wanted: Annotated[bool, typer.Option("--json", help="One JSON object with every answer.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """How is the trunk: asks servers, queues, rights, trust and open work, and changes nothing.

    Exit 0 nothing to do, 1 warnings or something that nobody could say, 2 failures.
    """
    logging.disable(logging.CRITICAL)  # what libraries log about a server that is away stands in the answers
    sources = Sources(settings(state))
    answers = examine(sources)
    if json_wanted:
        show_json(as_json(answers, sources.now))
    else:
        console().print(answers_table(answers))
        show_line(summary(answers))
    _leave(exit_code(answers))


def _leave(code: int) -> NoReturn:
    """Exits with this code at once: Python would wait for a library's threads, whose server may never answer."""
    if threading.active_count() > 1:
        sys.stdout.flush()
        os._exit(code)
    raise typer.Exit(code)
