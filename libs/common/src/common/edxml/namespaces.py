"""Prefixes and what they stand for, element by element (Namespaces in XML 1.0).

Expat's own namespace mode ends at the first undeclared prefix; real messages have some (T22), so prefixes are
resolved here.
"""

from common.domain.reason import Reason
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.unreadable import Unreadable
from common.edxml.wire import NAMESPACE, PREFIX

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
UNDECLARED = "undeclared:"
"""Stands for the namespace of a prefix that is declared nowhere."""


class Namespaces:
    """The declarations in force at the element being read."""

    def __init__(self, notes: Notes, strict: bool, max_attributes: int) -> None:
        self._scopes: list[dict[str, str]] = [{"": "", "xml": XML_NAMESPACE}]
        self._notes = notes
        self._strict = strict
        self._max_attributes = max_attributes

    def enter(self, name: str, attributes: dict[str, str]) -> tuple[str, str]:
        """Open an element. Returns its namespace and local name.

        Raises ``Unreadable``: E_XML if it is not namespace-well-formed beyond repair, E_SIZE for too many attributes.
        """
        if len(attributes) > self._max_attributes:
            raise self._too_many()
        declared = {_prefix_of(key): uri for key, uri in attributes.items() if _declares(key)}
        self._scopes.append(self._scopes[-1] | _checked(declared) if declared else self._scopes[-1])
        if len(self._scopes[-1]) > self._max_attributes:
            raise self._too_many()
        for key in attributes:
            if ":" in key and not _declares(key):
                self._resolve(key)
        return self._resolve(name)

    def leave(self) -> None:
        """Close the element opened last."""
        self._scopes.pop()

    def _too_many(self) -> Unreadable:
        return Unreadable(Reason.E_SIZE, f"An element has more than {self._max_attributes} attributes or prefixes.")

    def _resolve(self, name: str) -> tuple[str, str]:
        prefix, _, local = name.rpartition(":")
        if ":" in prefix or not local or name.startswith(":"):
            raise Unreadable(Reason.E_XML, "A name holds more than one colon or nothing beside it.")
        uri = self._scopes[-1].get(prefix)
        return (self._repair(prefix) if uri is None else uri), local

    def _repair(self, prefix: str) -> str:
        """An undeclared ``edXML:`` means what it always means, any other prefix something unknown (T22)."""
        if self._strict:
            raise Unreadable(Reason.E_XML, "A namespace prefix is declared nowhere.")
        self._notes.add(Tolerance.T22)
        return NAMESPACE if prefix.lower() == PREFIX.lower() else UNDECLARED


def _declares(key: str) -> bool:
    return key == "xmlns" or key.startswith("xmlns:")


def _prefix_of(key: str) -> str:
    return key.partition(":")[2]


def _checked(declared: dict[str, str]) -> dict[str, str]:
    """Refuse what the recommendation forbids: undeclaring a prefix, or rebinding ``xml`` and ``xmlns``."""
    for prefix, uri in declared.items():
        if (prefix and not uri) or ":" in prefix or prefix == "xmlns" or (prefix == "xml") != (uri == XML_NAMESPACE):
            raise Unreadable(Reason.E_XML, "A namespace declaration is not allowed.")
    return {prefix: uri.strip() for prefix, uri in declared.items()}
