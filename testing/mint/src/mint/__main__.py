"""``python -m mint``: a demo city, its signatures, and edXML packages with a manifest, for those who test from outside.

``city`` writes the city's keys to ``city/``, and what a trunk is given of it to ``directory.json`` and ``trust/``.
``manifest.json`` is a list of ``{file, sender, receivers, turned, document_id, urgent, sha256, expected}``: ``sender``
is the unit that has to submit the file, ``receivers`` those who get it, ``turned`` the reason for each named receiver
who does not, and ``expected`` is ``delivered`` or the reason for which the whole package is refused.
"""

import argparse
import itertools
import json
import random
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from common.domain.names import Priority, UnitCode
from common.domain.reason import Reason
from mint import keep, packages, paper, sign_file
from mint.canary import write_canary
from mint.city import CLOSED, SUCCESSOR, City, build_city
from mint.tamper import TAMPERS
from mint.wrong import WRONGS

VIETNAM = timezone(timedelta(hours=7))
DELIVERED = "delivered"
AGE = timedelta(hours=1)
"""How long ago the documents were signed."""
LETTERS_PER_UNIT = 2
URGENT_SHARE, SEVERAL_SHARE, CLOSED_SHARE = 0.2, 0.3, 0.05


@dataclass(frozen=True, slots=True)
class Draft:
    """What a package is to say."""

    sender: UnitCode
    receivers: tuple[UnitCode, ...]
    document_id: str
    number: str
    priority: Priority
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the manifest."""

    file: str
    sender: UnitCode
    receivers: tuple[UnitCode, ...]
    turned: dict[UnitCode, Reason] = field(default_factory=dict)
    document_id: str
    urgent: bool
    sha256: str
    expected: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Where drafts become packages."""

    city: City
    at: datetime
    """Time of the first signature."""
    _letters: dict[tuple[UnitCode, int], bytes] = field(default_factory=dict)

    def letter(self, draft: Draft) -> bytes:
        """A letter that the sender's head and the sender signed; a unit has few of them, since signing takes time."""
        which = (draft.sender, zlib.crc32(draft.number.encode()) % LETTERS_PER_UNIT)
        if which not in self._letters:
            self._letters[which] = self.city.signed(draft.sender, _paper(draft), self.at)
        return self._letters[which]

    def package(self, draft: Draft, pdf: bytes) -> bytes:
        """The bytes to submit."""
        return packages.letter(
            draft.sender,
            draft.receivers,
            draft.document_id,
            pdf,
            number=draft.number,
            notation="VP",
            subject=f"V/v thử nghiệm số {draft.number}",
            promulgation_date=draft.on,
            priority=draft.priority,
            names=self.city.names,
        )


Making = Callable[[Desk, Draft], bytes]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A way for a whole package to be refused."""

    reason: Reason
    make: Making


def valid(desk: Desk, draft: Draft) -> bytes:
    """As it should be."""
    return desk.package(draft, desk.letter(draft))


def _tampered(name: str) -> Mistake:
    tamper = TAMPERS[name]
    return Mistake(tamper.reason, lambda desk, draft: desk.package(draft, tamper.apply(desk.letter(draft))))


def _wrongly_signed(name: str) -> Mistake:
    wrong = WRONGS[name]
    return Mistake(
        wrong.reason,
        lambda desk, draft: desk.package(draft, wrong.make(desk.city, draft.sender, _paper(draft), desk.at)),
    )


def _cut_off(desk: Desk, draft: Draft) -> bytes:
    return valid(desk, draft)[:-200]


def _not_xml(desk: Desk, draft: Draft) -> bytes:
    return f"{draft.document_id} {desk.at}\n".encode() * 100


def _in_the_name_of_another(desk: Desk, draft: Draft) -> bytes:
    other = next(code for code in desk.city.codes if code not in (draft.sender, *draft.receivers))
    return valid(desk, replace(draft, sender=other))


def _from_the_future(desk: Desk, draft: Draft) -> bytes:
    return valid(desk, replace(draft, on=draft.on + timedelta(days=10)))


MISTAKES: Sequence[Mistake] = (
    _wrongly_signed("unit_missing"),
    Mistake(Reason.E_XML, _not_xml),
    _tampered("one_byte_flipped"),
    Mistake(Reason.E_FROM, _in_the_name_of_another),
    _wrongly_signed("signer_missing"),
    _tampered("page_changed"),
    Mistake(Reason.E_XML, _cut_off),
    _wrongly_signed("unit_before_signer"),
    _wrongly_signed("seal_of_another_unit"),
    Mistake(Reason.E_DATE, _from_the_future),
    _wrongly_signed("unregistered_signer"),
    _tampered("unit_signature_cut_off"),
)
"""Taken in turn."""


def make(city: City, folder: Path, count: int, wrong: int, seed: int) -> list[Entry]:
    """Write packages and manifest. ``seed`` settles who writes to whom; DocumentIds are new at every call."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).replace(microsecond=0)
    desk, dice, run = Desk(city, now - AGE), random.Random(seed), secrets.token_hex(4)
    places = set(dice.sample(range(count + wrong), wrong))
    mistakes = itertools.cycle(MISTAKES)
    entries = []
    for n in range(count + wrong):
        draft = _draft(city, dice, f"{run}-{n + 1}", now.astimezone(VIETNAM).date())
        entries.append(_written(folder, desk, draft, next(mistakes) if n in places else None))
    manifest = json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, indent=1)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    return entries


