"""Worker processes: whatever a document does to its worker, the pool goes on."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.domain.reason import Reason
from mint.misbehave import CRASH, CRASH_ONCE, HUNGRY, LOOP, SLEEP, misbehave
from mint.tamper import TAMPERS
from validator.pki.crl import Revocation
from validator.report.model import Decision, Refused, Undecided, Verified
from validator.verify import Question
from validator.workers.pool import Limits, Measures, Pool, PoolClosed

from .conftest import NOW, SENDER, Court

QUESTION = Question(sender=SENDER)


@pytest.fixture
async def pool(court: Court) -> AsyncIterator[Pool]:
    measures = Measures(court.trust, court.revocation, court.directory)
    limits = Limits(cpu_seconds=1, wall_seconds=30, documents=3)
    made = Pool(measures, workers=2, limits=limits, hook=misbehave)
    await made.start()
    yield made
    await made.close()


async def _run(pool: Pool, document: bytes) -> Decision:
    return await pool.run(document, QUESTION, NOW)


async def test_same_answers_as_without_a_pool(pool: Pool, court: Court) -> None:
    bad = TAMPERS["one_byte_flipped"].apply(court.signed)
    answers = await asyncio.gather(*(_run(pool, document) for document in (court.signed, bad) * 5))
    assert {type(answer) for answer in answers[::2]} == {Verified}
    assert {answer.reason for answer in answers[1::2]} == {Reason.E_SIG_DIGEST}  # type: ignore[union-attr]
    assert answers[0] == court.judge(court.signed, now=NOW)


async def test_documents_that_ruin_their_worker(pool: Pool, court: Court) -> None:
    answers = await asyncio.gather(*(_run(pool, court.signed + ending) for ending in (LOOP, CRASH, HUNGRY)))
    for answer in answers:
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.E_PDF_TIMEOUT
    assert answers[0].report.document_bytes == len(court.signed) + len(LOOP)
    assert len(pool.process_ids) == 2
    assert isinstance(await _run(pool, court.signed), Verified)


async def test_no_answer_in_time_proves_nothing(court: Court) -> None:
    measures = Measures(court.trust, court.revocation, court.directory)
    pool = Pool(measures, workers=1, limits=Limits(wall_seconds=0.5), hook=misbehave)
    await pool.start()
    before = pool.process_ids
    answer = await _run(pool, court.signed + SLEEP)
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.E_PDF_TIMEOUT
    assert pool.process_ids != before
    await pool.close()


async def test_a_worker_that_is_killed_costs_nothing(pool: Pool, court: Court, tmp_path: Path) -> None:
    once = court.signed + b"\n" + CRASH_ONCE + bytes(tmp_path / "marker")
    answer = await _run(pool, once)
    assert answer.reason is Reason.E_PDF_FORMAT  # type: ignore[union-attr]  # looked at: bytes behind the end
    for process_id in pool.process_ids:
        os.kill(process_id, signal.SIGKILL)
    answers = await asyncio.gather(*(_run(pool, court.signed) for _ in range(4)))
    assert {type(answer) for answer in answers} == {Verified}


async def test_updates_reach_the_workers(pool: Pool, court: Court) -> None:
    assert isinstance(await _run(pool, court.signed), Verified)
    pool.update(Measures(court.trust, Revocation(), court.directory))
    answers = await asyncio.gather(*(_run(pool, court.signed) for _ in range(4)))
    assert {answer.reason for answer in answers} == {Reason.E_SIG_REVOCATION_UNKNOWN}  # type: ignore[union-attr]


async def test_a_cancelled_call_gives_its_worker_back(pool: Pool, court: Court) -> None:
    calls = [asyncio.create_task(_run(pool, court.signed + LOOP)) for _ in range(2)]
    await asyncio.sleep(0.1)
    for call in calls:
        call.cancel()
    assert isinstance(await _run(pool, court.signed), Verified)


async def test_closing_decides_nothing(court: Court) -> None:
    pool = Pool(Measures(court.trust, court.revocation, court.directory), workers=1, hook=misbehave)
    await pool.start()
    call = asyncio.create_task(_run(pool, court.signed + SLEEP))
    await asyncio.sleep(0.2)
    await pool.close()
    with pytest.raises(PoolClosed):
        await call
