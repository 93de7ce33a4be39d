"""Channels against real servers: what is sent, and what each answer means."""

import hashlib
import hmac
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from common.failure import Transient
from notifier.channels import senders
from notifier.channels.answer import Sent, Undeliverable
from notifier.channels.email import Email, message_id
from notifier.channels.webhook import Webhook
from notifier.compose import Channel, Notification
from notifier.settings import NotifierSettings

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


def hook(url: str) -> Notification:
    return replace(MAIL, channel=Channel.WEBHOOK, address=url, subject="", body='{"a": "đ"}', secret=SECRET)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    ("stage", "answer"),
    [("RCPT", "450 greylisted"), ("DATA", "452 full"), ("MAIL", "550 sender not known here"), ("MAIL", "421 busy")],
)
async def test_passing_trouble_with_the_mail_server(post: Post, stage: str, answer: str) -> None:
    post.answers[stage] = answer
    with pytest.raises(Transient) as caught:
        await mailer(post.port).send(MAIL)
    assert "vanthu" not in caught.value.detail


@pytest.mark.parametrize(
    "other",
    [{"smtp_starttls": True}, {"smtp_user": "u", "smtp_password": "p"}],
    ids=["no TLS offered", "no login offered"],
)
async def test_our_own_faults_pass(post: Post, other: dict[str, Any]) -> None:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": post.port, "smtp_starttls": False, **other}
    with pytest.raises(Transient):
        await Email(NotifierSettings(**settings)).send(MAIL)
    assert post.mails == []


async def test_no_mail_server() -> None:
    with pytest.raises(Transient):
        await mailer(closed_port()).send(MAIL)


@pytest.mark.parametrize("address", ["a@example.vn\nBcc: b@example.vn", "a@example.vn\r\n\r\ntext"])
async def test_an_address_with_lines_is_not_used(post: Post, address: str) -> None:
    assert await mailer(post.port).send(replace(MAIL, address=address)) == Undeliverable("address not usable")
    assert post.mails == []


async def test_a_webhook_is_signed(web: Web) -> None:
    assert await Webhook(NotifierSettings()).send(hook(web.url)) == Sent()
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
    assert await Webhook(NotifierSettings()).send(hook(web.url)) == Sent()


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 410, 422])
async def test_a_final_no_of_a_webhook(web: Web, status: int) -> None:
    web.status = status
    assert await Webhook(NotifierSettings()).send(hook(web.url)) == Undeliverable(f"HTTP {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_passing_trouble_with_a_webhook(web: Web, status: int) -> None:
    web.status = status
    with pytest.raises(Transient) as caught:
        await Webhook(NotifierSettings()).send(hook(web.url))
    assert caught.value.detail == f"webhook: HTTP {status}"


async def test_a_redirect_is_not_followed(web: Web) -> None:
    web.status, web.headers = 307, f"location: {web.url}/elsewhere\r\n"
    await Webhook(NotifierSettings()).send(hook(web.url))
    assert len(web.requests) == 1


async def test_a_webhook_that_does_not_answer(web: Web) -> None:
    web.pause_seconds = 1.0
    with pytest.raises(Transient):
        await Webhook(NotifierSettings(webhook_timeout_seconds=0.1)).send(hook(web.url))
    with pytest.raises(Transient):
        await Webhook(NotifierSettings()).send(hook(f"http://127.0.0.1:{closed_port()}/"))


@pytest.mark.parametrize("address", ["ftp://x.vn/", "file:///etc/passwd", "x.vn", "", "http://", "http://[::1"])
async def test_addresses_a_webhook_does_not_take(address: str) -> None:
    assert isinstance(await Webhook(NotifierSettings()).send(hook(address)), Undeliverable)


async def test_no_webhook_without_a_secret(web: Web) -> None:
    assert isinstance(await Webhook(NotifierSettings()).send(replace(hook(web.url), secret="")), Undeliverable)
    assert web.requests == []


def test_mail_is_set_up_by_naming_a_server() -> None:
    assert set(senders(NotifierSettings())) == {Channel.WEBHOOK}
    assert set(senders(NotifierSettings(smtp_host="mail"))) == {Channel.WEBHOOK, Channel.EMAIL}
