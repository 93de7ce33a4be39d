"""The facts about whole documents in every order of arrival: the end is the same.

A history is what units submit about a document, in the order of submission. The router gets it once in that order,
then in others, with duplicates. What it cannot decide yet comes again later, as from the broker. Nobody reports on a
document before the router has given it to him; all else may arrive in any order.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.domain.ids import event_id
from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import BaseFact
from common.failure import Transient
from router.actions import Decision, OfferVersion
from router.acts import Act
from router.compose import Answer
from router.delivery_history import position_of
from router.delivery_state import EventKind, Position
from router.placing import Placing, PlacingState
from router.settings import RouterSettings
from router.store.rows import DocumentRecord

from .conftest import INLINE_LIMIT_BYTES, SENDER, A, B, C, RememberedObjects, World, memory_store

HISTORIES, ARRIVALS, LONGEST = 40, 5, 8
REPORTS = [code for code in StatusCode if code is not StatusCode.TAKE_BACK]
PROGRESS = [code for code in REPORTS if code not in (StatusCode.AGREED, StatusCode.DECLINED)]
"""Reports of a unit that an update adds: where a recall overtakes the update, it never has anything to answer."""


@dataclass(frozen=True)
class Submission:
    """One package, as the router learns of it."""

    name: str
    fact: BaseFact
    after: BaseFact | None = None
    """The fact by which its author got the document."""


@dataclass
class History:
    """A history that is being written, in the order of submission."""

    world: World
    draw: random.Random
    submissions: list[Submission] = field(default_factory=list)
    given_by: dict[str, BaseFact] = field(default_factory=dict)
    """By unit: the fact that gave it the document."""

    async def write(self, length: int) -> None:
        await self._document()
        acts: Sequence[Callable[[], Awaitable[None]]] = (
            self._update,
            self._change_of_receivers,
            self._recall,
            self._take_back,
            self._replacement,
            *[self._report] * 4,
        )
        for _ in range(length - 1):
            await self.draw.choice(acts)()

    async def answers(self) -> Sequence[Submission]:
        """In the end every unit agrees to what it has not answered yet."""
        return [
            Submission(f"15 by {unit}", await self.world.notice(self.world.status(StatusCode.AGREED, by=unit)), order)
            for unit, order in self.given_by.items()
        ]

    async def _document(self) -> None:
        fact = await self.world.verified(self.world.letter(to=(A, B)))
        self._add("document", fact, gives=(A, B))

    async def _update(self) -> None:
        added = (C,) if self.draw.random() < 0.3 else ()
        update = self.world.update("doc", added=added, name=self._name("update"))
        self._add("update", await self.world.verified(update), gives=added)

    async def _change_of_receivers(self) -> None:
        added, removed = self.draw.choice([((C,), ()), ((), (B,)), ((C,), (B,))])
        update = self.world.update("doc", (A,), added, removed, self._name("receivers"), files=0)
        self._add(f"add {added} remove {removed}", await self.world.notice(update), gives=added)

    async def _recall(self) -> None:
        units = self.draw.choice([(A, B), (A,), tuple(self.given_by)])
        recall = self.world.recall("doc", units, self._name("recall"))
        self._add(f"recall from {units}", await self.world.notice(recall))

    async def _take_back(self) -> None:
        unit = self.draw.choice(list(self.given_by))
        self._add(f"take back from {unit}", await self.world.notice(self.world.take_back(unit)))

    async def _replacement(self) -> None:
        units = self.draw.choice([(A, B), ()])
        replacement = self.world.replacement("doc", units=units, name=self._name("replacement"))
        self._add("replacement", await self.world.verified(replacement))

    async def _report(self) -> None:
        unit = self.draw.choice(list(self.given_by))
        code = self.draw.choice(PROGRESS if unit == C else REPORTS)
        fact = await self.world.notice(self.world.status(code, by=unit))
        self._add(f"{code} by {unit}", fact, after=self.given_by[unit])

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self.submissions)}"

    def _add(self, name: str, fact: BaseFact, gives: Sequence[str] = (), after: BaseFact | None = None) -> None:
        self.submissions.append(Submission(name, fact, after))
        for unit in gives:
            self.given_by.setdefault(unit, fact)


def empty_world(objects: RememberedObjects) -> World:
    world = World(memory_store(), objects, RouterSettings(inline_limit_bytes=INLINE_LIMIT_BYTES))
    world.run = "p"
    return world


async def end_of(
    objects: RememberedObjects, arriving: Sequence[Submission], answers: Sequence[Submission]
) -> Mapping[str, Any]:
    """What everybody ends with after facts arrived in an order, and then the answers."""
    world, decided = empty_world(objects), set[str]()
    undecided = [*await arrive(world, arriving, decided), *await arrive(world, answers, decided)]
    rows: Mapping[tuple[str, str], Any] = world.store.deliveries.rows  # type: ignore[attr-defined]
    return {
        "undecided": {submission.name for submission in undecided},
        "positions": {at: without_numbers(world, at[0], position_of(history)) for at, history in rows.items()},
        "inboxes": {unit: names_in(world, unit) for unit in (A, B, C, SENDER)},
        "passing order": passing_order(world),
    }


def without_numbers(world: World, key: str, position: Position) -> Sequence[Any]:
    """A position with its versions by package: their numbers follow the order of arrival."""
    documents: Mapping[str, DocumentRecord] = world.store.documents.rows  # type: ignore[attr-defined]
    packages = [None, *(version.package_id for version in documents[key].versions)]
    content, offered = packages[position.content_version or 0], packages[position.offered_version or 0]
    return position.state, position.previous, content, offered, position.early


async def arrive(world: World, arriving: Sequence[Submission], decided: set[str]) -> list[Submission]:
    """Facts arrive; those that cannot be decided come again as long as others can. Returns what is left."""
    queue, put_back = list(arriving), 0
    while queue and put_back < len(queue):
        submission = queue.pop(0)
        if await is_decided(world, submission, decided):
            decided.add(submission.fact.event_id)
            put_back = 0
        else:
            queue.append(submission)
            put_back += 1
    return queue


async def is_decided(world: World, submission: Submission, decided: set[str]) -> bool:
    if submission.after and submission.after.event_id not in decided:
        return False
    try:
        await world.take(submission.fact)
    except Transient:
        return False
    return True


def names_in(world: World, unit: str) -> set[str]:
    return {sent.headers["x-event-id"] for sent in world.sender.inbox(unit)}


def passing_order(world: World) -> set[str]:
    """Messages that there are in some orders only.

    A unit does not get content while the document is being taken back from it, and no recall of a document that it
    does not have; the author is told so. A version that arrives after a later one was shared is given late.
    """
    placings: Mapping[str, Placing] = world.store.placings.rows  # type: ignore[attr-defined]
    answers: Mapping[str, Answer] = world.store.answers.rows  # type: ignore[attr-defined]
    refusals = [each for each in answers.values() if each.reason in (Reason.E_RECALLED, Reason.E_STATUS_FORBIDDEN)]
    not_placed = {
        placing.id for placing in placings.values() if placing.state in (PlacingState.HELD, PlacingState.WITHDRAWN)
    }
    steps = [*(f"placed/{unit}" for unit in (A, B, C)), "forwarded"]
    refused = {event_id(answer.package_id, step) for answer in refusals for step in steps}
    return not_placed | refused | late_versions(world) | {answer.event_id for answer in refusals}


def late_versions(world: World) -> set[str]:
    acts: Mapping[str, Act] = world.store.acts.rows  # type: ignore[attr-defined]
    decisions: Mapping[str, Decision] = world.store.decisions.rows  # type: ignore[attr-defined]
    shared_with = {act.receiver for act in acts.values() if act.event.kind is EventKind.DELIVER}
    return {
        event_id(decision.package_id, f"placed/{order.receiver}")
        for decision in decisions.values()
        for order in decision.orders
        if isinstance(order, OfferVersion) and order.receiver in shared_with
    }


def differing(first: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where two ends differ, apart from messages that report the order of arrival."""
    passing = first["passing order"] | other["passing order"]
    inboxes = {
        unit: difference
        for unit, names in first["inboxes"].items()
        if (difference := (names ^ other["inboxes"][unit]) - passing)
    }
    rest = {name: (first[name], other[name]) for name in ("undecided", "positions") if first[name] != other[name]}
    return rest | inboxes


async def test_whole_documents_end_alike_in_whatever_order_their_facts_arrive() -> None:
    draw = random.Random(20261128)
    ends = Counter[Any]()
    for number in range(HISTORIES):
        objects = RememberedObjects()
        history = History(empty_world(objects), draw)
        await history.write(draw.randint(2, LONGEST))
        answers = await history.answers()
        expected = await end_of(objects, history.submissions, answers)
        ends.update(position[0] for position in expected["positions"].values())
        for _ in range(ARRIVALS):
            arriving = [*history.submissions, draw.choice(history.submissions)]
            draw.shuffle(arriving)
            end = await end_of(objects, arriving, answers)
            names = [[each.name for each in order] for order in (history.submissions, arriving)]
            assert not (difference := differing(expected, end)), f"history {number}, {names}: {difference}"
    print(ends)
