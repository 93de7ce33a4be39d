"""Worker processes: whatever a document does to its worker, the pool goes on."""

import asyncio
import os
import pickle
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from common.domain.reason import Reason
from mint.misbehave import CRASH, CRASH_ONCE, HOARD, HUNGRY, LOOP, SLEEP, misbehave
from mint.tamper import TAMPERS
from validator.context import Material, VerificationRequest
from validator.pki.revocation_lists import RevocationLists
from validator.policy import DEFAULT
from validator.report.decision import Decision, Refused, Undecided, Verified
from validator.workers import pool as pools
from validator.workers import process
from validator.workers.job import Job, Limits
from validator.workers.pool import Pool, PoolClosed

from .conftest import NOW, SENDER, Harness

QUESTION = VerificationRequest(sender=SENDER)


@pytest.fixture
async def pool(harness: Harness) -> AsyncIterator[Pool]:
    measures = Material(harness.trust, harness.revocation, harness.directory)
    limits = Limits(cpu_seconds=1, wall_seconds=30, documents=3)
    pool = Pool(measures, workers=2, limits=limits, hook=misbehave)
    await pool.start()
    yield pool
    await pool.close()


def _process_ids(pool: Pool) -> set[int]:
    """Of the workers alive now."""
    return {worker.process_id for worker in pool._workers}


async def _run(pool: Pool, document: bytes) -> Decision:
    return await pool.run(document, QUESTION, NOW)


async def test_same_answers_as_without_a_pool(pool: Pool, harness: Harness) -> None:
    bad = TAMPERS["one_byte_flipped"].apply(harness.signed)
    answers = await asyncio.gather(*(_run(pool, document) for document in (harness.signed, bad) * 5))
    assert {type(answer) for answer in answers[::2]} == {Verified}
    assert {answer.reason for answer in answers[1::2]} == {Reason.E_SIG_DIGEST}  # type: ignore[union-attr]
    assert answers[0] == harness.judge(harness.signed, now=NOW)


async def test_documents_that_ruin_their_worker(pool: Pool, harness: Harness) -> None:
    answers = await asyncio.gather(*(_run(pool, harness.signed + ending) for ending in (LOOP, CRASH, HUNGRY)))
    for answer in answers:
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.E_PDF_TIMEOUT
    assert answers[0].report.document_bytes == len(harness.signed) + len(LOOP)
    assert len(_process_ids(pool)) == 2
    assert isinstance(await _run(pool, harness.signed), Verified)


async def test_no_answer_in_time_proves_nothing(harness: Harness) -> None:
    measures = Material(harness.trust, harness.revocation, harness.directory)
    pool = Pool(measures, workers=1, limits=Limits(wall_seconds=0.5), hook=misbehave)
    await pool.start()
    before = _process_ids(pool)
    answer = await _run(pool, harness.signed + SLEEP)
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.E_PDF_TIMEOUT
    assert _process_ids(pool) != before
    await pool.close()


async def test_a_worker_that_is_killed_costs_nothing(pool: Pool, harness: Harness, tmp_path: Path) -> None:
    once = harness.signed + b"\n" + CRASH_ONCE + bytes(tmp_path / "marker")
    answer = await _run(pool, once)
    assert answer.reason is Reason.E_PDF_FORMAT  # type: ignore[union-attr]  # looked at: bytes behind the end
    for process_id in _process_ids(pool):
        os.kill(process_id, signal.SIGKILL)
    answers = await asyncio.gather(*(_run(pool, harness.signed) for _ in range(4)))
    assert {type(answer) for answer in answers} == {Verified}


async def test_what_a_document_leaves_behind_takes_no_room_of_the_next(harness: Harness) -> None:
    pool = Pool(Material(harness.trust, harness.revocation, harness.directory), workers=1, hook=misbehave)
    await pool.start()
    fresh = _process_ids(pool)
    assert isinstance(await _run(pool, harness.signed), Verified)
    pool.update(Material(harness.trust, RevocationLists(), harness.directory))
    await _run(pool, harness.signed)
    assert _process_ids(pool) == fresh
    await _run(pool, harness.signed + HOARD)
    assert not _process_ids(pool) & fresh
    await pool.close()


async def test_updates_reach_the_workers(pool: Pool, harness: Harness) -> None:
    assert isinstance(await _run(pool, harness.signed), Verified)
    pool.update(Material(harness.trust, RevocationLists(), harness.directory))
    answers = await asyncio.gather(*(_run(pool, harness.signed) for _ in range(4)))
    assert {answer.reason for answer in answers} == {Reason.E_SIG_REVOCATION_UNKNOWN}  # type: ignore[union-attr]


async def test_a_document_that_is_sent_while_newer_material_is_packed(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker must not take the older material for the newer: it would judge by it until the next change."""
    pool = Pool(Material(harness.trust, harness.revocation, harness.directory), workers=1)
    await pool.start()

    def pack(material: Material) -> bytes:
        answer, worker, _ = pool._decide(pool._idle.get_nowait(), Job(harness.signed, QUESTION, NOW, DEFAULT))
        pool._idle.put_nowait(worker)
        assert isinstance(answer, Verified)
        return pickle.dumps(material)

    monkeypatch.setattr(pools, "pickle", SimpleNamespace(dumps=pack))
    pool.update(Material(harness.trust, RevocationLists(), harness.directory))
    answer = await _run(pool, harness.signed)
    assert answer.reason is Reason.E_SIG_REVOCATION_UNKNOWN  # type: ignore[union-attr]
    await pool.close()


class Deadly:
    """Material that ends whoever takes it, as one that is too large for its memory does."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


async def test_material_that_no_worker_can_take_refuses_nothing(harness: Harness) -> None:
    good = Material(harness.trust, harness.revocation, harness.directory)
    pool = Pool(good, workers=1)
    await pool.start()
    pool._in_use = pool._in_use._replace(packed=pickle.dumps(Deadly()))
    answer = await _run(pool, harness.signed)
    assert isinstance(answer, Undecided)
    assert (answer.reason, answer.report.reason) == (Reason.E_UNAVAILABLE, Reason.E_UNAVAILABLE)
    pool.update(good)
    assert isinstance(await _run(pool, harness.signed), Verified)
    await pool.close()


def test_no_document_is_charged_with_the_time_of_the_one_before(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of its limit would end the worker while it takes the next document, which would be refused."""
    limited: list[tuple[int, int]] = []
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: limited.append((kind, limits[0])))
    monkeypatch.setattr(process, "verify", lambda *_: None)
    material = Material(harness.trust, harness.revocation, harness.directory)
    process._answer(material, Limits(), None, Job(b"", QUESTION, NOW, DEFAULT))
    assert len(limited) == 2
    assert limited[0][1] != hard
    assert limited[1] == (resource.RLIMIT_CPU, hard)


async def test_a_cancelled_call_gives_its_worker_back(pool: Pool, harness: Harness) -> None:
    calls = [asyncio.create_task(_run(pool, harness.signed + LOOP)) for _ in range(2)]
    await asyncio.sleep(0.1)
    for call in calls:
        call.cancel()
    assert isinstance(await _run(pool, harness.signed), Verified)


async def test_closing_decides_nothing(harness: Harness) -> None:
    pool = Pool(Material(harness.trust, harness.revocation, harness.directory), workers=1, hook=misbehave)
    await pool.start()
    call = asyncio.create_task(_run(pool, harness.signed + SLEEP))
    await asyncio.sleep(0.2)
    await pool.close()
    with pytest.raises(PoolClosed):
        await call
