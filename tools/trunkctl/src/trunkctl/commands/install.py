"""Commands about an installation on Kubernetes: ``install``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from common.clock import utc_now
from trunkctl.command_error import CommandError
from trunkctl.doctor.finding import exit_code
from trunkctl.doctor.shown import summary
from trunkctl.install.checks import Sources, examine
from trunkctl.install.kubectl import Kubectl, NotAnswered, run_kubectl
from trunkctl.install.manifests import parse
from trunkctl.install.shown import answers_table, as_json
from trunkctl.shown import console, show_json, show_line

install_app = typer.Typer(no_args_is_help=True, help="Before manifests are applied to a Kubernetes cluster.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(install_app, name="install")


@install_app.command("check")
def install_check(
    manifests: Annotated[str, typer.Argument(help="File with what `kubectl kustomize OVERLAY` prints; - = input.")],
    context: Annotated[str, typer.Option(help="Of the kubeconfig; without it the current one.")] = "",
    json_wanted: Annotated[bool, typer.Option("--json", help="One JSON object with every answer.")] = False,
) -> None:
    """Is the cluster ready for these manifests: only reads, by `kubectl get`, and shows no secret.

    Exit 0 nothing to do, 1 warnings or something that nobody could say, 2 the installation would not come up.
    """
    wanted = parse(_text(manifests))
    kubectl = Kubectl(run_kubectl, context)
    try:
        name = kubectl.context
    except NotAnswered as error:
        raise CommandError(f"kubectl has no context to ask: {error}") from error
    now = utc_now()
    answers = examine(Sources(wanted, kubectl, now))
    if json_wanted:
        show_json(as_json(answers, name, now))
    else:
        show_line(f"context {name}, namespaces {', '.join(sorted(wanted.namespaces))}")
        console().print(answers_table(answers))
        show_line(summary(answers))
    raise typer.Exit(exit_code(answers))


def _text(place: str) -> str:
    try:
        return sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CommandError(f"{place} cannot be read: {error}") from error