def _draft(city: City, dice: random.Random, number: str, on: date) -> Draft:
    several = dice.random() < SEVERAL_SHARE
    sender, *receivers = dice.sample(city.codes, dice.randint(3, 5) if several else 2)
    if dice.random() < CLOSED_SHARE:
        receivers.append(CLOSED)
    priority = dice.choice(list(Priority)[1:]) if dice.random() < URGENT_SHARE else Priority.NORMAL
    return Draft(sender, tuple(receivers), f"{sender},{on:%Y/%m/%d},{number}/VP", number, priority, on)


def _written(folder: Path, desk: Desk, draft: Draft, mistake: Mistake | None) -> Entry:
    package = (mistake.make if mistake else valid)(desk, draft)
    file = folder / f"{draft.number}.edxml"
    file.write_bytes(package)
    has_successor = draft.sender != SUCCESSOR
    reason = Reason.E_TO_SUCCEEDED if has_successor else Reason.E_TO_CLOSED
    closed = {code: reason for code in draft.receivers if code == CLOSED}
    reached = [SUCCESSOR if code == CLOSED else code for code in draft.receivers if has_successor or code != CLOSED]
    return Entry(
        file=file.name,
        sender=draft.sender,
        receivers=() if mistake else tuple(dict.fromkeys(reached)),
        turned={} if mistake else closed,
        document_id=draft.document_id,
        urgent=draft.priority > Priority.NORMAL,
        sha256=sha256(package).hexdigest(),
        expected=mistake.reason if mistake else DELIVERED,
    )


def _paper(draft: Draft) -> bytes:
    return paper.letter(f"V/v thu nghiem so {draft.number}", number=f"{draft.number}/VP")


def make_city(folder: Path) -> City:
    """Make a city of today and write it."""
    city = build_city(datetime.now(UTC).replace(microsecond=0))
    keep.save(city, folder / "city")
    city.write_directory(folder / "directory.json")
    city.write_trust(folder / "trust")
    return city


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m mint", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("packages", help="signed letters in edXML packages, and a manifest")
    command.add_argument("--city", type=Path, required=True, help="folder of the kept demo city")
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.add_argument("--count", type=int, default=10, help="valid packages")
    command.add_argument("--wrong", type=int, default=0, help="packages that must be refused, of several kinds")
    command.add_argument("--seed", type=int, default=1, help="settles who writes to whom")
    founding = commands.add_parser("city", help="a new demo city, with its unit directory and its trust folder")
    founding.add_argument("--out", type=Path, required=True, help="folder to write to")
    watching = commands.add_parser("canary", help="keys of the canary, and its entries for the unit directory")
    watching.add_argument("--city", type=Path, required=True, help="folder of the kept demo city")
    watching.add_argument("--out", type=Path, required=True, help="folder to write to")
    sign_file.add_command(commands)
    options = parser.parse_args()
    if options.command == "sign":
        sign_file.run(parser, options)
        return
    if options.command == "canary":
        write_canary(keep.load(options.city), options.out)
        print(f"a canary in {options.out}")
        return
    if options.command == "city":
        make_city(options.out)
        print(f"a city in {options.out}")
        return
    entries = make(keep.load(options.city), options.out, options.count, options.wrong, options.seed)
    print(f"{len(entries)} packages in {options.out}")


if __name__ == "__main__":
    main()
