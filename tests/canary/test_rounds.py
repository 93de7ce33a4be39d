"""What a round counts, with a courier that only says how it ended."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canary import courier, metrics
from canary.names import RECEIVER, SENDER, Outcome, Step
from canary.round import Round
from canary.rounds import Rounds
from canary.settings import CanarySettings

from .conftest import Keys

URLS = {"canary_sender_amqp_url": "amqp://CANARY.1:x@broker/trunk", "canary_receiver_amqp_url": "amqp://CANARY.2:x@b/t"}
LAST = "trunk_canary_last_success_timestamp_seconds"


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def ending(outcome: Outcome, seen: list[Round]) -> Callable[..., Any]:
    async def carry(_: object, current: Round, *__: object) -> tuple[Round, Outcome]:
        seen.append(current)
        return replace(current, done={Step.CONFIRMED: 0.5}), outcome

    return carry


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_round_is_counted_once_by_its_outcome(
    outcome: Outcome, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "carry", ending(outcome, []))
    before, last = value("trunk_canary_attempts_total", outcome=outcome), value(LAST)
    steps = value("trunk_canary_step_seconds_count", step="confirmed")
    assert await Rounds(CanarySettings(canary_keys_dir=keys.folder, **URLS)).once() is outcome
    assert value("trunk_canary_attempts_total", outcome=outcome) == before + 1
    assert value("trunk_canary_step_seconds_count", step="confirmed") == steps + 1
    assert (value(LAST) > last) is (outcome is Outcome.SUCCESS)


async def test_no_letter_is_sent_twice(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Round] = []
    monkeypatch.setattr(courier, "carry", ending(Outcome.SUCCESS, seen))
    rounds = Rounds(CanarySettings(canary_keys_dir=keys.folder, **URLS))
    for _ in range(3):
        await rounds.once()
    assert len({each.letter.package_id for each in seen}) == 3
    assert {(each.letter.sender, each.answer.sender) for each in seen} == {(SENDER, RECEIVER)}


async def test_without_keys_no_letter_is_sent_and_it_says_why(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Round] = []
    monkeypatch.setattr(courier, "carry", ending(Outcome.SUCCESS, seen))
    rounds = Rounds(CanarySettings(canary_keys_dir=tmp_path, **URLS))
    assert await rounds.once() is Outcome.NO_KEY
    assert (seen, "signer.pem" in rounds.problem) == ([], True)
    assert value("trunk_canary_certificate_not_after_timestamp_seconds", role="unit") == 0.0
    for file in keys.folder.iterdir():  # the operator mends it: no restart is needed
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert await rounds.once() is Outcome.SUCCESS
    assert rounds.problem == ""
    end = value("trunk_canary_certificate_not_after_timestamp_seconds", role="unit")
    assert end == keys.unit.certificate.not_valid_after_utc.timestamp()


def test_every_series_is_there_before_its_first_event() -> None:
    metrics.begin_counting()
    names = [f"trunk_canary_attempts_total{each.value}" for each in Outcome]
    series = {
        f"{sample.name}{sample.labels.get('outcome', '')}"
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
    }
    assert set(names) <= series
