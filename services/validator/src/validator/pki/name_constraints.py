"""(6.10) Names that a CA may issue (RFC 5280 §4.2.1.10).

Directory names, DNS names, mail addresses, URIs and IP addresses are compared by subtree. A constraint on another kind
of name makes the chain fail if a certificate bears a name of that kind.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from validator.cms.certificate import Certificate
from validator.cms.extensions import NameConstraints, alternative_names, name_constraints
from validator.cms.general_names import GeneralName, NameForm, directory_name
from validator.cms.names import EMAIL_ADDRESS, Name
from validator.pki.certificates import Chain

HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
WILDCARD = "*."
ADDRESS_BYTES = (4, 16)


def names_outside_of(path: Chain) -> Certificate | None:
    """The CA within whose limits a name below it does not lie; None = there is none. Raises ``ValueError``."""
    for depth, ca in enumerate(path):
        limits = name_constraints(ca)
        if limits is None:
            continue
        for below, certificate in enumerate(path[:depth]):
            if below > 0 and certificate.is_self_issued:
                continue  # a CA that renews itself (§6.1.3 b)
            if not all(_is_within(name, limits) for name in _names(certificate)):
                return ca
    return None


def _is_within(name: GeneralName, limits: NameConstraints) -> bool:
    """Whether it lies within what is permitted, if anything is, and within nothing that is excluded.

    A name of which that cannot be told is refused either way, such as a URI without a host name (§4.2.1.10).
    """
    excluded = [each for each in limits.excluded if each.form is name.form]
    permitted = [each for each in limits.permitted if each.form is name.form]
    lies_in = WITHIN.get(name.form, _cannot_be_told)
    if any(lies_in(name, each) is not False for each in excluded):
        return False
    return not permitted or any(lies_in(name, each) for each in permitted)


def _names(certificate: Certificate) -> Iterator[GeneralName]:
    if certificate.subject:
        yield directory_name(certificate.subject)
    others = alternative_names(certificate)
    yield from others
    if not any(each.form is NameForm.MAIL for each in others):
        for mail in certificate.subject.values_of(EMAIL_ADDRESS):
            yield GeneralName(NameForm.MAIL, mail)


def _cannot_be_told(_name: GeneralName, _subtree: GeneralName) -> None:
    """A kind of name that is not compared here."""


def _in_directory(name: GeneralName, subtree: GeneralName) -> bool | None:
    if not isinstance(name.value, Name) or not isinstance(subtree.value, Name):
        return None
    return name.value.is_within(subtree.value)


def _in_domain(name: GeneralName, subtree: GeneralName) -> bool | None:
    """A domain and all below it; only those below it where the subtree begins with a dot."""
    host, domain = name.text.removeprefix(WILDCARD), subtree.text
    is_there = _is_host_of(host, domain)
    return is_there if is_there is None else is_there or _is_host_of(host, "." + domain.removeprefix("."))


def _in_mail(name: GeneralName, subtree: GeneralName) -> bool | None:
    """One mailbox, all of one host, or all hosts of a domain (leading dot)."""
    local, at, host = name.text.rpartition("@")
    wanted, _, where = subtree.text.rpartition("@")
    is_there = _is_host_of(host, where) if at else None
    return is_there and wanted in ("", local)


def _in_uri(name: GeneralName, subtree: GeneralName) -> bool | None:
    """A URI of one host, or of all hosts of a domain (leading dot)."""
    try:
        host = urlsplit(name.text).hostname or ""
    except ValueError:
        return None
    return _is_host_of(host, subtree.text)


def _is_host_of(host: str, subtree: str) -> bool | None:
    """Whether a host is the one that the subtree names, or, behind a leading dot, below it; an empty subtree is all.

    A final dot of either means nothing. None = one of them is no host name, such as an address, or one with characters
    that are written in another way.
    """
    host, subtree = host.casefold().removesuffix("."), subtree.casefold().removesuffix(".")
    domain = subtree.removeprefix(".")
    if not _is_host_name(host) or (domain and not _is_host_name(domain)):
        return None
    return host.endswith(subtree) if subtree.startswith(".") or not subtree else host == subtree


def _is_host_name(text: str) -> bool:
    """No top-level domain is a number: what ends with one is an address, in whatever form."""
    return HOST_NAME.fullmatch(text) is not None and NUMBER.fullmatch(text.rpartition(".")[2]) is None


def _in_network(name: GeneralName, subtree: GeneralName) -> bool | None:
    """An address of a network: the subtree is an address and a mask."""
    if len(name.raw) not in ADDRESS_BYTES or len(subtree.raw) // 2 not in ADDRESS_BYTES or len(subtree.raw) % 2:
        return None
    address, mask = subtree.raw[: len(subtree.raw) // 2], subtree.raw[len(subtree.raw) // 2 :]
    if len(address) != len(name.raw):
        return False
    return all(here & bits == there & bits for here, there, bits in zip(name.raw, address, mask, strict=True))


WITHIN: dict[NameForm, Callable[[GeneralName, GeneralName], bool | None]] = {
    NameForm.DIRECTORY: _in_directory,
    NameForm.DNS: _in_domain,
    NameForm.MAIL: _in_mail,
    NameForm.URI: _in_uri,
    NameForm.IP: _in_network,
}
"""Whether a name lies within a subtree of its kind; None = that cannot be told."""
