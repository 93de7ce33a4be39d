"""(3.1) Usage rights: a signature of the program that switched functions of a reader on, not of anybody for a document.

It hangs in the catalog (/Perms /UR3, ISO 32000-1 §12.8.2.3) and in no form field. It proves nothing and is not judged;
but nobody must hide a true signature by hanging it there. So it names its method, is an object of its own, and came
before the first signature. Where there is no signature at all, it covers the bytes that it says it covers: one that
was moved there from a field does not.
"""

import hashlib
from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from validator.cms import ber
from validator.cms import signed_data as cms

KEYS = ("/UR3", "/UR")


def usage_rights(reader: PdfFileReader) -> list[generic.IndirectObject]:
    """The signature dictionaries that hang there. Raises anything on hostile bytes."""
    permissions = reader.root["/Perms"] if "/Perms" in reader.root else None  # noqa: SIM401 - ``get`` does not follow
    if not isinstance(permissions, generic.DictionaryObject):
        return []
    found = (permissions.raw_get(key) for key in KEYS if key in permissions)
    return [each for each in found if isinstance(each, generic.IndirectObject) and _is_of_rights(each.get_object())]


def _is_of_rights(value: object) -> bool:
    if not isinstance(value, generic.DictionaryObject) or "/ByteRange" not in value:
        return False
    return any(method in KEYS for method in _methods(value))


def _methods(value: generic.DictionaryObject) -> Iterator[str]:
    for reference in value["/Reference"] if "/Reference" in value else ():  # noqa: SIM401 - ``get`` does not follow
        yield str(reference.get_object()["/TransformMethod"])


def covers_what_it_says(document: bytes, value: generic.DictionaryObject) -> bool:
    """Whether its message binds the bytes of its ByteRange."""
    _, first, second, length = (int(number) for number in value["/ByteRange"])
    covered = document[:first] + document[second : second + length]
    contents = value["/Contents"].original_bytes
    message = cms.read(contents[: ber.element(contents).end])
    if message.content is not None:  # adbe.pkcs7.sha1
        return message.content == hashlib.sha1(covered, usedforsecurity=False).digest()
    digest = message.one(cms.MESSAGE_DIGEST)
    return digest is not None and digest.octets() == hashlib.new(message.digest, covered).digest()
