"""A broker without any of its data: inboxes are rebuilt, and packages on their way are published again.

A module of its own, because nobody may read the inboxes meanwhile.
"""

import shutil
from datetime import UTC, datetime

import pytest

from .conftest import Stock
from .inboxes import Inboxes
from .sending import told_once, wanted
from .test_redrive import (
    PATIENCE_SECONDS,
    WHO,
    bodies,
    check_archive,
    decided,
    finished,
    letters,
    receipts,
    running,
    submit,
)
from .trunk import BIN, STATE, Trunk, eventually, run

__all__ = ["running"]
pytestmark = pytest.mark.system


def test_a_broker_that_lost_everything_is_rebuilt_from_the_databases(running: Trunk, stock: Stock) -> None:
    trunk, since = running, f"{datetime.now(UTC).astimezone():%Y-%m-%dT%H:%M:%S}"
    unread = submit(trunk, letters(stock, 4))
    assert finished(trunk, unread), "they lie in the inboxes, and nobody reads"
    assert eventually(lambda: trunk.collection("trunk_router", "inboxes").find_one({"_id": "*"}), PATIENCE_SECONDS)
    trunk.kill_service("validator")
    on_their_way = submit(trunk, letters(stock, 4))
    assert eventually(lambda: decided(trunk, on_their_way) == 4, PATIENCE_SECONDS)

    run(BIN / "trunkctl", "topology", "adopt", *WHO[:4], "--state", STATE)
    trunk.kill_server("rabbitmq")
    shutil.rmtree(STATE / "rabbitmq" / "data")
    trunk.revive_server("rabbitmq")
    with pytest.raises(AssertionError, match="Nothing was declared: the broker is cluster"):
        run(BIN / "trunkctl", "topology", "apply", "--state", STATE)
    assert trunk.not_ready(), "and no unit can log in there"
    run(BIN / "trunkctl", "topology", "adopt", *WHO[:4], "--state", STATE)
    run(BIN / "trunkctl", "topology", "apply", "--state", STATE)
    Trunk.up()
    assert eventually(lambda: not trunk.not_ready(), PATIENCE_SECONDS, 1.0)

    packages = unread | on_their_way
    output = run(BIN / "trunkctl", "inboxes", "rebuild", "--all", "--since", since, *WHO).stdout
    assert output.startswith("all: done: "), output
    run(BIN / "trunkctl", "redrive", "--all-open", *WHO)
    assert finished(trunk, packages)
    with Inboxes(trunk, trunk.units) as inboxes:
        must = wanted(list(packages.values()))
        inboxes.wait(lambda items: told_once(items, set(packages)) >= must, PATIENCE_SECONDS)
        inboxes.wait(lambda items: receipts(items) >= set(packages), PATIENCE_SECONDS)
        came = [item for item in inboxes.items if item.package_id in packages]
    assert told_once(came, set(packages)) == must
    assert bodies(came) == {package: entry["bytes"] for package, entry in packages.items()}
    assert receipts(came) == set(packages)
    check_archive(trunk, packages)
