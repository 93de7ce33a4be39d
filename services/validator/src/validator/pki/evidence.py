"""Validation data that a document brings along in its DSS (EN 319 142-1 §5.4): read when our own does not suffice.

Evidence out of a document counts only if it is authentic (signed by a CA that we hold) and says something about the
time in question. Nothing is fetched, and no certificate of the document is ever trusted.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from validator.pki.crl import Crl, Revocation, read_crl
from validator.pki.ocsp import read_answers
from validator.pki.trust import Trust
from validator.policy import Policy

MAX_ITEMS = 64
MAX_BYTES = 16 * 1024 * 1024
CRLS, OCSPS = ("/CRLs", "/CRL"), ("/OCSPs", "/OCSP")

log = logging.getLogger(__name__)

Proofs = Sequence[tuple[int, datetime]]
"""Trusted document time stamps: revision and time. What stands in an earlier revision existed at that time."""


@dataclass(frozen=True)
class Evidence:
    """Everything that is known on revocation while one document is looked at."""

    local: Revocation
    trust: Trust
    policy: Policy
    reader: PdfFileReader
    proofs: Proofs

    def about(self, issuer: str) -> tuple[Crl, ...]:
        """Statements of that CA, local ones first."""
        return (*self.local.about(issuer), *(found for found in self.embedded if found.issuer == issuer))

    @cached_property
    def embedded(self) -> tuple[Crl, ...]:
        """The authentic CRLs and OCSP answers of the document."""
        try:
            return tuple(self._read())
        except Exception as error:
            log.debug("DSS not readable: %s", type(error).__name__)
            return ()

    def _read(self) -> Iterator[Crl]:
        store = _entry(self.reader.root, "/DSS")
        if not isinstance(store, generic.DictionaryObject):
            return
        known, total = self.trust.authorities, 0
        for data, known_at, is_crl in self._items(store):
            total += len(data)
            if total > MAX_BYTES:
                return
            try:
                if is_crl:
                    yield read_crl(known, data, self.policy, embedded=True, known_at=known_at)
                else:
                    yield from read_answers(known, data, self.policy, known_at)
            except Exception as error:
                log.debug("validation data not used: %s", type(error).__name__)

    def _items(self, store: generic.DictionaryObject) -> Iterator[tuple[bytes, datetime | None, bool]]:
        seen: set[Any] = set()
        for reference, is_crl in self._references(store):
            if reference in seen:
                continue
            seen.add(reference)
            if len(seen) > MAX_ITEMS:
                return
            stream = reference.get_object()
            if isinstance(stream, generic.StreamObject):
                yield stream.data, self._known_at(reference), is_crl

    def _references(self, store: generic.DictionaryObject) -> Iterator[tuple[generic.IndirectObject, bool]]:
        folders = [store]
        entries = _entry(store, "/VRI")
        if isinstance(entries, generic.DictionaryObject):
            folders += [entries[key] for key in list(entries)[:MAX_ITEMS]]
        for folder in folders:
            for names, is_crl in ((CRLS, True), (OCSPS, False)):
                for name in names:
                    for raw in _raw(folder, name):
                        yield raw, is_crl

    def _known_at(self, reference: generic.IndirectObject) -> datetime | None:
        """The earliest proof of its existence besides our own clock."""
        changed = self.reader.xrefs.get_last_change(reference.reference)
        return min((at for revision, at in self.proofs if revision >= changed), default=None)


def stored_certificates(reader: PdfFileReader) -> Iterator[bytes]:
    """The certificates of the DSS, for looking up who signed; not for chains. Raises anything on hostile bytes."""
    total = 0
    for raw in _raw(_entry(reader.root, "/DSS"), "/Certs"):
        stream = raw.get_object()
        if isinstance(stream, generic.StreamObject):
            total += len(stream.data)
            if total > MAX_BYTES:
                return
            yield stream.data


def _entry(folder: Any, name: str) -> Any:
    """The entry behind whatever references."""
    return folder[name] if isinstance(folder, generic.DictionaryObject) and name in folder else None


def _raw(folder: Any, name: str) -> Iterator[generic.IndirectObject]:
    found = _entry(folder, name)
    if isinstance(found, generic.ArrayObject):
        for number in range(min(len(found), MAX_ITEMS)):
            raw = found.raw_get(number)
            if isinstance(raw, generic.IndirectObject):
                yield raw
