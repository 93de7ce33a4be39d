"""``make bench``: documents a second end to end, CPU a document, latency idle and under a backlog, beside bare hops."""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.bare import BareResult, run_bare
from bench.checks import check_seconds, messages_handled
from bench.cpu import service_cpu_seconds
from bench.packages import Letters
from bench.post import Post, post
from common.domain.names import Lane
from devstack.progress import shown
from mint import keep
from mint.city import City
from trunkctl.local.up import up
from trunkctl.trunk_file import TrunkFile

ARRIVAL_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from submission to the receiver's inbox."""

    seconds: list[float]

    def __str__(self) -> str:
        cuts = statistics.quantiles(self.seconds, n=100)
        return f"{cuts[49] * 1000:.0f} / {cuts[98] * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run found."""

    idle: dict[Lane, Latency]
    busy: dict[Lane, Latency]
    documents_per_second: float
    cpu_ms: dict[str, float]
    messages_per_document: float
    pdf_bytes: int


async def measure(trunk: TrunkFile, city: City, idle: int, backlog: int) -> Measured:
    """Idle latency first, then a backlog with urgent letters in the middle of it."""
    letters = Letters(city)
    async with post(trunk, city) as office:
        await _one_by_one(office, letters, 5, Lane.NORMAL)
        at_rest = {lane: Latency(await _one_by_one(office, letters, idle, lane)) for lane in Lane}
        before, handled = service_cpu_seconds(trunk), messages_handled(trunk)
        began = time.monotonic()
        normal, urgent = await _backlog(office, letters, backlog)
        seconds = time.monotonic() - began
        count = len(normal) + len(urgent)
        cpu = {name: (spent - before[name]) / count * 1000 for name, spent in service_cpu_seconds(trunk).items()}
        messages = (messages_handled(trunk) - handled) / count
    busy = {Lane.NORMAL: Latency(normal), Lane.URGENT: Latency(urgent)}
    return Measured(at_rest, busy, count / seconds, cpu, messages, letters.size_bytes)


async def _one_by_one(office: Post, letters: Letters, count: int, lane: Lane) -> list[float]:
    seconds = []
    for letter in letters.make(count, lane):
        await office.submit([letter])
        await office.wait_for([letter.document_id], ARRIVAL_SECONDS)
        seconds.append(office.arrived[letter.document_id] - office.sent[letter.document_id])
    return seconds


async def _backlog(office: Post, letters: Letters, count: int) -> tuple[list[float], list[float]]:
    heap = list(letters.make(count, Lane.NORMAL))
    await office.submit(heap)
    urgent = await _one_by_one(office, letters, max(20, count // 40), Lane.URGENT)
    await office.wait_for([letter.document_id for letter in heap], ARRIVAL_SECONDS)
    return [office.arrived[one.document_id] - office.sent[one.document_id] for one in heap], urgent


def show(measured: Measured, bare: BareResult, console: Console) -> None:
    """The table."""
    ours = sum(measured.cpu_ms.values())
    table = Table(title=f"one letter of {measured.pdf_bytes / 1000:.0f} KB, two RSA signatures, this machine")
    for column in ("figure", "trunk", "bare hops", "ratio"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    rate, bare_rate = measured.documents_per_second, bare.documents_per_second
    table.add_row("documents a second, end to end", f"{rate:.1f}", f"{bare_rate:.0f}", f"{rate / bare_rate:.3f}")
    table.add_row(
        "CPU ms a document, all processes",
        f"{ours:.1f}",
        f"{bare.cpu_ms_per_document:.2f}",
        f"{ours / bare.cpu_ms_per_document:.0f}",
    )
    for name, spent in measured.cpu_ms.items():
        table.add_row(f"  of which {name}", f"{spent:.1f}", "", f"{spent / ours:.0%}")
    checks_ms = check_seconds() * 1000 * measured.messages_per_document
    table.add_row("messages a document", f"{measured.messages_per_document:.1f}", "", "")
    table.add_row("CPU ms a document, checks of their publishers", f"{checks_ms:.2f}", "", f"{checks_ms / ours:.1%}")
    for lane in Lane:
        table.add_row(f"latency p50 / p99, idle, {lane}", str(measured.idle[lane]), "", "")
    for lane in Lane:
        table.add_row(f"latency p50 / p99, under the backlog, {lane}", str(measured.busy[lane]), "", "")
    console.print(table)


def main() -> None:
    """Run everything on the trunk of this checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path(".devstack"))
    parser.add_argument("--idle", type=int, default=60, help="letters sent one by one, each lane")
    parser.add_argument("--backlog", type=int, default=2000)
    options = parser.parse_args()
    with shown() as progress:
        trunk = up(options.state, progress)
    measured = asyncio.run(measure(trunk, keep.load(trunk.city_dir), options.idle, options.backlog))
    admin = f"{trunk.rabbitmq_admin_user}:{trunk.rabbitmq_admin_password}"
    bare = run_bare(
        f"amqp://{admin}@{trunk.amqp_host}:{trunk.amqp_port}/{trunk.vhost}",
        options.backlog,
        measured.pdf_bytes * 4 // 3,
    )
    show(measured, bare, Console())


if __name__ == "__main__":
    main()
