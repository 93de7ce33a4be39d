"""Mutations of bytes: small, structural, and by tokens that matter to the format."""

import random

PDF_TOKENS = (
    b"/ByteRange", b"/Contents", b"%%EOF", b"startxref", b"xref", b"trailer", b"/Prev", b"/Root", b"/Size", b"endobj",
    b"obj", b"stream", b"endstream", b"<<", b">>", b"[", b"]", b"<", b">", b"(", b")", b"/AcroForm", b"/Fields", b"/V",
    b"/Type", b"/Sig", b"/DSS", b"/Length", b"null", b" 0 R", b"0", b"9999999999", b"-1", b"65535", b"f ", b"n ",
    b"/XRefStm", b"/ObjStm", b"/Names", b"/Info", b"/Metadata", b"\n", b"\r", b"\0", b"%",
)  # fmt: skip
DER_TOKENS = (
    b"\x30\x00", b"\x02\x01\x00", b"\x02\x01\xff", b"\x05\x00", b"\x30\x80", b"\x00\x00", b"\x04\x84\xff\xff\xff\xff",
    b"\xa0\x03\x02\x01\x07", b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x13", b"\x01\x01\xff", b"\x03\x02\x06\xc0",
    b"\x17\x0d", b"\x18\x0f", b"\xa3", b"\x0c\x02\xc3\x28",
)  # fmt: skip
XML_TOKENS = (
    b"<", b">", b"</", b"/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<!DOCTYPE a [", b"<!ENTITY b 'c'>", b"&b;",
    b"&lt;", b"&#0;", b"<?xml ", b"?>", b"xmlns=", b"xmlns:edXML=", b"edXML:", b"MessageHeader", b"OrganId",
    b"Attachment", b"ContentTransferEncoded", b"cid:", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"UTF-16",
    b"encoding=", b"=", b"\xc3\x28",
)  # fmt: skip


def mutated(data: bytes, dice: random.Random, tokens: tuple[bytes, ...], most: int = 4) -> bytes:
    """A few random changes; the same dice give the same changes."""
    for _ in range(dice.randint(1, most)):
        data = _once(data, dice, tokens)
    return data


def _once(data: bytes, dice: random.Random, tokens: tuple[bytes, ...]) -> bytes:
    if not data:
        return dice.choice(tokens)
    at = dice.randrange(len(data))
    end = min(len(data), at + int(2 ** dice.uniform(0, 12)))
    match dice.randrange(9):
        case 0:
            return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:at] + dice.randbytes(dice.randint(1, 4)) + data[at + 1 :]
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:end] + data[at:end] + data[end:]
        case 4:
            there = dice.randrange(len(data))
            return data[:there] + data[at:end] + data[there:]
        case 5:
            return data[:at] + dice.choice(tokens) + data[at:]
        case 6:
            return _token_exchanged(data, dice, tokens)
        case 7:
            return _number_changed(data, dice, at)
        case _:
            return data[:at] + dice.choice(tokens) + data[at + 1 :]


def _token_exchanged(data: bytes, dice: random.Random, tokens: tuple[bytes, ...]) -> bytes:
    """One occurrence of one token by another."""
    old = dice.choice(tokens)
    places = data.count(old)
    if not places:
        return data + dice.choice(tokens)
    at = -1
    for _ in range(dice.randint(1, min(places, 40))):
        at = data.find(old, at + 1)
    return data[:at] + dice.choice(tokens) + data[at + len(old) :]


def _number_changed(data: bytes, dice: random.Random, at: int) -> bytes:
    """The next number, a little or a lot."""
    start = next((i for i in range(at, min(len(data), at + 500)) if data[i : i + 1].isdigit()), None)
    if start is None:
        return data
    end = start
    while data[end : end + 1].isdigit() and end - start < 15:
        end += 1
    number = int(data[start:end])
    changed = dice.choice([number + 1, number - 1, number * 2, 0, 2**31, 2**63, dice.randrange(len(data))])
    text = str(changed).encode()
    return data[:start] + (text.rjust(end - start, b"0") if dice.random() < 0.7 else text) + data[end:]
