"""The validation data that a document brings along in its DSS (EN 319 142-1 §5.4), as bytes.

What cannot be read is left out, and takes nothing else along. Raises anything if the catalog cannot be read.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pyhanko.pdf_utils import generic

from common.containment import contained
from validator.pdf.entries import readable_entry
from validator.pdf.reader import Reader
from validator.pdf.schema import CRL_ARRAYS, OCSP_ARRAYS
from validator.policy import PdfLimits
from validator.report.vocabulary import StatusKind


class StoredEvidence(NamedTuple):
    """One stream of revocation evidence."""

    kind: StatusKind
    data: bytes
    revision: int
    """The last one that changed the stream: a time stamp over it proves that the evidence existed."""


def stored_evidence(reader: Reader) -> Iterator[StoredEvidence]:
    """Revocation lists and OCSP responses of the DSS and its VRI entries, each stream once, within the limits."""
    limits, total = reader.policy.pdf, 0
    for kind, reference in _distinct(_references(reader, limits), limits.max_security_store_items):
        if (data := _data(reference)) is not None:
            total += len(data)
            if total > limits.max_security_store_bytes:
                return
            yield StoredEvidence(kind, data, reader.xrefs.get_last_change(reference.reference))


def stored_certificates(reader: Reader) -> Iterator[bytes]:
    """The certificates of the DSS, to look up who signed; never to build chains."""
    limits, total = reader.policy.pdf, 0
    for reference in _array(_entry(reader.root, "/DSS"), "/Certs", limits):
        if (data := _data(reference)) is not None:
            total += len(data)
            if total > limits.max_security_store_bytes:
                return
            yield data


def _data(reference: generic.IndirectObject) -> bytes | None:
    """The data of a stream; None = there is none, or they cannot be read."""
    with contained(lambda _: None):
        stream = reference.get_object()
        return stream.data if isinstance(stream, generic.StreamObject) else None
    return None


Referenced = tuple[StatusKind, generic.IndirectObject]


def _references(reader: Reader, limits: PdfLimits) -> Iterator[Referenced]:
    store = _entry(reader.root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return
    folders = [store]
    entries = _entry(store, "/VRI")
    if isinstance(entries, generic.DictionaryObject):
        folders += [readable_entry(entries, key) for key in list(entries)[: limits.max_security_store_items]]
    for folder in folders:
        for kind, keys in ((StatusKind.CRL, CRL_ARRAYS), (StatusKind.OCSP, OCSP_ARRAYS)):
            for key in keys:
                for reference in _array(folder, key, limits):
                    yield kind, reference


def _distinct(references: Iterator[Referenced], most: int) -> Iterator[Referenced]:
    seen: set[Any] = set()
    for kind, reference in references:
        if reference in seen:
            continue
        seen.add(reference)
        if len(seen) > most:
            return
        yield kind, reference


def _entry(folder: Any, key: str) -> Any:
    """The entry, references followed; None = there is none that can be read."""
    return readable_entry(folder, key) if isinstance(folder, generic.DictionaryObject) else None


def _array(folder: Any, key: str, limits: PdfLimits) -> Iterator[generic.IndirectObject]:
    array = _entry(folder, key)
    if isinstance(array, generic.ArrayObject):
        for place in range(min(len(array), limits.max_security_store_items)):
            reference = array.raw_get(place)
            if isinstance(reference, generic.IndirectObject):
                yield reference
