"""``python -m bench.flow inboxes|flood|urgent``: who waits for whom, beside the same letters on an idle trunk.

``inboxes``: 100 of 1,000 inboxes are full, and documents for them keep coming; what do the others notice?
``flood``: one unit submits 3,000 letters; what do the letters of another unit notice?
``urgent``: a backlog of 10,000 normal letters; what do urgent ones notice, and where do they wait?
"""

import argparse
import asyncio
import statistics
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import aio_pika
from rich.console import Console
from rich.table import Table

from bench.flow import stages
from bench.flow.receivers import receivers
from bench.packages import Letter, Letters
from bench.post import Post, post
from common.domain.names import Lane
from common.topology import inbox_queue
from devstack.progress import shown
from mint import keep
from mint.city import City
from trunkctl.local.up import up
from trunkctl.trunk_file import TrunkFile

ARRIVAL_SECONDS = 7_200.0
DIRECTORY_SECONDS = 15.0
"""Until every service has read the changed directory."""
WARM_UP = 10

Seconds = list[float]
Measured = dict[str, Seconds]


class Watch:
    """Reads the services' histograms before, between and after the two parts of a run."""

    def __init__(self, trunk: TrunkFile) -> None:
        self._trunk = trunk
        self._readings = [stages.read(trunk)]

    def begin_part(self) -> None:
        """From here on, the letters are of the next part."""
        self._readings.append(stages.read(self._trunk))

    def parts(self) -> list[dict[str, float]]:
        """Mean milliseconds of each part, by histogram with its labels."""
        self.begin_part()
        return [stages.means_ms(before, after) for before, after in pairwise(self._readings)]


