"""Urgent documents overtake normal ones that wait for a worker."""

import asyncio

from validator.workers.priority_semaphore import PrioritySemaphore


async def arrive(semaphore: PrioritySemaphore, name: str, passed: list[str], *, urgent: bool) -> None:
    async with semaphore.place(urgent=urgent):
        passed.append(name)
        await asyncio.sleep(0)


async def test_urgent_first_then_by_arrival() -> None:
    semaphore, passed = PrioritySemaphore(1), list[str]()
    async with semaphore.place(urgent=False):
        tasks = [
            asyncio.create_task(arrive(semaphore, name, passed, urgent=name.startswith("urgent")))
            for name in ("normal 1", "normal 2", "urgent 1", "normal 3", "urgent 2")
        ]
        await asyncio.sleep(0)
        assert passed == []
    await asyncio.gather(*tasks)
    assert passed == ["urgent 1", "urgent 2", "normal 1", "normal 2", "normal 3"]


async def test_no_more_than_the_places_at_once() -> None:
    semaphore, inside, most = PrioritySemaphore(3), 0, 0

    async def pass_through() -> None:
        nonlocal inside, most
        async with semaphore.place(urgent=False):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*[pass_through() for _ in range(20)])
    assert most == 3


async def test_who_gives_up_waiting_leaves_no_gap() -> None:
    semaphore, passed = PrioritySemaphore(1), list[str]()
    async with semaphore.place(urgent=False):
        given_up = asyncio.create_task(arrive(semaphore, "given up", passed, urgent=True))
        patient = asyncio.create_task(arrive(semaphore, "patient", passed, urgent=False))
        await asyncio.sleep(0)
        given_up.cancel()
    await asyncio.wait_for(patient, 60)
    assert passed == ["patient"]
    async with asyncio.timeout(60), semaphore.place(urgent=False):
        pass


async def test_who_is_let_in_and_gives_up_at_once_passes_the_place_on() -> None:
    semaphore, passed = PrioritySemaphore(1), list[str]()
    async with semaphore.place(urgent=False):
        given_up = asyncio.create_task(arrive(semaphore, "given up", passed, urgent=True))
        patient = asyncio.create_task(arrive(semaphore, "patient", passed, urgent=False))
        await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait_for(patient, 60)
    assert passed == ["patient"]
