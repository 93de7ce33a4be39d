"""Repeats rounds: signs a letter, runs the round, records its outcome in metrics and log, and pauses."""

import asyncio
import secrets
import time
from datetime import UTC, datetime

import structlog

from canary import courier, letter, metrics, paper, signing
from canary.names import RECEIVER, SENDER, Outcome
from canary.round import Package, Round, pause_seconds
from canary.settings import CanarySettings

log = structlog.get_logger()


class Rounds:
    """Runs rounds; ``problem`` says why letters cannot be made."""

    def __init__(self, settings: CanarySettings) -> None:
        self._settings = settings
        self._urls = {
            SENDER: settings.canary_sender_amqp_url.get_secret_value(),
            RECEIVER: settings.canary_receiver_amqp_url.get_secret_value(),
        }
        self.problem = "no round has begun yet"
        """Empty if letters can be made."""

    async def run(self) -> None:
        """Never returns. An unexpected error ends one round, not the process."""
        while True:
            began = time.monotonic()
            try:
                outcome = await self.once()
            except Exception:
                log.exception("the round failed")
                metrics.record_round(Outcome.FAULT, {}, datetime.now(UTC))
            else:
                log.info("round ended", outcome=outcome)
            await asyncio.sleep(pause_seconds(began, time.monotonic(), self._settings.canary_seconds))

    async def once(self) -> Outcome:
        """Runs one round, and counts its outcome."""
        metrics.set_not_after(signing.not_after(self._settings.canary_keys_dir))
        try:
            current = await self._new_round(datetime.now(UTC))
        except signing.NoKey as error:
            self.problem = str(error)
            log.warning("no letter can be signed", error=str(error))
            metrics.record_round(Outcome.NO_KEY, {}, datetime.now(UTC))
            return Outcome.NO_KEY
        self.problem = ""
        patience = self._settings.canary_patience_seconds
        ended, outcome = await courier.carry(self._urls, current, patience, metrics.record_leftover)
        metrics.record_round(outcome, ended.done, datetime.now(UTC))
        if outcome is not Outcome.SUCCESS:
            log.warning(
                "the letter did not come through",
                outcome=outcome,
                package_id=current.letter.package_id,
                answer_package_id=current.answer.package_id,
                reason=ended.reason,
                done={str(step): round(seconds, 3) for step, seconds in ended.done.items()},
            )
        return outcome

    async def _new_round(self, now: datetime) -> Round:
        """Signs a letter that was never sent before. Raises ``signing.NoKey``."""
        number = secrets.token_hex(8)
        lines = ("THU DO DUONG CUA TRUC LIEN THONG", f"So: {number}/{letter.NOTATION}", f"{now:%Y-%m-%d %H:%M:%S} UTC")
        identities = signing.read_identities(self._settings.canary_keys_dir)
        pdf = await signing.sign(paper.page(lines), identities, now)
        return Round(
            letter=Package(SENDER, letter.letter(number, now, pdf)),
            answer=Package(RECEIVER, letter.status(number, now)),
        )
