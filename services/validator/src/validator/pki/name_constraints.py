"""(6.10) Names that a CA may issue (RFC 5280 §4.2.1.10).

Directory names, DNS names, mail addresses, URIs and IP addresses are compared by subtree. A constraint on another kind
of name makes the chain fail if a certificate bears a name of that kind.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from validator.cms.certificate import Certificate
from validator.cms.extensions import NameConstraints, alternative_names, name_constraints
from validator.cms.general_names import GeneralName, NameForm, directory_name
from validator.cms.names import EMAIL_ADDRESS, Name
from validator.pki.certificates import Chain


def names_are_permitted(path: Chain) -> bool:
    """Whether every name lies within what all CAs above it may issue. Raises ``ValueError``."""
    for depth, ca in enumerate(path):
        limits = name_constraints(ca)
        if limits is None:
            continue
        for below, certificate in enumerate(path[:depth]):
            if below > 0 and certificate.is_self_issued:
                continue  # a CA that renews itself (§6.1.3 b)
            if not all(_is_within(name, limits) for name in _names(certificate)):
                return False
    return True


def _is_within(name: GeneralName, limits: NameConstraints) -> bool:
    excluded = [each for each in limits.excluded if each.form is name.form]
    permitted = [each for each in limits.permitted if each.form is name.form]
    if not excluded and not permitted:
        return True
    lies_in = WITHIN.get(name.form)
    if lies_in is None or any(lies_in(name, each) for each in excluded):
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


def _in_directory(name: GeneralName, subtree: GeneralName) -> bool:
    return isinstance(name.value, Name) and isinstance(subtree.value, Name) and name.value.is_within(subtree.value)


def _in_domain(name: GeneralName, subtree: GeneralName) -> bool:
    """A domain and all below it; only those below it where the subtree begins with a dot."""
    host, domain = name.text.casefold(), subtree.text.casefold()
    if domain.startswith("."):
        return host.endswith(domain)
    return not domain or host == domain or host.endswith("." + domain)


def _in_mail(name: GeneralName, subtree: GeneralName) -> bool:
    """One mailbox, all of one host, or all hosts of a domain (leading dot)."""
    local, _, host = name.text.rpartition("@")
    if "@" in subtree.text:
        wanted, _, where = subtree.text.rpartition("@")
        return local == wanted and host.casefold() == where.casefold()
    return _is_host_of(host, subtree.text)


def _in_uri(name: GeneralName, subtree: GeneralName) -> bool:
    """A URI of one host, or of all hosts of a domain (leading dot). One without a host name lies nowhere; where it
    must not lie, everywhere."""
    try:
        host = urlsplit(name.text).hostname or ""
    except ValueError:
        host = ""
    return _is_host_of(host, subtree.text)


def _is_host_of(host: str, subtree: str) -> bool:
    host, subtree = host.casefold(), subtree.casefold()
    return host.endswith(subtree) if subtree.startswith(".") else host == subtree


def _in_network(name: GeneralName, subtree: GeneralName) -> bool:
    """An address of a network: the subtree is an address and a mask."""
    address, mask = subtree.raw[: len(name.raw)], subtree.raw[len(name.raw) :]
    if len(address) != len(mask):
        return False
    return all(here & bits == there & bits for here, there, bits in zip(name.raw, address, mask, strict=True))


WITHIN: dict[NameForm, Callable[[GeneralName, GeneralName], bool]] = {
    NameForm.DIRECTORY: _in_directory,
    NameForm.DNS: _in_domain,
    NameForm.MAIL: _in_mail,
    NameForm.URI: _in_uri,
    NameForm.IP: _in_network,
}
