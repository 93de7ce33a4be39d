"""``trunkctl down``: services first, so that they can drain, then servers. No process is left, the data stays."""

from pathlib import Path

from devstack import servers
from devstack.progress import Progress
from trunkctl import trunk_file
from trunkctl.local import services
from trunkctl.local.places import places


def down(state: Path, progress: Progress, *, with_servers: bool = True) -> None:
    """Stop everything that was started below ``state``, whoever started it and however that ended."""
    if not state.is_dir():
        return
    place = places(state)
    with progress.step("services stop"):
        services.stop(place)
    if with_servers:
        with progress.step("servers stop"):
            servers.stop(place.state)
    trunk_file.path(place.state).unlink(missing_ok=True)
