"""Files of BSON: what comes out is what went in, however the pieces are cut; damage is seen."""

import random
import zlib

import bson
import pytest

from trunkctl.backup.bson_file import Packed, digest_of, documents_in, unpacked
from trunkctl.command_error import CommandError

ROWS = [bson.encode({"_id": number, "text": "văn bản " * (number % 40)}) for number in range(500)]


def packed(rows: list[bytes]) -> tuple[Packed, bytes]:
    pack = Packed(b"".join(rows[at : at + 7]) for at in range(0, len(rows), 7))
    return pack, b"".join(pack)


def cut(data: bytes, seed: int) -> list[bytes]:
    places = sorted(random.Random(seed).sample(range(len(data)), 20))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_every_document_comes_back(seed: int) -> None:
    pack, data = packed(ROWS)
    assert list(unpacked(cut(data, seed), "x")) == ROWS
    assert (pack.rows, pack.sha256, pack.size_bytes) == (len(ROWS), *digest_of(cut(data, seed)))


def test_none_at_all() -> None:
    pack, data = packed([])
    assert pack.rows == 0
    assert list(unpacked([data], "x")) == []


@pytest.mark.parametrize("end", [0, 1, 100, -1])
def test_a_file_that_ends_too_early_is_refused(end: int) -> None:
    _, data = packed(ROWS)
    with pytest.raises(CommandError, match="too early"):
        list(unpacked([data[:end]], "x"))


def test_half_a_document_is_refused() -> None:
    with pytest.raises(CommandError, match="too early"):
        list(unpacked([zlib.compress(ROWS[3][:-1], wbits=31)], "x"))


def test_a_length_that_cannot_be_is_refused() -> None:
    with pytest.raises(CommandError, match="too early"):
        list(unpacked([zlib.compress(b"\0\0\0\0" * 3, wbits=31)], "x"))


def test_damage_is_seen() -> None:
    _, data = packed(ROWS)
    middle = len(data) // 2
    with pytest.raises(CommandError, match="damaged"):
        list(unpacked([data[:middle], bytes(8), data[middle + 8 :]], "x"))


def test_documents_of_a_batch() -> None:
    assert list(documents_in(b"".join(ROWS[:3]))) == ROWS[:3]
