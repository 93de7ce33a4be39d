"""How what a person types finds rows: DocumentIds are stored as they were sent, and compared as they look."""

import unicodedata

from common.domain.ids import comparable


def forms_of(identifier: str) -> list[str]:
    """The forms in which a DocumentId that looks like this one may be stored: as typed, in NFC, and in NFD.

    Indexes hold what is stored, so each form is looked up. What is stored with invisible characters is found only as
    it is. An empty form is left out: it would name everything of which the DocumentId is unknown.
    """
    composed = comparable(identifier)
    forms = (identifier, composed, unicodedata.normalize("NFD", composed))
    return [form for form in dict.fromkeys(forms) if form]
