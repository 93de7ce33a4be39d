"""``trunkctl inbox``: what waits for a unit, read as that unit; with acknowledgement it is taken out."""

import asyncio
from pathlib import Path

from common.domain.directory import Unit
from common.topology import inbox_queue
from trunkctl import broker
from trunkctl.inbox_item import Item, item
from trunkctl.settings import ControlSettings

MOST = 1_000
"""Messages read in one go."""
SUFFIXES = {"receipt": "json"}


async def read(settings: ControlSettings, unit: Unit, *, ack: bool, folder: Path | None) -> list[Item]:
    """Everything that waits, in order. A message is acked after its package was saved, never before."""
    items = []
    if folder:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with (
        broker.session(settings.broker_url(unit.user)) as channel,
        broker.waiting(channel, inbox_queue(unit.code), MOST) as messages,
    ):
        for message in messages:
            read_item = item(message)
            if folder:
                await _save(read_item, folder)
            if ack:
                await message.ack()
            items.append(read_item)
    return items


async def _save(read_item: Item, folder: Path) -> None:
    suffix = SUFFIXES.get(read_item.type, "edxml")
    target = folder / f"{read_item.package_id}-{read_item.type}-{read_item.refused_receiver or 'all'}.{suffix}"
    data = read_item.body if suffix == "json" else await read_item.package()
    await asyncio.to_thread(target.write_bytes, data)
