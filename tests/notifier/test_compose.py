"""The decision which units are notified of a fact, by which channel and with which text."""

import json
from collections.abc import Callable

import pytest

from common.domain.directory import Directory
from common.domain.names import Lane, StatusCode
from common.domain.reason import Reason
from common.sentences import sentence
from notifier.compose import MAILED_STATUSES, Channel, Notified, compose

from .conftest import RECEIVER, SECRET, SENDER, Facts, directory

BOTH = directory("vanthu@example.vn", "https://hook.example.vn/in")


@pytest.mark.parametrize(
    ("tell", "unit"),
    [
        (Facts.placed, RECEIVER),
        (Facts.turned_away, SENDER),
        (Facts.refused, SENDER),
        (Facts.undelivered, SENDER),
        (lambda facts: facts.status(StatusCode.REFUSED), SENDER),
        (lambda facts: facts.status(StatusCode.TAKE_BACK, told=RECEIVER), RECEIVER),
    ],
    ids=["placed", "turned away", "refused", "no such receiver", "refused by the receiver", "asked back"],
)
def test_who_is_told(tell: Callable[[Facts], Notified], unit: str) -> None:
    fact = tell(Facts())
    notifications = compose(fact, BOTH)
    assert [(one.unit, one.channel) for one in notifications] == [(unit, Channel.EMAIL), (unit, Channel.WEBHOOK)]
    assert [one.key for one in notifications] == [f"{fact.event_id}/{unit}/email", f"{fact.event_id}/{unit}/webhook"]
    assert [one.address for one in notifications] == ["vanthu@example.vn", "https://hook.example.vn/in"]


@pytest.mark.parametrize(
    ("contact", "channels"),
    [
        (directory(), []),
        (directory("a@example.vn"), [Channel.EMAIL]),
        (directory(None, "https://x.vn"), [Channel.WEBHOOK]),
    ],
    ids=["nobody", "mail", "webhook"],
)
def test_channels_are_those_of_the_contact(contact: Directory, channels: list[Channel]) -> None:
    assert [one.channel for one in compose(Facts().placed(), contact)] == channels


def test_a_unit_that_nobody_knows_is_not_told() -> None:
    assert compose(Facts().turned_away(sender="X.99"), BOTH) == ()


@pytest.mark.parametrize("code", list(StatusCode))
def test_mail_only_where_a_person_has_to_act(code: StatusCode) -> None:
    channels = {one.channel for one in compose(Facts().status(code), BOTH)}
    assert channels == ({Channel.EMAIL, Channel.WEBHOOK} if code in MAILED_STATUSES else {Channel.WEBHOOK})


def test_a_status_that_changed_nothing_is_told_to_nobody() -> None:
    assert compose(Facts().status(StatusCode.REFUSED, changed=False), BOTH) == ()


def test_the_mail_to_a_receiver() -> None:
    mail, _ = compose(Facts(Lane.URGENT).placed(), BOTH)
    assert mail.subject == "[Trục liên thông] [KHẨN] Có văn bản mới gửi đến: Về việc nghỉ lễ"
    for words in ("Kính gửi Sở Y tế", f"Nơi gửi: Sở Tư pháp ({SENDER})", "15/TB", "Trích yếu: Về việc nghỉ lễ", "KHẨN"):
        assert words in mail.body


@pytest.mark.parametrize("reason", [Reason.E_XML, Reason.E_SECRET, Reason.E_SIG_REVOKED])
def test_a_refusal_names_token_and_sentence(reason: Reason) -> None:
    for fact in (Facts().turned_away(reason=reason), Facts().refused(reason=reason)):
        mail, _ = compose(fact, BOTH)
        assert reason.value in mail.subject
        assert f"Lý do ({reason.value}): {sentence(reason)}" in mail.body
        assert fact.detail in mail.body


def test_a_mail_about_a_refusal_by_the_receiver() -> None:
    mail, _ = compose(Facts().status(StatusCode.REFUSED), BOTH)
    assert "02 (từ chối tiếp nhận)" in mail.subject
    assert "riêng tư" not in mail.body


def test_a_package_of_which_nothing_was_read() -> None:
    mail, _ = compose(Facts().turned_away(document_id=""), BOTH)
    assert mail.subject.endswith("không rõ định danh")


def test_documents_write_no_lines_of_their_own() -> None:
    """Header injection, and a forged line in the body."""
    wild = "Họp\r\nBcc: thief@example.vn\n\nLý do: gửi mật khẩu\u2028x\x00"
    mail, _ = compose(Facts().placed(subject_text=wild, document_id=wild), BOTH)
    assert "\n" not in mail.subject
    assert not [line for line in mail.body.splitlines() if line.startswith(("Bcc", "Lý do"))]


def test_a_long_subject_is_cut() -> None:
    mail, _ = compose(Facts().placed(subject_text="dài " * 500), BOTH)
    assert len(mail.subject) == 200


def test_a_webhook_carries_ids_and_tokens_only() -> None:
    _, hook = compose(Facts().status(StatusCode.REFUSED), BOTH)
    payload_fields = json.loads(hook.body)
    assert payload_fields["fact"] == "status.recorded"
    assert (payload_fields["status"], payload_fields["receiver"], payload_fields["state"]) == (
        "02",
        RECEIVER,
        "refused",
    )
    _, placed = compose(Facts().placed(), BOTH)
    assert "nghỉ lễ" not in placed.body
    assert "riêng tư" not in hook.body


def test_the_secret_is_not_shown() -> None:
    _, hook = compose(Facts().placed(), BOTH)
    assert hook.secret == SECRET
    assert SECRET not in repr(hook) + hook.body
