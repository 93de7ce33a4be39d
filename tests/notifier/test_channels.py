"""Channels against real servers: what is sent, and what each answer means."""

import hashlib
import hmac
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from notifier.answer import Fault, Sent, Unanswered, Undeliverable
from notifier.channels import senders
from notifier.channels.email import Email
from notifier.channels.guarded_network import AnswerTooLong, GuardedNetwork, is_refused
from notifier.channels.mail_message import message_id
from notifier.channels.webhook import Webhook, retry_after
from notifier.compose import Channel, Notification
from notifier.settings import NotifierSettings
from tests.ports import free_ports

from . import hostile
from .conftest import SECRET, Post, Web

MAIL = Notification(
    about_event="e1",
    unit="A.01",
    channel=Channel.EMAIL,
    address="vanthu@example.vn",
    subject="Có văn bản mới",
    body="Kính gửi Sở Y tế,\n",
)


def mailer(port: int, **other: Any) -> Email:
    return Email(
        NotifierSettings(smtp_host="127.0.0.1", smtp_port=port, smtp_starttls=False, smtp_from="truc@tphcm.vn", **other)
    )


def webhook(**other: Any) -> Webhook:
    """One that may call servers on this machine."""
    return Webhook(NotifierSettings(webhook_refused_networks=(), **other))


def hook(url: str) -> Notification:
    return replace(MAIL, channel=Channel.WEBHOOK, address=url, subject="", body='{"a": "đ"}', secret=SECRET)


async def test_a_mail_arrives(post: Post) -> None:
    assert await mailer(post.port).send(MAIL) == Sent()
    [mail] = post.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == ("vanthu@example.vn", "truc@tphcm.vn", "Có văn bản mới")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Trunk-Event"] == "e1"
    assert mail.get_content().strip() == "Kính gửi Sở Y tế,"


async def test_a_mail_sent_twice_bears_one_id(post: Post) -> None:
    for _ in range(2):
        await mailer(post.port).send(MAIL)
    await mailer(post.port).send(replace(MAIL, about_event="e2"))
    ids = [mail["Message-ID"] for mail in post.mails]
    assert ids[0] == ids[1] == message_id("e1/A.01/email", "truc@tphcm.vn")
    assert ids[0] != ids[2]
    assert ids[0].endswith("@tphcm.vn>")


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_a_final_no_of_the_mail_server(post: Post, stage: str) -> None:
    post.answers[stage] = "550 no such user"
    assert await mailer(post.port).send(MAIL) == Undeliverable("SMTP 550")


@pytest.mark.parametrize(
    ("stage", "reply", "fault"),
    [
        ("RCPT", "450 greylisted", Fault.ADDRESS),
        ("RCPT", "452 4.5.3 too many recipients", Fault.ADDRESS),
        ("DATA", "452 full", Fault.ADDRESS),
        ("MAIL", "550 sender not known here", Fault.MAIL_SERVER),
        ("MAIL", "421 busy", Fault.MAIL_SERVER),
        ("RCPT", "421 closing", Fault.MAIL_SERVER),
        ("RCPT", "530 authentication required", Fault.MAIL_SERVER),
    ],
)
async def test_passing_failure_with_the_mail_server(post: Post, stage: str, reply: str, fault: Fault) -> None:
    post.answers[stage] = reply
    assert await mailer(post.port).send(MAIL) == Unanswered(f"mail server: SMTP {reply[:3]}", fault)


@pytest.mark.parametrize(
    "other",
    [{"smtp_starttls": True}, {"smtp_user": "u", "smtp_password": "p"}],
    ids=["no TLS offered", "no login offered"],
)
async def test_our_own_faults_pass(post: Post, other: dict[str, Any]) -> None:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": post.port, "smtp_starttls": False, **other}
    answer = await Email(NotifierSettings(**settings)).send(MAIL)
    assert isinstance(answer, Unanswered)
    assert answer.fault is Fault.MAIL_SERVER
    assert post.mails == []


