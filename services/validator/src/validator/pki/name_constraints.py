"""(6.10), (6.11) What a CA may issue: name constraints and certificate policies (RFC 5280 §4.2.1.10, §6.1).

Names: directory names, DNS names and mail addresses are compared by subtree. A constraint on another kind of name makes
the chain fail if a certificate bears a name of that kind. Policies: it is only asked whether a chain that must have one
has one. Policy mappings are not followed, so that a chain that needs them fails.
"""

from collections.abc import Callable, Iterator
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from validator.pki.certificates import Chain, extension

ANY_POLICY = "2.5.29.32.0"


def names_are_permitted(path: Chain) -> bool:
    """Whether every name lies within what all CAs above it may issue."""
    for depth, ca in enumerate(path):
        limits = extension(ca, x509.NameConstraints)
        if limits is None:
            continue
        for below, certificate in enumerate(path[:depth]):
            if below > 0 and certificate.subject == certificate.issuer:
                continue  # a CA that renews itself (§6.1.3 b)
            if any(not _is_within(name, limits) for name in _names(certificate)):
                return False
    return True


def _is_within(name: x509.GeneralName, limits: x509.NameConstraints) -> bool:
    excluded = [each for each in limits.excluded_subtrees or () if type(each) is type(name)]
    permitted = [each for each in limits.permitted_subtrees or () if type(each) is type(name)]
    if not excluded and not permitted:
        return True
    lies_in = WITHIN.get(type(name))
    if lies_in is None or any(lies_in(name.value, each.value) for each in excluded):
        return False
    return not permitted or any(lies_in(name.value, each.value) for each in permitted)


def _names(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    if certificate.subject.rdns:
        yield x509.DirectoryName(certificate.subject)
    others = extension(certificate, x509.SubjectAlternativeName)
    yield from others or ()
    if others is None or not others.get_values_for_type(x509.RFC822Name):
        for mail in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
            yield x509.RFC822Name(str(mail.value))


def _in_directory(name: x509.Name, subtree: x509.Name) -> bool:
    above = [_plain(part) for part in subtree.rdns]
    return [_plain(part) for part in name.rdns[: len(above)]] == above


def _plain(part: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    """A part of a name, to be compared without regard to case and doubled blanks (RFC 5280 §7.1)."""
    return frozenset((each.oid.dotted_string, " ".join(str(each.value).casefold().split())) for each in part)


def _in_domain(name: str, subtree: str) -> bool:
    """A domain and all below it; only those below it where the subtree begins with a dot."""
    name, subtree = name.casefold(), subtree.casefold()
    if subtree.startswith("."):
        return name.endswith(subtree)
    return not subtree or name == subtree or name.endswith("." + subtree)


def _in_mail(name: str, subtree: str) -> bool:
    """One mailbox, all of one host, or all hosts of a domain (leading dot)."""
    local, _, host = name.rpartition("@")
    if "@" in subtree:
        wanted, _, where = subtree.rpartition("@")
        return local == wanted and host.casefold() == where.casefold()
    if subtree.startswith("."):
        return host.casefold().endswith(subtree.casefold())
    return host.casefold() == subtree.casefold()


WITHIN: dict[type[x509.GeneralName], Callable[[Any, Any], bool]] = {
    x509.DirectoryName: _in_directory,
    x509.DNSName: _in_domain,
    x509.RFC822Name: _in_mail,
}


def holds_policy(path: Chain) -> bool:
    """Whether the chain has a certificate policy, if it must have one. The root's own do not count."""
    valid: set[str] | None = None  # None = any
    explicit = inhibited = len(path) + 1
    for depth in range(len(path) - 2, -1, -1):
        certificate = path[depth]
        valid = _valid_policies(certificate, valid, any_counts=inhibited > 0)
        renews = certificate.subject == certificate.issuer
        if not renews:
            explicit, inhibited = max(explicit - 1, 0), max(inhibited - 1, 0)
        limits, no_any = extension(certificate, x509.PolicyConstraints), extension(certificate, x509.InhibitAnyPolicy)
        if limits and limits.require_explicit_policy is not None:
            explicit = min(explicit, limits.require_explicit_policy)
        if no_any:
            inhibited = min(inhibited, no_any.skip_certs)
    return explicit > 0 or valid != set()


def _valid_policies(certificate: x509.Certificate, above: set[str] | None, *, any_counts: bool) -> set[str] | None:
    stated = extension(certificate, x509.CertificatePolicies)
    own = {each.policy_identifier.dotted_string for each in stated or ()}
    if ANY_POLICY in own and any_counts:
        return above
    own.discard(ANY_POLICY)
    return own if above is None else above & own
