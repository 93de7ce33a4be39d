"""General names (RFC 5280 §4.2.1.6), compared by value."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

from validator.cms.ber import Element
from validator.cms.names import Name, read_name


class NameForm(Enum):
    """The kinds of general names, by their context tag."""

    OTHER = 0
    MAIL = 1
    DNS = 2
    X400 = 3
    DIRECTORY = 4
    EDI = 5
    URI = 6
    IP = 7
    REGISTERED = 8


TEXTS = frozenset({NameForm.MAIL, NameForm.DNS, NameForm.URI})


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One name; equal to another of the same form and value."""

    form: NameForm
    value: Name | str | bytes
    """A directory name, a text in the form in which it is compared, or the bytes of any other form."""

    @property
    def raw(self) -> bytes:
        """The bytes of a form that is neither text nor a directory name."""
        return self.value if isinstance(self.value, bytes) else b""

    @property
    def text(self) -> str:
        """The text of a mail address, a DNS name or a URI."""
        return self.value if isinstance(self.value, str) else ""


def read_general_name(element: Element) -> GeneralName:
    """A general name. Raises ``ValueError``."""
    form = NameForm(element.tag & 0x1F)
    if form is NameForm.DIRECTORY:
        (inside,) = element
        return GeneralName(form, read_name(inside.raw, element.limits))
    if form in TEXTS:
        text = element.content.decode("utf-8")
        return GeneralName(form, _normal_uri(text) if form is NameForm.URI else text)
    return GeneralName(form, element.content)


def directory_name(name: Name) -> GeneralName:
    """A distinguished name as a general name."""
    return GeneralName(NameForm.DIRECTORY, name)


def _normal_uri(text: str) -> str:
    """Scheme and host in small letters (RFC 5280 §7.4)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return urlunsplit((parts.scheme, parts.netloc.lower(), *parts[2:]))