def p99_ms(seconds: Seconds) -> float:
    """Milliseconds."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[98] * 1000


async def one_by_one(office: Post, letters: list[Letter]) -> Seconds:
    """Each letter when the one before has arrived: seconds from submission to inbox."""
    for letter in letters:
        await office.submit([letter])
        await office.wait_for([letter.document_id], ARRIVAL_SECONDS)
    return [office.arrived[letter.document_id] - office.sent[letter.document_id] for letter in letters]


async def with_full_inboxes(
    trunk: TrunkFile, city: City, options: argparse.Namespace, watch: Watch
) -> dict[str, Seconds]:
    """Idle, then each letter beside one for another open inbox, then beside one for a full inbox.

    The second is the yardstick of the third: the same load, and nothing full.
    """
    letters = Letters(city)
    with receivers(trunk, options.units, options.full) as (reading, full):
        await asyncio.sleep(DIRECTORY_SECONDS)
        async with post(trunk, city) as office, _admin(trunk) as channel:
            for code in reading:
                await (await channel.get_queue(inbox_queue(code), ensure=False)).consume(office.take, no_ack=True)
            to = [reading[number % len(reading)] for number in range(options.letters)]
            await one_by_one(office, letters.to(to[:WARM_UP]))
            idle = await one_by_one(office, letters.to(to))
            watch.begin_part()
            beside_open = await accompanied(office, letters, to, reading)
            await office.submit(letters.to(full * 2))
            await one_by_one(office, letters.to(to[:WARM_UP]))
            beside_full = await accompanied(office, letters, to, full)
    title = f"beside letters for full inboxes, {options.full} of {options.units}"
    return {"idle": idle, "beside letters for open inboxes": beside_open, title: beside_full}


async def accompanied(office: Post, letters: Letters, to: list[str], others: list[str]) -> Seconds:
    """Each letter with another one, to one of the others in turn."""
    measured: Seconds = []
    for number, letter in enumerate(letters.to(to)):
        await office.submit(letters.to([others[-1 - number % len(others)]]))
        measured += await one_by_one(office, [letter])
    return measured


async def beside_a_flood(trunk: TrunkFile, city: City, options: argparse.Namespace, watch: Watch) -> Measured:
    """Idle, then while another unit floods the trunk."""
    letters, codes = Letters(city), city.codes
    async with post(trunk, city) as office:
        await one_by_one(office, letters.to([codes[3]] * WARM_UP, sender=codes[1]))
        idle = await one_by_one(office, letters.to([codes[3]] * options.letters, sender=codes[1]))
        watch.begin_part()
        flood = letters.to([codes[2]] * options.flood, sender=codes[0])
        flooding = asyncio.create_task(office.submit(flood))
        beside = await one_by_one(office, letters.to([codes[3]] * options.letters, sender=codes[1]))
        await flooding
        await office.wait_for([letter.document_id for letter in flood], ARRIVAL_SECONDS)
    return {"idle": idle, f"beside {options.flood} letters of one unit": beside}


async def urgent_under_a_backlog(
    trunk: TrunkFile, city: City, options: argparse.Namespace, watch: Watch
) -> dict[str, Seconds]:
    """Idle, then in the middle of a backlog of normal letters."""
    letters = Letters(city)
    async with post(trunk, city) as office:
        await one_by_one(office, list(letters.make(WARM_UP, Lane.URGENT)))
        idle = await one_by_one(office, list(letters.make(options.letters, Lane.URGENT)))
        watch.begin_part()
        heap = list(letters.make(options.backlog, Lane.NORMAL))
        submitting = asyncio.create_task(office.submit(heap))
        beside = await one_by_one(office, list(letters.make(options.letters, Lane.URGENT)))
        left = sum(letter.document_id not in office.arrived for letter in heap)
        await submitting
        await office.wait_for([letter.document_id for letter in heap], ARRIVAL_SECONDS)
    return {"idle": idle, f"urgent, {left} of {options.backlog} normal letters still on their way": beside}


Scenario = Callable[[TrunkFile, City, argparse.Namespace, Watch], Awaitable[Measured]]
SCENARIOS: dict[str, Scenario] = {
    "inboxes": with_full_inboxes,
    "flood": beside_a_flood,
    "urgent": urgent_under_a_backlog,
}


def _admin(trunk: TrunkFile) -> "_Channel":
    return _Channel(trunk)


class _Channel:
    """A session of the administrator, who may read every inbox."""

    def __init__(self, trunk: TrunkFile) -> None:
        who = f"{trunk.rabbitmq_admin_user}:{trunk.rabbitmq_admin_password}"
        self._url = f"amqp://{who}@{trunk.amqp_host}:{trunk.amqp_port}/{trunk.vhost}"

    async def __aenter__(self) -> aio_pika.abc.AbstractChannel:
        self._connection = await aio_pika.connect(self._url)
        return await self._connection.channel()

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


def show(name: str, measured: dict[str, Seconds], parts: list[dict[str, float]], console: Console) -> None:
    """The figures, then where the time went: mean times since submission at the end of each stage, and of waiting."""
    table = Table("letters", "count", "p50 ms", "p99 ms", "p99 beside idle", title=name)
    idle = p99_ms(measured["idle"])
    for title, seconds in measured.items():
        beside = f"{p99_ms(seconds) / idle:.2f} ×, {p99_ms(seconds) - idle:+.0f} ms"
        p50 = statistics.median(seconds) * 1000
        table.add_row(title, str(len(seconds)), f"{p50:.0f}", f"{p99_ms(seconds):.0f}", beside)
    console.print(table)
    where = Table("histogram", "mean ms, idle", "mean ms, beside the others", title="all letters of the run")
    for title in sorted(set().union(*parts)):
        where.add_row(title, *(f"{part[title]:.0f}" if title in part else "" for part in parts))
    console.print(where)


def main() -> None:
    """Run one scenario on the trunk of this checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--state", type=Path, default=Path(".devstack"))
    parser.add_argument("--letters", type=int, default=400, help="measured letters, idle and beside")
    parser.add_argument("--units", type=int, default=1_000)
    parser.add_argument("--full", type=int, default=100)
    parser.add_argument("--flood", type=int, default=3_000)
    parser.add_argument("--backlog", type=int, default=10_000)
    options = parser.parse_args()
    with shown() as progress:
        trunk = up(options.state, progress)
    watch = Watch(trunk)
    measured = asyncio.run(_measured(trunk, options, watch))
    show(options.scenario, measured, watch.parts(), Console())


async def _measured(trunk: TrunkFile, options: argparse.Namespace, watch: Watch) -> Measured:
    return await SCENARIOS[options.scenario](trunk, keep.load(trunk.city_dir), options, watch)


if __name__ == "__main__":
    main()
