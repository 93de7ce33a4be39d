"""Collection ``answers``: all answers to the senders of packages."""

from typing import Protocol

from common.database import Collection, Database, insert_once
from router.compose import ANSWER, Answer
from router.store.queries import below, find_all


class Answers(Protocol):
    """The saved answers. All methods raise ``Outage`` while the database is unavailable."""

    async def of_package(self, package_id: str) -> list[Answer]:
        """All answers about a package."""

    async def save(self, answer: Answer) -> Answer:
        """Save an answer. Returns the one that was saved first."""


class MongoAnswers:
    """``Answers`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._answers: Collection = database.collection("answers")

    async def of_package(self, package_id: str) -> list[Answer]:
        """All answers about a package."""
        return [ANSWER.validate_python(row) for row in await find_all(self._answers, below(package_id))]

    async def save(self, answer: Answer) -> Answer:
        """Save an answer. Returns the one that was saved first."""
        row = {"_id": answer.id, **ANSWER.dump_python(answer, mode="json")}
        return ANSWER.validate_python(await insert_once(self._answers, row))
