"""The validation data that a document brings along in its DSS (EN 319 142-1 §5.4), as bytes.

What cannot be read is left out, and takes nothing else along. The newest comes first, so that no earlier update can
crowd out what a later one brings. Raises anything if the catalog cannot be read.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from pyhanko.pdf_utils import generic

from common.containment import contained
from validator.pdf.entries import readable_entry
from validator.pdf.reader import Reader
from validator.pdf.schema import CRL_ARRAYS, OCSP_ARRAYS
from validator.policy import PdfLimits
from validator.report.vocabulary import StatusKind

Kind = TypeVar("Kind")


class StoredEvidence(NamedTuple):
    """One stream of revocation evidence."""

    kind: StatusKind
    data: bytes
    revision: int
    """The last one that changed the stream: a time stamp over it proves that the evidence existed."""


def stored_evidence(reader: Reader) -> Iterator[StoredEvidence]:
    """Revocation lists and OCSP responses of the DSS and its VRI entries, each stream once.

    As many as are looked at; how many of them count is the caller's to say.
    """
    limits = reader.policy.pdf
    for revision, reference, kind in _newest_first(reader, _references(reader, limits)):
        if (data := _data(reference)) is not None:
            yield StoredEvidence(kind, data, revision)


def stored_certificates(reader: Reader) -> Iterator[bytes]:
    """The certificates of the DSS within the limits, to look up who signed; never to build chains."""
    limits = reader.policy.pdf
    left, looked_at = limits.max_security_store_bytes, reader.policy.revocation.max_embedded_looked_at_bytes
    items = 0
    references = ((each, "") for each in _array(_entry(reader.root, "/DSS"), "/Certs", limits))
    for _, reference, _ in _newest_first(reader, references):
        if items >= limits.max_security_store_items or looked_at < 0:
            return
        if (data := _data(reference)) is not None:
            looked_at -= len(data)
            if len(data) <= left:
                items, left = items + 1, left - len(data)
                yield data


def _data(reference: generic.IndirectObject) -> bytes | None:
    """The data of a stream; None = there is none, or they cannot be read."""
    with contained(lambda _: None, passing=(MemoryError,)):
        stream = reference.get_object()
        return stream.data if isinstance(stream, generic.StreamObject) else None
    return None


def _newest_first(
    reader: Reader, references: Iterable[tuple[generic.IndirectObject, Kind]]
) -> list[tuple[int, generic.IndirectObject, Kind]]:
    """Each reference once, with the last revision that changed the object; without those that lead nowhere."""
    found: dict[Any, tuple[int, generic.IndirectObject, Kind]] = {}
    for reference, kind in references:
        if reference not in found:
            with contained(lambda _: None, passing=(MemoryError,)):
                found[reference] = (reader.xrefs.get_last_change(reference.reference), reference, kind)
    return sorted(found.values(), key=lambda each: each[0], reverse=True)


def _references(reader: Reader, limits: PdfLimits) -> Iterator[tuple[generic.IndirectObject, StatusKind]]:
    store = _entry(reader.root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return
    folders = [store]
    entries = _entry(store, "/VRI")
    if isinstance(entries, generic.DictionaryObject):
        folders += [readable_entry(entries, key) for key in list(entries)[-limits.max_security_store_items :]]
    for folder in folders:
        for kind, keys in ((StatusKind.CRL, CRL_ARRAYS), (StatusKind.OCSP, OCSP_ARRAYS)):
            for key in keys:
                for reference in _array(folder, key, limits):
                    yield reference, kind


def _entry(folder: Any, key: str) -> Any:
    """The entry, references followed; None = there is none that can be read."""
    return readable_entry(folder, key) if isinstance(folder, generic.DictionaryObject) else None


def _array(folder: Any, key: str, limits: PdfLimits) -> Iterator[generic.IndirectObject]:
    """From the end, where tools add what is new."""
    array = _entry(folder, key)
    if isinstance(array, generic.ArrayObject):
        for place in reversed(range(max(0, len(array) - limits.max_security_store_references), len(array))):
            reference = array.raw_get(place)
            if isinstance(reference, generic.IndirectObject):
                yield reference
