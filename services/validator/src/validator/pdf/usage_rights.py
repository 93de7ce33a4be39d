"""Usage rights: a signature by which a program enabled functions of a reader, not anybody's signature of the document.

It hangs in the catalog (/Perms /UR3, ISO 32000-1 §12.8.2.3) and in no form field. It proves nothing and is not judged;
but nobody may hide a true signature by hanging it there. Therefore it must name its method, be an object of its own and
be older than the first signature. Where there is no signature at all, it must cover the bytes that it says it covers:
a signature that was moved there from a field does not.
"""

import hashlib
from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from validator.cms import ber
from validator.cms.signed_data import MESSAGE_DIGEST, read_signed_data
from validator.pdf.schema import USAGE_RIGHTS_KEYS
from validator.policy import CmsLimits


def usage_rights(reader: PdfFileReader) -> list[generic.IndirectObject]:
    """The signature dictionaries of usage rights. Raises anything on hostile bytes."""
    permissions = reader.root["/Perms"] if "/Perms" in reader.root else None  # noqa: SIM401 - ``get`` does not follow
    if not isinstance(permissions, generic.DictionaryObject):
        return []
    entries = (permissions.raw_get(key) for key in USAGE_RIGHTS_KEYS if key in permissions)
    return [each for each in entries if isinstance(each, generic.IndirectObject) and _grants_rights(each.get_object())]


def _grants_rights(value: object) -> bool:
    if not isinstance(value, generic.DictionaryObject) or "/ByteRange" not in value:
        return False
    return any(method in USAGE_RIGHTS_KEYS for method in _methods(value))


def _methods(value: generic.DictionaryObject) -> Iterator[str]:
    for reference in value["/Reference"] if "/Reference" in value else ():  # noqa: SIM401 - ``get`` does not follow
        yield str(reference.get_object()["/TransformMethod"])


def covers_its_byte_range(document: bytes, value: generic.DictionaryObject, limits: CmsLimits) -> bool:
    """Whether its message binds the bytes of its ByteRange. Raises anything on hostile bytes."""
    _, first, second, length = (int(number) for number in value["/ByteRange"])
    covered = document[:first] + document[second : second + length]
    contents = value["/Contents"].original_bytes
    message = read_signed_data(contents[: ber.read_element(contents, limits).end], limits)
    if message.content is not None:  # adbe.pkcs7.sha1
        return message.content == hashlib.sha1(covered, usedforsecurity=False).digest()
    digest = message.one(MESSAGE_DIGEST)
    return digest is not None and digest.octets() == hashlib.new(message.digest, covered).digest()
