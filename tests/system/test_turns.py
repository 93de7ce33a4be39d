"""Who waits for whom when a unit submits much at once. What is looked at is in which order letters arrive, not when."""

import re
from collections import Counter
from collections.abc import Iterable

import pytest

from devstack import loopback

from .inboxes import Inboxes, Item
from .sending import Entry
from .trunk import SUBMIT, Trunk, minted, package_id, submission

pytestmark = pytest.mark.system

MINTED = 480
FLOOD = 30
ARRIVED_FIRST = 6
PATIENCE_SECONDS = 300.0


class Letters:
    """Plain letters of the demo city's units, each to be taken once."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = [each for each in entries if each["expected"] == "delivered" and not each["turned"]]
        counted = Counter(each["sender"] for each in self._entries if not each["urgent"])
        self.busiest = [unit for unit, _ in counted.most_common()]
        """Units with the most letters first."""

    def take(self, sender: str, count: int = 1, *, urgent: bool = False) -> list[Entry]:
        """Some of a unit."""
        taken = [each for each in self._entries if each["sender"] == sender and each["urgent"] is urgent][:count]
        assert len(taken) == count, "mint more"
        self._entries = [each for each in self._entries if each not in taken]
        return taken


@pytest.fixture(scope="module")
def letters(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Letters:
    return Letters(minted(trunk, tmp_path_factory.mktemp("letters"), MINTED, seed=22))


def submit(trunk: Trunk, entries: list[Entry]) -> list[str]:
    """Submit as fast as the broker confirms; the package ids."""
    sender = entries[0]["sender"]
    with trunk.channel(sender) as channel:
        for each in entries:
            key = f"submit.{sender}" + (".urgent" if each["urgent"] else "")
            channel.basic_publish(SUBMIT, key, each["bytes"], submission(sender), mandatory=True)
    return [package_id(sender, each["bytes"]) for each in entries]


def most_under_way(trunk: Trunk) -> int:
    """How many packages intake lets be under way: these have had their turn."""
    answer = loopback.get(f"http://127.0.0.1:{trunk.services['intake']['http_port']}/metrics/", timeout=20)
    (limit,) = re.findall(r"(?m)^trunk_packages_under_way_limit (\S+)$", answer.raise_for_status().text)
    return int(float(limit))


def order(items: Iterable[Item], packages: Iterable[str]) -> list[str]:
    """Those of the packages that have arrived anywhere, the first one first."""
    wanted = set(packages)
    arrived = (item.package_id for item in items if item.type == "document")
    return list(dict.fromkeys(package for package in arrived if package in wanted))


def arrived(inboxes: Inboxes, packages: list[str]) -> list[str]:
    """All of the packages in the order of their arrival."""
    items = inboxes.wait(lambda items: len(order(items, packages)) == len(packages), PATIENCE_SECONDS)
    came = order(items, packages)
    assert sorted(came) == sorted(packages)
    return came


def submit_flood(trunk: Trunk, inboxes: Inboxes, entries: list[Entry]) -> list[str]:
    """Submit, and wait until some have arrived: the others are on their way, or wait at the door."""
    flood = submit(trunk, entries)
    inboxes.wait(lambda items: len(order(items, flood)) >= ARRIVED_FIRST, PATIENCE_SECONDS)
    return flood


@pytest.mark.parametrize(("flooding", "other", "is_urgent"), [(0, 4, False), (1, 1, True)])
def test_one_letter_does_not_wait_for_a_flood(
    trunk: Trunk, inboxes: Inboxes, letters: Letters, flooding: int, other: int, is_urgent: bool
) -> None:
    """One of another unit, and an urgent one of the same unit."""
    flood = submit_flood(trunk, inboxes, letters.take(letters.busiest[flooding], FLOOD))
    one, window = letters.take(letters.busiest[other], urgent=is_urgent), most_under_way(trunk)
    (alone,) = submit(trunk, one)
    ahead = order(inboxes.items, flood)  # on a fast machine few are left by now
    window = max(window, most_under_way(trunk))
    came = arrived(inboxes, [*flood, alone])
    overtaken = len(came) - 1 - came.index(alone)
    waiting = FLOOD - len(ahead) - max(window, most_under_way(trunk))
    assert overtaken >= waiting / 2, f"{overtaken} letters came after it, of about {waiting} that waited"


def test_of_two_floods_none_waits_for_the_other(trunk: Trunk, inboxes: Inboxes, letters: Letters) -> None:
    first, second = (letters.take(unit, FLOOD) for unit in letters.busiest[2:4])
    earlier = submit_flood(trunk, inboxes, first)
    later = submit(trunk, second)
    ahead = order(inboxes.items, earlier)
    came = [each for each in arrived(inboxes, earlier + later) if each not in ahead]
    half = Counter("later" if each in later else "earlier" for each in came[: len(came) // 2])
    waiting = len(came) - most_under_way(trunk)
    assert half["later"] >= waiting / 8, f"{half} in the first half of {len(came)}"
