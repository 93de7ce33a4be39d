"""What a unit publishes, what it reads, and the letter it builds."""

import hashlib
import json
from datetime import date

import pytest

from common.domain.directory import Unit
from common.domain.envelope import Envelope
from common.domain.names import Lane, Priority
from common.edxml import parse
from intake import submission as intake_submission
from trunkctl import letter, submission, uploads
from trunkctl.command_error import CommandError
from trunkctl.inbox_item import Item

UNIT = Unit(code="000.00.14.H29", name="Sở Nội vụ", valid_from=date(2025, 7, 1), broker_user="noivu")


def item(**changes: str | bytes) -> Item:
    told: dict[str, str | bytes] = {
        **dict.fromkeys(("type", "event_id", "package_id", "document_id", "sender", "kind"), ""),
        **dict.fromkeys(("label", "reason", "lane", "sha256", "content_type"), ""),
        "body": b"",
    }
    return Item(**told | changes)  # type: ignore[arg-type]


def test_intake_understands_a_reference() -> None:
    message = submission.by_reference(UNIT, f"{UNIT.code}/x", b"package")
    found = intake_submission.Reference.model_validate_json(message.body)
    assert (found.bucket, found.key, found.size) == ("uploads", f"{UNIT.code}/x", 7)
    assert found.sha256 == hashlib.sha256(b"package").hexdigest()


def test_every_message_names_the_user_and_is_kept() -> None:
    message = submission.inline(UNIT, b"package")
    assert message.user_id == "noivu"
    assert message.delivery_mode == 2
    assert message.message_id != submission.inline(UNIT, b"package").message_id
    assert submission.routing_key(UNIT, Lane.URGENT) == "submit.000.00.14.H29.urgent"


def test_an_upload_lies_below_its_unit() -> None:
    assert uploads.key_for("A.01", "x.edxml").startswith("A.01/")
    with pytest.raises(CommandError):
        uploads.key_for("A.01", "../B.02/x")


def test_a_presigned_address_tells_its_key() -> None:
    assert uploads.key_of("http://s3:8333/uploads/A.01/a%20b?X-Amz-Date=1") == "A.01/a b"
    for other in ("http://s3:8333/archive/A.01/a", "http://s3:8333/uploads/"):
        with pytest.raises(CommandError):
            uploads.key_of(other)


def test_a_letter_is_read_back_as_it_was_meant() -> None:
    told = letter.Letter(
        sender=UNIT,
        receivers=(Unit(code="H29.901.01", name="", valid_from=date(2025, 7, 1)),),
        subject="V/v thử",
        document_id="x1",
        number="15",
        notation="VP",
        type_name="Công văn",
        signer="Nguyễn Văn A",
        on=date(2026, 11, 22),
        priority=Priority.URGENT,
    )
    import io

    found = parse(io.BytesIO(letter.package(told, [("a.pdf", b"%PDF-1.7\n"), ("b.csv", b"1,2\n")])))
    assert isinstance(found.message, Envelope)
    assert found.message.sender.code == UNIT.code
    assert found.message.other.priority is Priority.URGENT
    assert [a.name for a in found.message.attachments] == ["a.pdf", "b.csv"]


def test_a_refusal_of_one_receiver_names_it() -> None:
    assert item(event_id="p1:refusal/H29.999.99:1").refused_receiver == "H29.999.99"
    assert item(event_id="p1:refusal:1").refused_receiver == ""
    assert item(event_id="p1:receipt:1").refused_receiver == ""


async def test_altered_bytes_are_not_taken() -> None:
    good = item(body=b"x", sha256=hashlib.sha256(b"x").hexdigest())
    assert await good.package() == b"x"
    with pytest.raises(CommandError):
        await item(body=b"y", sha256=good.sha256, package_id="p1").package()
    assert json.loads(submission.by_reference(UNIT, "k", b"x").body)["sha256"] == good.sha256
