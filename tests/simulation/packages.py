"""The packages that units submit in a schedule: bytes made once, before the first schedule runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from common.domain.envelope import Business, ReceiverChange, Replacement
from common.domain.names import Lane, PackageKind, Priority, StatusCode
from mint.packages import letter, status
from tests.simulation.make_city import CITY, DAY, MEMBERS

LETTERS = CITY / "letters"
DOCUMENTS = 4
"""Documents of one unit that schedules tell apart."""
PROMULGATED = date(2026, 11, 20)


@dataclass(frozen=True, slots=True)
class Package:
    """What a unit submits."""

    sender: str
    name: str
    """For the history."""
    body: bytes
    lane: Lane
    kind: str
    """new, altered, update, recall, replace, status, noise."""
    document_id: str = ""
    receivers: tuple[str, ...] = ()
    number: int = 0
    """Of the document that it is about, among those of its sender."""


def document_id(sender: str, number: int) -> str:
    """A DocumentId of a unit."""
    return f"{sender},2026/11/24,{number:06}"


@cache
def pdf(name: str) -> bytes:
    """A signed letter."""
    return (LETTERS / f"{name}.pdf").read_bytes()


@cache
def new(sender: str, receivers: tuple[str, ...], number: int, lane: Lane, *, is_altered: bool = False) -> Package:
    """A letter; an altered one bears a signature that does not hold."""
    body = letter(
        sender,
        receivers,
        document_id(sender, number),
        pdf("altered" if is_altered else sender),
        promulgation_date=PROMULGATED,
        priority=Priority.EXPRESS if lane is Lane.URGENT else Priority.NORMAL,
    )
    kind = "altered" if is_altered else "new"
    name, identifier = f"{kind} {number} of {sender}", document_id(sender, number)
    return Package(sender, name, body, lane, kind, identifier, receivers, number)


@cache
def update(sender: str, receivers: tuple[str, ...], number: int, serial: int, *, has_content: bool = True) -> Package:
    """New content for a document, under an id of its own; or, without content, a further receiver."""
    identifier = document_id(sender, number * 100 + serial)
    added = () if has_content else tuple(ReceiverChange(unit=unit, added=True) for unit in receivers)
    business = Business(
        kind=PackageKind.UPDATE,
        target=document_id(sender, number),
        reason="cập nhật",
        document_changed=has_content,
        receivers_changed=bool(added),
        receiver_changes=added,
    )
    body = letter(
        sender, receivers, identifier, pdf(sender), promulgation_date=PROMULGATED, business=business,
        kind=PackageKind.UPDATE, subject=f"V/v cập nhật {serial}",
    )  # fmt: skip
    return Package(sender, f"update {serial} of {number}", body, Lane.NORMAL, "update", identifier, receivers, number)


@cache
def recall(sender: str, receivers: tuple[str, ...], number: int) -> Package:
    """A recall, in the form of a document without files."""
    from common.domain.envelope import DocumentType, Envelope, Organization, OtherInfo, Signer
    from common.edxml import build

    envelope = Envelope(
        sender=Organization(code=sender),
        receivers=tuple(Organization(code=code) for code in receivers),
        document_id=document_id(sender, number),
        number="1",
        notation="VP",
        promulgation_date=PROMULGATED,
        type=DocumentType(name="Công văn"),
        subject="V/v thu hồi văn bản",
        signer=Signer(full_name="Nguyễn Văn A", competence="TM.", position="CHỦ TỊCH"),
        place="TP. Hồ Chí Minh",
        other=OtherInfo(),
        business=Business(kind=PackageKind.RECALL, target=document_id(sender, number), reason="Ban hành nhầm"),
    )
    return Package(
        sender,
        f"recall of {number}",
        build(envelope, []),
        Lane.NORMAL,
        "recall",
        document_id(sender, number),
        receivers,
        number,
    )


@cache
def replace(sender: str, receivers: tuple[str, ...], number: int, old: int) -> Package:
    """A document that takes the place of an earlier one."""
    business = Business(
        kind=PackageKind.REPLACE,
        reason="thay thế",
        replacements=(Replacement(document_id=document_id(sender, old), units=()),),
    )
    identifier = document_id(sender, number)
    body = letter(
        sender, receivers, identifier, pdf(sender), promulgation_date=PROMULGATED, business=business,
        kind=PackageKind.REPLACE,
    )  # fmt: skip
    return Package(sender, f"{number} replaces {old}", body, Lane.NORMAL, "replace", identifier, receivers)


@cache
def report(sender: str, issuer: str, identifier: str, code: StatusCode) -> Package:
    """A status about a document."""
    why = "lý do của đơn vị"  # a refusal without a reason is no valid status
    body = status(sender, issuer, identifier, code, DAY, promulgation_date=PROMULGATED, description=why)
    return Package(sender, f"status {code} of {identifier}", body, Lane.NORMAL, "status", identifier, (issuer,))


@cache
def noise(sender: str, number: int) -> Package:
    """Bytes that are no package."""
    return Package(sender, f"noise {number}", b"not a package %d" % number, Lane.NORMAL, "noise")


def all_receivers(sender: str) -> Iterator[tuple[str, ...]]:
    """Receivers that schedules choose from."""
    others = [code for code in MEMBERS if code != sender]
    yield (others[0],)
    yield (others[1],)
    yield tuple(others[:2])
    yield tuple(others)
