"""How what a person types finds rows: DocumentIds are stored as they were sent, and compared as they look."""

import unicodedata

from common.domain.ids import comparable


def forms_of(identifier: str) -> list[str]:
    """The forms in which a DocumentId that looks like this one may be stored: as typed, composed (NFC), decomposed
    (NFD).

    Indexes hold what is stored, so the forms are looked up. A stored one with invisible characters is found only as it
    is.
    """
    composed = comparable(identifier)
    return list(dict.fromkeys((identifier, composed, unicodedata.normalize("NFD", composed))))
