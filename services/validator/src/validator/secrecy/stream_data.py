"""The data of a PDF stream as viewers show them: what pyHanko does not unpack, and what is cut or broken, as far as it
goes (ISO 32000-1 §7.4).
"""

import base64
import binascii
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic

from validator.pdf.entries import entry
from validator.policy import SecrecyLimits

CLEAR, END = 256, 257
FIRST_BITS, LAST_BITS = 9, 12
RUN_END = 128
STEP_BYTES = 4096


@dataclass(frozen=True, slots=True)
class StreamData:
    """What a stream holds."""

    data: bytes
    fault: bool = False
    """Whether there is more in it than could be unpacked."""
    beyond: bool = False
    """Whether it goes on behind the limit."""


def stream_data(stream: Any, most: int, limits: SecrecyLimits) -> StreamData:
    """At most ``most`` bytes. ``stream``: a stream of pyHanko."""
    try:
        data = bytes(stream.data)
    except Exception:
        return _as_far_as_it_goes(stream, most, limits)
    return StreamData(data[:most], beyond=len(data) > most)


def _as_far_as_it_goes(stream: Any, most: int, limits: SecrecyLimits) -> StreamData:
    try:
        names, parameters = _filters(stream)
        made = StreamData(bytes(stream.encoded_data))
    except Exception:
        return StreamData(b"", fault=True)
    for name, details in zip(names, parameters, strict=True):
        unpack = _UNPACK.get(name)
        if unpack is None:
            return StreamData(b"", fault=True)
        try:
            step = unpack(made.data, details, most if unpack is _inflated else min(most, limits.max_content_bytes))
        except Exception:
            return StreamData(b"", fault=True)
        made = StreamData(step.data, made.fault or step.fault, made.beyond or step.beyond)
    return made


def _filters(stream: Any) -> tuple[list[str], list[Any]]:
    """Names of the filters in their order, and the parameters of each."""
    listed, details = entry(stream, "/Filter"), entry(stream, "/DecodeParms")
    names = _listed(listed)
    parameters = [*_listed(details), *([None] * len(names))]
    return [str(name) for name in names], parameters[: len(names)]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, generic.ArrayObject):
        return [each.get_object() for each in value]
    return [] if value is None or isinstance(value, generic.NullObject) else [value]


def _inflated(data: bytes, parameters: Any, most: int) -> StreamData:
    """A cut stream is no fault: no viewer finds more in it."""
    if _has_predictor(parameters):
        return StreamData(b"", fault=True)
    inflate = zlib.decompressobj()
    whole = b""
    try:
        whole = inflate.decompress(data, most)
    except zlib.error:
        return _inflated_in_steps(data, most)
    return StreamData(whole, beyond=not inflate.eof and bool(inflate.unconsumed_tail))


def _inflated_in_steps(data: bytes, most: int) -> StreamData:
    """What lies before the fault: whole steps, then byte by byte in the one that fails."""
    inflate, made = zlib.decompressobj(), bytearray()
    step = STEP_BYTES
    at = 0
    while at < len(data):
        before = inflate.copy()
        try:
            made += inflate.decompress(data[at : at + step])
        except zlib.error:
            if step == 1:
                break
            inflate, step = before, 1
            continue
        at += step
        if len(made) >= most:
            return StreamData(bytes(made[:most]), beyond=True)
    return StreamData(bytes(made), fault=True)


def _has_predictor(parameters: Any) -> bool:
    return isinstance(parameters, generic.DictionaryObject) and entry(parameters, "/Predictor", 1) != 1


def _lzw(data: bytes, parameters: Any, most: int) -> StreamData:
    """LZWDecode (§7.4.4)."""
    if _has_predictor(parameters):
        return StreamData(b"", fault=True)
    early = int(entry(parameters, "/EarlyChange", 1)) if isinstance(parameters, generic.DictionaryObject) else 1
    start = [bytes([code]) for code in range(CLEAR)] + [b"", b""]
    table, width, former = list(start), FIRST_BITS, b""
    made = bytearray()
    held = bits = 0
    for byte in data:
        held, bits = held << 8 | byte, bits + 8
        if bits < width:
            continue
        bits -= width
        code, held = held >> bits, held & ((1 << bits) - 1)
        if code == END:
            return StreamData(bytes(made))
        if code == CLEAR:
            table, width, former = list(start), FIRST_BITS, b""
            continue
        if code < len(table):
            found = table[code]
        elif code == len(table) and former:
            found = former + former[:1]
        else:
            return StreamData(bytes(made), fault=True)
        made += found
        if len(made) > most:
            return StreamData(bytes(made[:most]), beyond=True)
        if former and len(table) < 1 << LAST_BITS:
            table.append(former + found[:1])
        former = found
        width = min(LAST_BITS, max(FIRST_BITS, (len(table) + early).bit_length()))
    return StreamData(bytes(made))


def _runs(data: bytes, _parameters: Any, most: int) -> StreamData:
    """RunLengthDecode (§7.4.5)."""
    made = bytearray()
    at = 0
    while at < len(data) and data[at] != RUN_END:
        length = data[at]
        if length < RUN_END:
            made += data[at + 1 : at + 2 + length]
            at += length + 2
        else:
            made += data[at + 1 : at + 2] * (END - length)
            at += 2
        if len(made) > most:
            return StreamData(bytes(made[:most]), beyond=True)
    return StreamData(bytes(made))


def _hexadecimal(data: bytes, _parameters: Any, most: int) -> StreamData:
    digits = b"".join(data.partition(b">")[0].split())
    made = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    return StreamData(made[:most], beyond=len(made) > most)


def _base_85(data: bytes, _parameters: Any, most: int) -> StreamData:
    made = base64.a85decode(data.partition(b"~>")[0])
    return StreamData(made[:most], beyond=len(made) > most)


Unpack = Callable[[bytes, Any, int], StreamData]
_UNPACK: dict[str, Unpack] = {
    "/FlateDecode": _inflated,
    "/Fl": _inflated,
    "/LZWDecode": _lzw,
    "/LZW": _lzw,
    "/RunLengthDecode": _runs,
    "/RL": _runs,
    "/ASCIIHexDecode": _hexadecimal,
    "/AHx": _hexadecimal,
    "/ASCII85Decode": _base_85,
    "/A85": _base_85,
}
"""Filters that text and files may have; those of pictures unpack to no text."""