async def test_no_mail_server() -> None:
    assert await mailer(free_ports(1)[0]).send(MAIL) == Unanswered("mail server: SMTPConnectError", Fault.MAIL_SERVER)


@pytest.mark.parametrize(
    ("at", "fault"),
    [
        (b"greeting", Fault.MAIL_SERVER),
        (b"EHLO", Fault.MAIL_SERVER),
        (b"MAIL", Fault.MAIL_SERVER),
        (b"RCPT", Fault.ADDRESS),
        (b"DATA", Fault.ADDRESS),
        (b"text", Fault.ADDRESS),
    ],
)
async def test_a_mail_server_whose_reply_never_ends(at: bytes, fault: Fault) -> None:
    """Every line comes in time; the limit counts all of them together."""
    async with hostile.listening(hostile.smtp(at)) as port:
        answer = await mailer(port, smtp_timeout_seconds=0.2).send(MAIL)
    assert isinstance(answer, Unanswered)
    assert answer.fault is fault


@pytest.mark.parametrize("serve", [hostile.silent, hostile.resets])
async def test_a_mail_server_that_says_nothing(serve: hostile.Serve) -> None:
    async with hostile.listening(serve) as port:
        answer = await mailer(port, smtp_timeout_seconds=0.2).send(MAIL)
    assert isinstance(answer, Unanswered)
    assert answer.fault is Fault.MAIL_SERVER


@pytest.mark.parametrize("serve", [hostile.smtp(quit="500 what?"), hostile.smtp(quit="421 gone")])
async def test_a_mail_that_was_taken_is_sent_whatever_follows(serve: hostile.Serve) -> None:
    async with hostile.listening(serve) as port:
        assert await mailer(port).send(MAIL) == Sent()


async def test_a_server_without_international_addresses() -> None:
    async with hostile.listening(hostile.smtp()) as port:
        answer = await mailer(port).send(replace(MAIL, address="văn.thư@example.vn"))
    assert answer == Undeliverable("mail server takes no international addresses")


@pytest.mark.parametrize("address", ["a@example.vn\nBcc: b@example.vn", "a@example.vn\r\n\r\ntext"])
async def test_an_address_with_lines_is_not_used(post: Post, address: str) -> None:
    answer = await mailer(post.port).send(replace(MAIL, address=address))
    assert answer == Undeliverable("address not usable", is_answer=False)
    assert post.mails == []


async def test_a_webhook_is_signed(web: Web) -> None:
    assert await webhook().send(hook(web.url)) == Sent()
    [(headers, body)] = web.requests
    stamp = headers["x-trunk-timestamp"]
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-trunk-signature"] == f"sha256={expected}"
    assert abs(time.time() - int(stamp)) < 60
    assert headers["x-trunk-event"] == "e1"
    assert headers["content-type"].startswith("application/json")
    assert body == '{"a": "đ"}'.encode()


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_webhook_taken(web: Web, status: int) -> None:
    web.status = status
    assert await webhook().send(hook(web.url)) == Sent()


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 410, 422])
async def test_a_final_no_of_a_webhook(web: Web, status: int) -> None:
    web.status = status
    assert await webhook().send(hook(web.url)) == Undeliverable(f"HTTP {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_passing_failure_with_a_webhook(web: Web, status: int) -> None:
    web.status = status
    assert await webhook().send(hook(web.url)) == Unanswered(f"webhook: HTTP {status}")


async def test_a_webhook_that_names_its_pause(web: Web) -> None:
    web.status, web.headers = 429, "Retry-After: 120\r\n"
    answer = await webhook().send(hook(web.url))
    assert answer == Unanswered("webhook: HTTP 429", retry_after=timedelta(seconds=120))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("99999999999999999999", 10**6),
        ("Sun, 22 Nov 2026 08:31:00 GMT", 60),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("1" * 5000, 10**6),
    ],
)
def test_the_pause_asked_for(text: str, seconds: int | None) -> None:
    wished = retry_after(text, datetime(2026, 11, 22, 8, 30, tzinfo=UTC))
    assert wished == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(web: Web, status: int) -> None:
    """Else a unit's server could have the trunk call whatever the trunk reaches."""
    web.status, web.headers = status, f"location: {web.url}/elsewhere\r\n"
    assert await webhook().send(hook(web.url)) == Undeliverable(f"HTTP {status}")
    assert len(web.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"])
async def test_the_trunk_itself_is_not_called(web: Web, host: str) -> None:
    url = web.url.replace("127.0.0.1", host)
    answer = await Webhook(NotifierSettings()).send(hook(url))
    assert answer == Undeliverable("address not allowed", is_answer=False)
    assert web.requests == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("169.254.169.254", True),
        ("fe80::1", True),
        ("fd00:ec2::254", True),
        ("::ffff:169.254.169.254", True),
        ("2002:7f00:1::", True),
        ("10.1.2.3", False),
        ("203.0.113.7", False),
        ("2001:db8::1", False),
    ],
)
def test_addresses_where_no_webhook_lies(address: str, expected: bool) -> None:
    assert is_refused(ip_address(address), NotifierSettings().webhook_refused_networks) is expected


