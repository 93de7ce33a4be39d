"""``idle``: keeps a toolbox container running between commands."""

import signal

import typer

ENDS = (signal.SIGTERM, signal.SIGINT)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(idle)


def idle() -> None:
    """Wait until the container is stopped; commands are run beside it, by `kubectl exec` or `docker compose exec`."""
    # Blocked, not ignored: the first process of a container gets no signal that it neither blocks nor handles.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    signal.sigwait(ENDS)
