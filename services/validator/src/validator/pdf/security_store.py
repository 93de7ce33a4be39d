"""The validation data that a document brings along in its DSS (EN 319 142-1 §5.4), as bytes. Raises anything."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pyhanko.pdf_utils import generic

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
        stream = reference.get_object()
        if isinstance(stream, generic.StreamObject):
            data = stream.data
            revision = reader.xrefs.get_last_change(reference.reference)
            total += len(data)
            if total > limits.max_security_store_bytes:
                return
            yield StoredEvidence(kind, data, revision)


def stored_certificates(reader: Reader) -> Iterator[bytes]:
    """The certificates of the DSS, to look up who signed; never to build chains."""
    limits, total = reader.policy.pdf, 0
    for reference in _array(_entry(reader.root, "/DSS"), "/Certs", limits):
        stream = reference.get_object()
        if isinstance(stream, generic.StreamObject):
            total += len(stream.data)
            if total > limits.max_security_store_bytes:
                return
            yield stream.data


Referenced = tuple[StatusKind, generic.IndirectObject]


def _references(reader: Reader, limits: PdfLimits) -> Iterator[Referenced]:
    store = _entry(reader.root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return
    folders = [store]
    entries = _entry(store, "/VRI")
    if isinstance(entries, generic.DictionaryObject):
        folders += [entries[key] for key in list(entries)[: limits.max_security_store_items]]
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
    """The entry, references followed; None = there is none."""
    return folder[key] if isinstance(folder, generic.DictionaryObject) and key in folder else None


def _array(folder: Any, key: str, limits: PdfLimits) -> Iterator[generic.IndirectObject]:
    array = _entry(folder, key)
    if isinstance(array, generic.ArrayObject):
        for place in range(min(len(array), limits.max_security_store_items)):
            reference = array.raw_get(place)
            if isinstance(reference, generic.IndirectObject):
                yield reference
