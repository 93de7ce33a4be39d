"""What the demo sends: the acts in their order, each with what must come of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count, zip_longest
from typing import Any

from common.domain.names import DocumentId, StatusCode, UnitCode
from common.domain.reason import Reason
from demo import making
from demo.acts import Act, delivered, refused
from demo.cases import Expected, Kind
from demo.making import Making, Workshop
from demo.wrong_on_purpose import SPOILT, TAMPERED, WRONGLY_SIGNED
from mint.city import CLOSED, SUCCESSOR, City
from mint.tamper import TAMPERS
from mint.wrong import WRONGS

UNKNOWN: UnitCode = "H29.999.99"
"""Not in the directory."""

SEEN = (StatusCode.ARRIVED,)
TAKEN = (StatusCode.ARRIVED, StatusCode.ACCEPTED)
DONE = (*TAKEN, StatusCode.ASSIGNED, StatusCode.PROCESSING, StatusCode.DONE)
RETURNED = (StatusCode.ARRIVED, StatusCode.REFUSED)
AGREED = (StatusCode.AGREED,)

LETTERS = 10
BURST_LETTERS = 40
BURST_SENDERS = 5
URGENT_LETTERS = 6
SCANS = 4


@dataclass(slots=True)
class Script:
    """Writes the acts of one run over one city."""

    city: City
    run: str
    """Makes every DocumentId of this run its own."""
    _shop: Workshop = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _id_of: dict[str, DocumentId] = field(default_factory=dict)
    """DocumentIds to which sequels refer, by the name of the act."""

    def acts(self) -> list[Act]:
        """All of them: good and bad mixed as they come, then what refers to earlier ones."""
        good = [*self._letters(), *self._scans(), *self._special(), *self._burst()]
        bad = [*self._refused_by_intake(), *self._refused_by_validator()]
        return [*_mixed(good, bad), *self._sequels()]

    def __post_init__(self) -> None:
        self._shop = Workshop(self.city)

    def _letters(self) -> Iterator[Act]:
        for number in range(LETTERS):
            sender, to = self._sender(number), self._receivers(number, 1 + number % 3)
            document_id = self._new_id(sender)
            make = partial(self._shop.letter, sender, to, document_id)
            answers = (TAKEN, SEEN, DONE, TAKEN, RETURNED)[number % 5]
            yield delivered(f"letter {number}", "letter", sender, to, document_id, make, answers)

    def _burst(self) -> Iterator[Act]:
        """Many at one moment, the urgent ones last: they must not wait for all the others."""
        for number in range(BURST_LETTERS + URGENT_LETTERS):
            urgent = number >= BURST_LETTERS
            sender, to = self._sender(number % BURST_SENDERS), (self._sender(BURST_SENDERS + number % 6),)
            document_id = self._new_id(sender)
            make = partial(self._shop.quick_letter, sender, to, document_id, **(making.URGENT if urgent else {}))
            title = "urgent letter in a burst" if urgent else "letter in a burst"
            act = delivered(f"burst {number}", title, sender, to, document_id, make, TAKEN if urgent else SEEN)
            yield replace(act, urgent=urgent, burst=True)

    def _scans(self) -> Iterator[Act]:
        for number in range(SCANS):
            sender, to = self._sender(number + 5), self._receivers(number + 5, 1)
            document_id = self._new_id(sender)
            make = partial(self._shop.scan, sender, to, document_id)
            yield delivered(f"scan {number}", "scan, certified copy", sender, to, document_id, make, TAKEN)

    def _special(self) -> Iterator[Act]:
        sender = self._sender(0)
        everybody = tuple(code for code in self.city.codes if code != sender)
        document_id = self._new_id(sender)
        make = partial(self._shop.letter, sender, everybody, document_id)
        yield delivered("all", f"letter to all {len(everybody)} units", sender, everybody, document_id, make, SEEN)
        yield self._special_letter("annex", "letter with an annex", 1, making.ANNEX)
        yield self._special_letter("to be recalled", "letter, recalled later", 2, {})
        yield self._special_letter("sent twice", "letter, sent twice", 3, {})
        yield self._special_letter("conflicted", "letter, its id used again", 4, {})
        yield self._large()
        yield self._turned("receiver unknown", UNKNOWN, Reason.E_TO_UNKNOWN)
        yield self._turned("receiver closed", CLOSED, Reason.E_TO_SUCCEEDED, SUCCESSOR)

    def _special_letter(self, name: str, title: str, number: int, options: dict[str, Any]) -> Act:
        sender, to = self._sender(number), self._receivers(number, 1)
        document_id = self._id_of[name] = self._new_id(sender)
        make = partial(self._shop.letter, sender, to, document_id, **options)
        return delivered(name, title, sender, to, document_id, make, TAKEN)

    def _large(self) -> Act:
        sender, to = self._sender(6), self._receivers(6, 2)
        document_id = self._new_id(sender)
        make = partial(self._shop.large_letter, sender, to, document_id)
        return delivered("large", "large letter, by reference", sender, to, document_id, make, TAKEN)

    def _turned(self, title: str, receiver: UnitCode, reason: Reason, *instead: UnitCode) -> Act:
        sender, reached = self._sender(7), self._receivers(7, 1)
        document_id = self._new_id(sender)
        to = (*reached, receiver)
        return Act(
            name=title,
            title=f"letter, one {title}",
            sender=sender,
            receivers=to,
            document_id=document_id,
            make=partial(self._shop.letter, sender, to, document_id),
            expected=Expected(placed=frozenset((*reached, *instead)), turned=frozenset({(receiver, reason)})),
            answers=TAKEN,
        )

    def _refused_by_intake(self) -> Iterator[Act]:
        for title, how, reason in SPOILT:
            yield self._bad(title, reason, partial(self._shop.spoilt, how))
        later: dict[str, Any] = {"promulgation_date": making.today() + timedelta(days=30)}
        yield self._bad("date in the future", Reason.E_DATE, partial(self._shop.letter, **later))
        yield self._bad("a program attached", Reason.E_ATT_TYPE, partial(self._shop.letter, **making.PROGRAM))
        yield self._bad("nothing attached", Reason.E_ATT_NONE, self._shop.nothing_attached)
        yield self._receiver_named_twice()
        yield self._impersonation()
        yield self._foreign_upload()

    def _refused_by_validator(self) -> Iterator[Act]:
        for how in TAMPERED:
            title = how.replace("_", " ")
            yield self._bad(title, TAMPERS[how].reason, partial(self._shop.tampered, how))
        for how in WRONGLY_SIGNED:
            title = how.replace("_", " ")
            yield self._bad(title, WRONGS[how].reason, partial(self._shop.wrongly_signed, how))

    def _bad(self, title: str, reason: Reason, make: Making) -> Act:
        number = next(self._numbers)
        sender, to = self._sender(number), self._receivers(number, 1)
        document_id = self._new_id(sender)
        return refused(title, sender, to, document_id, partial(make, sender, to, document_id), reason)

    def _receiver_named_twice(self) -> Act:
        sender, to = self._sender(1), self._receivers(1, 1) * 2
        document_id = self._new_id(sender)
        make = partial(self._shop.letter, sender, to, document_id)
        return refused("receiver named twice", sender, to, document_id, make, Reason.E_TO)

    def _impersonation(self) -> Act:
        impostor, named = self._sender(2), self._sender(3)
        to = self._receivers(3, 1)
        document_id = self._new_id(named)
        make = partial(self._shop.letter, named, to, document_id)
        return refused("under another unit's name", impostor, to, document_id, make, Reason.E_FROM)

    def _foreign_upload(self) -> Act:
        sender, to = self._sender(4), self._receivers(4, 1)
        document_id = self._new_id(sender)
        make = partial(self._shop.letter, sender, to, document_id)
        act = refused("another unit's upload", sender, to, document_id, make, Reason.E_REFERENCE)
        return replace(act, foreign_upload=True)

    def _sequels(self) -> Iterator[Act]:
        """What comes after others: the same bytes again, the same id with other bytes, recalls."""
        yield self._repeat()
        yield self._conflict()
        yield self._recall()
        yield self._foreign_recall()

    def _repeat(self) -> Act:
        sender, to = self._sender(3), self._receivers(3, 1)
        return Act(
            name="again",
            title="the same bytes again",
            kind=Kind.REPEAT,
            sender=sender,
            receivers=to,
            document_id=self._id_of["sent twice"],
            make=bytes,
            expected=Expected(),
            after="sent twice",
            repeats="sent twice",
        )

    def _conflict(self) -> Act:
        sender, to = self._sender(4), self._receivers(4, 1)
        document_id = self._id_of["conflicted"]
        make = partial(self._shop.letter, sender, to, document_id, subject="V/v nội dung khác")
        act = refused("the same id, other bytes", sender, to, document_id, make, Reason.E_DUP)
        return replace(act, after="conflicted")

    def _recall(self) -> Act:
        sender, to = self._sender(2), self._receivers(2, 1)
        target = self._id_of["to be recalled"]
        return Act(
            name="recall",
            title="recall",
            kind=Kind.RECALL,
            sender=sender,
            receivers=to,
            document_id=target,
            make=partial(self._shop.recall, sender, to, self._new_id(sender), target),
            expected=Expected(placed=frozenset(to)),
            answers=AGREED,
            after="to be recalled",
        )

    def _foreign_recall(self) -> Act:
        sender, to = self._sender(8), self._receivers(8, 1)
        foreign = self._new_id(self._sender(9))
        make = partial(self._shop.recall, sender, to, self._new_id(sender), foreign)
        act = refused("recall of another unit's document", sender, to, foreign, make, Reason.E_REFDOC)
        return replace(act, kind=Kind.RECALL)

    def _sender(self, number: int) -> UnitCode:
        return self.city.codes[number % len(self.city.codes)]

    def _receivers(self, number: int, how_many: int) -> tuple[UnitCode, ...]:
        """The units after the sender of that number, around the circle."""
        return tuple(self._sender(number + step) for step in range(1, how_many + 1))

    def _new_id(self, unit: UnitCode) -> DocumentId:
        return f"{unit},{making.today():%Y/%m/%d},{next(self._numbers)}/{self.run}"


def _mixed(good: list[Act], bad: list[Act]) -> Iterator[Act]:
    """Both kinds in turn, until the longer one is left."""
    for pair in zip_longest(good, bad):
        yield from (act for act in pair if act)
