"""Object streams, which hold other objects (ISO 32000-1 §7.5.7): what each of them holds, said once.

Every reader must find the same object under a number. A header that lists a number twice gives one reader the first
object and another one the last, and entries that another object states may change with that object. Such a stream is a
fault of the file.
"""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.misc import PdfReadError

from validator.pdf.bounds import check_predictor
from validator.policy import PdfLimits

Unpacked = tuple[bytes, dict[int, tuple[int, int]]]
"""A decoded object stream: its data, and by object number the object's index and offset in them."""

DIGITS, BLANKS = b"0123456789", b"\x00\t\n\x0c\r "
TO_SPACES = bytes.maketrans(BLANKS, b" " * len(BLANKS))


def unpack(stream: Any, limits: PdfLimits) -> Unpacked:
    """The objects of an object stream. Raises ``PdfReadError`` for one that readers may read differently."""
    if not isinstance(stream, generic.StreamObject) or stream.get("/Type") != "/ObjStm":
        raise PdfReadError("no object stream where a table says that there is one")
    count: Any = stream.get("/N")
    first: Any = stream.get("/First")
    coding = (stream.get("/Filter"), stream.get("/DecodeParms"))
    if not (_is_count(count) and _is_count(first) and all(map(_is_direct, coding))):
        raise PdfReadError("entries of an object stream")
    check_predictor(stream, limits)
    data = bytes(stream.read_data(DecodePurpose.OBJECT_STREAM))
    header = data[:first]
    if len(header) != first or header.translate(None, DIGITS + BLANKS):
        raise PdfReadError("header of an object stream")
    listed = [*map(int, header.translate(TO_SPACES).split())]
    numbers = listed[::2]
    if len(listed) != 2 * count or len(set(numbers)) != count:
        raise PdfReadError("an object stream does not list each of its objects once")
    return data, {number: (place, first + listed[2 * place + 1]) for place, number in enumerate(numbers)}


def _is_count(value: Any) -> bool:
    return type(value) is generic.NumberObject and value >= 0


def _is_direct(value: Any) -> bool:
    """No part of it is a reference."""
    if isinstance(value, generic.DictionaryObject):
        return all(_is_direct(value.raw_get(key)) for key in value)
    if isinstance(value, generic.ArrayObject):
        return all(_is_direct(value.raw_get(place)) for place in range(len(value)))
    return not isinstance(value, generic.IndirectObject)


def check_containers(reader: Any) -> None:
    """Every object stream that a table names, and that is there, can be read. Raises pyHanko's errors."""
    for number in sorted(reader.containers()):
        if reader.xrefs[generic.Reference(number, 0, reader)] is not None:
            reader.unpacked(number)
