"""Headers of mails, read back from their bytes by readers that share no code with what wrote them."""

import base64
import quopri
import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.policy import default as modern

import idna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.channels.mail_message import UnusableAddress, header_text, mail_address, mail_of
from notifier.compose import Channel, Notification, one_line

FROM = "Trục liên thông văn bản Thành phố Hồ Chí Minh <truc@tphcm.vn>"
NOTICE = Notification(about_event="e1", unit="A.01", channel=Channel.EMAIL, address="a@example.vn", body="Kính gửi\n")
SYLLABLES = ("văn", "bản", "mới", "gửi", "đến", "Ủy", "Nghé", "15/TB", "[KHẨN]", "a", "=?utf-8?q?x?=", "-", "đ")
WORDS = st.sampled_from(SYLLABLES) | st.text(min_size=1, max_size=90)
VIETNAMESE = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
ENCODED_WORD = re.compile(rb"=\?utf-8\?([bq])\?([^?]*)\?=", re.IGNORECASE)


def lines_of(content: bytes, name: bytes) -> list[bytes]:
    head = content.partition(b"\r\n\r\n")[0]
    match = re.search(rb"^" + name + rb": ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", head, re.MULTILINE)
    assert match
    return match[1].split(b"\r\n")


def read_by_rfc(content: bytes, name: bytes) -> str:
    """RFC 2047 by hand: unfold, drop the space between two encoded words, decode each word by itself."""
    value = b"".join(lines_of(content, name))
    value = re.sub(rb"(\?=)[ \t]+(?==\?)", rb"\1", value)

    def decoded(word: "re.Match[bytes]") -> bytes:
        text = base64.b64decode(word[2]) if word[1] in b"bB" else quopri.decodestring(word[2], header=True)
        text.decode()  # each word is whole characters
        return text

    return ENCODED_WORD.sub(decoded, value).decode()


def subjects(content: bytes) -> list[str]:
    old = message_from_bytes(content, policy=compat32)["Subject"]
    new = message_from_bytes(content, policy=modern)["Subject"]
    return [str(make_header(decode_header(old))), str(new), read_by_rfc(content, b"Subject")]


def check(subject: str) -> None:
    content = mail_of(replace(NOTICE, subject=subject), FROM).content
    assert subjects(content) == [one_line(subject)] * 3
    for name in (b"Subject", b"From"):
        lines = lines_of(content, name)
        assert len(name) + 2 + len(lines[0]) <= 76
        assert all(len(line) <= 76 for line in lines)
        assert all(len(word[0]) <= 75 for line in lines for word in ENCODED_WORD.finditer(line))
    head = content.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert b"\n" not in head.replace(b"\r\n", b"")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert len(names) == len(set(names)) == 10


@given(VIETNAMESE)
@settings(max_examples=200, deadline=None)
def test_no_character_of_a_subject_is_lost(subject: str) -> None:
    check(subject)


@pytest.mark.parametrize("words", ["văn bản mới gửi đến", "van ban moi gui den", "x" * 200, "đ" * 200, "a b " * 40])
def test_every_position_of_a_fold(words: str) -> None:
    for shift in range(80):
        for before in ("x" * shift, "đ" * shift, "ab " * (shift // 3)):
            check(f"{before} {words}")


@pytest.mark.parametrize(
    "wild",
    [
        "a\r\nBcc: b@x.vn",
        "a\nBcc: b@x.vn",
        "a\rBcc: b@x.vn",
        "a\x00b",
        "a\r\n\r\nbody",
        "a\u2028Bcc: b",
        "a\x85Bcc: b",
        "\u202eevil\u202c",
        "a\u2066b\u2069",
        "\ud800",
        "\x0b\x0c",
        "=?utf-8?q?=0ABcc:_b?=",
    ],
)
def test_nothing_ends_a_line_or_turns_its_direction(wild: str) -> None:
    for text in (wild, "văn " + wild, wild + " bản" * 30):
        check(text)
        written = header_text(text, "Subject")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", written + str(make_header(decode_header(written))))


def test_the_sender_name_is_read_back() -> None:
    content = mail_of(replace(NOTICE, subject="x"), FROM).content
    assert read_by_rfc(content, b"From") == FROM
    assert str(make_header(decode_header(message_from_bytes(content, policy=compat32)["From"]))) == FROM
    (address,) = message_from_bytes(content, policy=modern)["From"].addresses
    assert address.addr_spec == "truc@tphcm.vn"


def test_the_text_is_read_back() -> None:
    body = "Kính gửi Sở Y tế,\n.\nFrom đây\n" + "rất dài " * 500 + "\n"
    content = mail_of(replace(NOTICE, body=body), FROM).content
    assert message_from_bytes(content, policy=modern).get_content() == body  # type: ignore[attr-defined]
    assert max(map(len, content.split(b"\r\n"))) < 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vanthu@example.vn", "vanthu@example.vn"),
        (" vanthu@example.vn ", "vanthu@example.vn"),
        ("a+b.c@Sở-y-tế.vn", "a+b.c@sở-y-tế.vn"),
        ("văn.thư@example.vn", "văn.thư@example.vn"),
        ("va\u0306n@example.vn", "văn@example.vn"),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    local, _, domain = mail_address(text).partition("@")
    assert local == expected.partition("@")[0]
    assert domain.isascii()
    assert idna.decode(domain) == expected.partition("@")[2]


def test_an_international_address_is_written_as_it_is() -> None:
    mail = mail_of(replace(NOTICE, address="văn.thư@example.vn", subject="mới"), FROM)
    assert mail.needs_smtputf8
    assert lines_of(mail.content, b"To") == ["văn.thư@example.vn".encode()]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@x.vn",
        "a@",
        "a@x.vn, b@x.vn",
        "a@x.vn,b",
        "Tên <a@x.vn>",
        "a b@x.vn",
        ".a@x.vn",
        "a..b@x.vn",
        "a@x.vn\r\nBcc: b@x.vn",
        "a\r\n@x.vn",
        "a\x00@x.vn",
        "\u202ea@x.vn",
        "a\u200b@x.vn",
        "a@x y.vn",
        "a@[127.0.0.1]",
        '"a"@x.vn',
        "a@x.vn>",
        "l" * 65 + "@x.vn",
        "a@" + "x" * 64 + ".vn",
        "a@" + "xxxxxxx." * 40 + "vn",
        "a@-x.vn",
        "\ud800@x.vn",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UnusableAddress):
        mail_address(text)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_whatever_an_address_is_it_stays_on_its_line(text: str) -> None:
    try:
        content = mail_of(replace(NOTICE, address=text + "@x.vn"), FROM).content
    except UnusableAddress:
        return
    assert len(lines_of(content, b"To")) == 1
    assert content.count(b"@x.vn") == 1
