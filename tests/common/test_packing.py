"""Bytes that come with their reference: small ones, read like any object, and believed as little."""

import hashlib
import secrets
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.facts import ObjectRef
from common.facts.base import MAX_PACKED_BYTES
from common.objects import ObjectAltered, Objects
from common.packing import MAX_UNPACKED_BYTES, packed, unpacked
from common.settings import ServiceSettings

DATA = b'{"subject": "V/v ngh\xe1\xbb\x89 l\xe1\xbb\x85"}'


def ref(small: bytes | None, data: bytes = DATA, size_bytes: int | None = None) -> ObjectRef:
    """A reference to ``data`` that carries ``small``, and whose object lies nowhere."""
    size = len(data) if size_bytes is None else size_bytes
    digest = hashlib.sha256(data).hexdigest()
    return ObjectRef(bucket="content", key=digest, sha256=digest, size_bytes=size, packed=small)


@given(st.binary(max_size=MAX_PACKED_BYTES // 2))
def test_small_bytes_come_back(data: bytes) -> None:
    small = packed(data)
    assert small is not None
    assert unpacked(small, len(data)) == data


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (b"", True),
        (b"x" * MAX_UNPACKED_BYTES, True),
        (b"x" * (MAX_UNPACKED_BYTES + 1), False),
        (secrets.token_bytes(MAX_PACKED_BYTES), False),  # nothing to compress, and the frame on top
    ],
    ids=["none", "the most", "one more", "random"],
)
def test_what_is_small(data: bytes, fits: bool) -> None:
    small = packed(data)
    assert (small is not None) is fits
    assert small is None or len(small) <= MAX_PACKED_BYTES


@pytest.mark.parametrize("size_bytes", [-1, MAX_UNPACKED_BYTES + 1])
def test_a_size_that_nothing_packed_has(size_bytes: int) -> None:
    with pytest.raises(ValueError, match="not packed"):
        unpacked(zlib.compress(DATA), size_bytes)


def test_no_more_is_unpacked_than_is_named() -> None:
    """However much a few bytes would become."""
    assert len(unpacked(zlib.compress(b"x" * 10_000_000), 10)) == 11


async def test_packed_bytes_are_read_without_a_store() -> None:
    objects = Objects(ServiceSettings(s3_endpoint="store.invalid:1"))
    assert await objects.get(ref(packed(DATA))) == DATA
    small = await objects.carry(DATA)
    assert small.packed
    assert await objects.get(small) == DATA
    assert await objects.get(ObjectRef.model_validate_json(small.model_dump_json())) == DATA


@pytest.mark.parametrize(
    "wrong",
    [
        ref(b"no compressed bytes"),
        ref(zlib.compress(DATA)[:-8]),
        ref(packed(DATA + b"x")),
        ref(packed(DATA[:-1])),
        ref(packed(DATA.swapcase())),
        ref(packed(DATA), size_bytes=MAX_UNPACKED_BYTES + 1),
        ref(zlib.compress(b"x" * 1_000_000)),
    ],
    ids=["garbage", "cut off", "longer", "shorter", "others", "too large", "a bomb"],
)
async def test_packed_bytes_are_checked(wrong: ObjectRef) -> None:
    with pytest.raises(ObjectAltered):
        await Objects(ServiceSettings(s3_endpoint="store.invalid:1")).get(wrong)