async def test_a_webhook_that_does_not_answer(web: Web) -> None:
    web.pause_seconds = 1.0
    answer = await webhook(webhook_timeout_seconds=0.1).send(hook(web.url))
    assert answer == Unanswered("webhook: no answer within 0.1 s")
    answer = await webhook().send(hook(f"http://127.0.0.1:{free_ports(1)[0]}/"))
    assert answer == Unanswered("webhook: ConnectError")


@pytest.mark.parametrize(
    "serve",
    [hostile.silent, hostile.drips_status_line, hostile.drips_headers, hostile.informs_forever],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_limit_counts_everything_together(serve: hostile.Serve, scheme: str) -> None:
    """Also a TLS handshake that never comes to its end. Each read alone is far within the limit."""
    async with hostile.listening(serve) as port:
        answer = await webhook(webhook_timeout_seconds=0.2).send(hook(f"{scheme}://127.0.0.1:{port}/"))
    assert isinstance(answer, Unanswered)


@pytest.mark.parametrize("serve", [hostile.floods_headers, hostile.resets, hostile.speaks_no_http])
async def test_answers_that_are_none(serve: hostile.Serve) -> None:
    async with hostile.listening(serve) as port:
        answer = await webhook(webhook_timeout_seconds=30.0).send(hook(f"http://127.0.0.1:{port}/"))
    assert isinstance(answer, Unanswered)
    assert "no answer within" not in answer.detail


async def read_all(stream: httpcore.AsyncNetworkStream) -> None:
    while await stream.read(50):
        pass


async def test_only_so_much_is_read_of_an_answer() -> None:
    async with hostile.listening(hostile.informs_forever) as port:
        network = GuardedNetwork((), max_bytes=100)
        stream = await network.connect_tcp("127.0.0.1", port)
        with pytest.raises(AnswerTooLong):
            await read_all(stream)
        await stream.aclose()


async def test_the_body_of_an_answer_is_not_waited_for() -> None:
    async with hostile.listening(hostile.answers_with_endless_body) as port:
        assert await webhook().send(hook(f"http://127.0.0.1:{port}/")) == Sent()


@pytest.mark.parametrize(
    "address", ["ftp://x.vn/", "file:///etc/passwd", "x.vn", "", "http://", "http://[::1", "http://u:p@x.vn/"]
)
async def test_addresses_a_webhook_does_not_take(address: str) -> None:
    assert isinstance(await webhook().send(hook(address)), Undeliverable)


async def test_no_webhook_without_a_secret(web: Web) -> None:
    assert isinstance(await webhook().send(replace(hook(web.url), secret="")), Undeliverable)
    assert web.requests == []


def test_mail_is_set_up_by_naming_a_server() -> None:
    assert set(senders(NotifierSettings())) == {Channel.WEBHOOK}
    assert set(senders(NotifierSettings(smtp_host="mail"))) == {Channel.WEBHOOK, Channel.EMAIL}
