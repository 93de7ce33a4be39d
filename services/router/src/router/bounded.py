"""Many small works at a limited pace."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from common.failure import Transient

Work = Callable[[], Awaitable[None]]


async def do_all(works: Iterable[Work], at_once: int) -> None:
    """Do all of them, then raise the first trouble: one stuck inbox holds up no other.

    When a server is away the works not yet begun are left to the next run.
    """
    gate = asyncio.Semaphore(at_once)
    troubles: list[Exception] = []

    async def one(work: Work) -> None:
        async with gate:
            if any(isinstance(trouble, Transient) for trouble in troubles):
                return
            try:
                await work()
            except Exception as trouble:
                troubles.append(trouble)

    await asyncio.gather(*map(one, works))
    if troubles:
        raise troubles[0]
