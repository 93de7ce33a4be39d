"""The same question to OpenSSL and to pyhanko-certvalidator: is there a chain that is valid and not revoked?

Four ways of theirs are made up for, so that what differs says something:

* OpenSSL follows one way up and does not come back from it where a later check fails, and of certvalidator only the
  last way's error is seen: both are asked for every way.
* OpenSSL takes a policy to be required by the caller where it is asked without one, and then finds none where a CA
  requires an explicit one: it is asked with anyPolicy, which is what RFC 5280 §6.1.1 (c) has for a caller without wish.
* OpenSSL looks at one list of a name: it is given those of the key that the way goes by, where there are any, and that
  nothing of the way is on another list is seen to here. For the chains of lists it is given the other certificates as
  well, and may go by one of those instead: none of them is on a list either.
* certvalidator takes a CA for validated once it has looked at a list of it, without having asked for the revocation of
  the CA itself: it is asked for every certificate of the way.
"""

import asyncio
import itertools
import logging
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.validate import async_validate_path

from .hierarchies import ANY_POLICY, AT, Hierarchy

logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def _pem(path: Path, items: list[x509.Certificate] | list[x509.CertificateRevocationList]) -> str:
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in items))
    return str(path)


Way = tuple[x509.Certificate, ...]
"""The leaf first, without the root."""


def ask_openssl(hierarchy: Hierarchy, way: Way, folder: Path) -> str:
    """What OpenSSL has against a way; empty = nothing."""
    if any(is_listed(hierarchy, each) for each in way):
        return "on a list"
    return _ask_openssl(hierarchy, way, _lists_for(hierarchy, way), folder)


def is_listed(hierarchy: Hierarchy, certificate: x509.Certificate) -> bool:
    """Whether any list names it."""
    number = certificate.serial_number
    return number in hierarchy.listed.get(hierarchy.issuer_names[number], ())


def holds_for_openssl(
    hierarchy: Hierarchy, certificate: x509.Certificate, anchors: list[x509.Certificate], at: datetime, folder: Path
) -> bool:
    """Whether OpenSSL finds a chain to one of the anchors for a certificate, by any way, revocation aside."""
    ways_up = itertools.islice(_above(hierarchy, (certificate,)), 40)
    return any(_holds(way, anchors, at, folder) for way in ways_up)


def _holds(way: Way, anchors: list[x509.Certificate], at: datetime, folder: Path) -> bool:
    words = ["openssl", "verify", "-attime", str(int(at.timestamp())), "-policy_check"]
    words += ["-policy", ANY_POLICY.dotted_string, "-purpose", "any", "-no-CApath"]
    words += ["-trusted", _pem(folder / "roots", anchors)]
    if way[1:]:
        words += ["-untrusted", _pem(folder / "untrusted", list(way[1:]))]
    done = subprocess.run([*words, _pem(folder / "leaf", [way[0]])], capture_output=True, check=False)
    return done.returncode == 0


def _lists_for(hierarchy: Hierarchy, way: Way) -> list[x509.CertificateRevocationList]:
    """Of every name on the way, the lists in force of the way's own key; where there are none, all of that name."""
    keys = [each.public_key() for each in (*way[1:], *hierarchy.roots)]
    in_force = [crl for crl in hierarchy.crls if crl.next_update_utc and crl.next_update_utc > AT]
    own = [crl for crl in in_force if any(crl.is_signature_valid(key) for key in keys)]  # type: ignore[arg-type]
    named = {plain(crl.issuer) for crl in own}
    return own + [crl for crl in hierarchy.crls if plain(crl.issuer) not in named]


def plain(name: x509.Name) -> str:
    return " ".join(str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value).split()).casefold()


def _ask_openssl(hierarchy: Hierarchy, way: Way, crls: list[x509.CertificateRevocationList], folder: Path) -> str:
    """What OpenSSL has against it; empty = nothing."""
    signers = [each for each in hierarchy.intermediates if each not in way and not is_listed(hierarchy, each)]
    words = [
        "openssl", "verify", "-attime", str(int(AT.timestamp())), "-trusted", _pem(folder / "roots", hierarchy.roots),
        "-crl_check_all", "-extended_crl", "-use_deltas", "-policy_check", "-policy", ANY_POLICY.dotted_string,
        "-purpose", "any", "-no-CApath",
    ]  # fmt: skip
    if len(way) + len(signers) > 1:
        words += ["-untrusted", _pem(folder / "untrusted", [*way[1:], *signers])]
    if crls:
        words += ["-CRLfile", _pem(folder / "crls", crls)]
    done = subprocess.run([*words, _pem(folder / "leaf", [way[0]])], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return next((line for line in done.stderr.splitlines() if line.startswith("error ")), done.stderr[:100])


def ways(hierarchy: Hierarchy) -> Iterator[Way]:
    """Every way from the leaf to a root by keys, without any other check."""
    assert hierarchy.leaf is not None
    yield from itertools.islice(_above(hierarchy, (hierarchy.leaf,)), 40)


def _above(hierarchy: Hierarchy, way: Way) -> Iterator[Way]:
    if any(_signed(way[-1], root) for root in hierarchy.roots):
        yield way
    for each in hierarchy.intermediates:
        if each not in way and len(way) < 7 and _signed(way[-1], each):
            yield from _above(hierarchy, (*way, each))


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        issuer.public_key().verify(  # type: ignore[union-attr,call-arg]
            certificate.signature,
            certificate.tbs_certificate_bytes,
            certificate.signature_algorithm_parameters,  # type: ignore[arg-type]
        )
    except InvalidSignature:
        return False
    return True


REQUIRED = RevocationCheckingPolicy(
    ee_certificate_rule=RevocationCheckingRule.CRL_REQUIRED,
    intermediate_ca_cert_rule=RevocationCheckingRule.CRL_REQUIRED,
)


def ask_certvalidator(hierarchy: Hierarchy, way: Way) -> str:
    """What it has against a way, or against a part of it that ends with a CA; empty = nothing."""
    root, *below = (_load(each) for each in (_root_above(hierarchy, way[-1]), *reversed(way)))
    for length in range(len(below), 0, -1):
        path = ValidationPath(CertTrustAnchor(root), below[: length - 1], below[length - 1])
        try:
            asyncio.run(async_validate_path(_context(hierarchy), path))
        except Exception as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""


def _root_above(hierarchy: Hierarchy, certificate: x509.Certificate) -> x509.Certificate:
    return next(root for root in hierarchy.roots if _signed(certificate, root))


def _load(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _context(hierarchy: Hierarchy) -> ValidationContext:
    roots, intermediates, crls = hierarchy.files
    return ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(each) for each in roots],
        other_certs=[asn1_x509.Certificate.load(each) for each in intermediates],
        crls=[asn1_crl.CertificateList.load(each) for each in crls],
        moment=AT,
        best_signature_time=AT,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(REQUIRED),
    )
