"""Collection ``answers``: everything that the senders of packages were answered."""

from typing import Protocol

from common.database import Collection, Database, insert_once
from router.compose import ANSWER, Answer
from router.store.queries import below, find_all


class Answers(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def of_package(self, package_id: str) -> list[Answer]:
        """Everything the sender of a package was answered."""

    async def save(self, answer: Answer) -> Answer:
        """Keep an answer; returns the one that was there first."""


class MongoAnswers:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._answers: Collection = database.collection("answers")

    async def of_package(self, package_id: str) -> list[Answer]:
        """Everything the sender of a package was answered."""
        return [ANSWER.validate_python(row) for row in await find_all(self._answers, below(package_id))]

    async def save(self, answer: Answer) -> Answer:
        """Keep an answer; returns the one that was there first."""
        row = {"_id": answer.id, **ANSWER.dump_python(answer, mode="json")}
        return ANSWER.validate_python(await insert_once(self._answers, row))
