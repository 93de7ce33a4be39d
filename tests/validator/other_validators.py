"""The same question to OpenSSL and to pyhanko-certvalidator: is there a chain that is valid and not revoked?

Three ways of theirs are made up for, so that what differs says something:

* OpenSSL follows one way up and does not come back from it where a later check fails: it is asked for every way.
* OpenSSL looks at one list of a name: it is given those of the key that the way goes by, where there are any, and that
  nothing of the way is on another list is seen to here.
* certvalidator takes a CA for validated once it has looked at a list of it, without having asked for the revocation of
  the CA itself: it is asked for every certificate of the chain that it found.
"""

import asyncio
import itertools
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from .hierarchies import AT, Hierarchy

logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def _pem(path: Path, items: list[x509.Certificate] | list[x509.CertificateRevocationList]) -> str:
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in items))
    return str(path)


def openssl(made: Hierarchy, folder: Path) -> tuple[bool, str]:
    """Whether OpenSSL finds it valid, and what it said about each way."""
    said = []
    for way in _ways(made):
        if any(_is_listed(made, each) for each in way):
            said.append("on a list")
            continue
        said.append(_ask_openssl(made, way, _lists_for(made, way), folder))
        if not said[-1]:
            return True, ""
    return False, "; ".join(said)


Way = tuple[x509.Certificate, ...]
"""The leaf first, without the root."""


def _is_listed(made: Hierarchy, certificate: x509.Certificate) -> bool:
    number = certificate.serial_number
    return number in made.listed.get(made.issuer_names[number], ())


def _lists_for(made: Hierarchy, way: Way) -> list[x509.CertificateRevocationList]:
    """Of every name on the way, the lists in force of the way's own key; where there are none, all of that name."""
    keys = [each.public_key() for each in (*way[1:], *made.roots)]
    in_force = [crl for crl in made.crls if crl.next_update_utc and crl.next_update_utc > AT]
    own = [crl for crl in in_force if any(crl.is_signature_valid(key) for key in keys)]  # type: ignore[arg-type]
    named = {plain(crl.issuer) for crl in own}
    return own + [crl for crl in made.crls if plain(crl.issuer) not in named]


def plain(name: x509.Name) -> str:
    return " ".join(str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value).split()).casefold()


def _ask_openssl(made: Hierarchy, way: Way, crls: list[x509.CertificateRevocationList], folder: Path) -> str:
    """What OpenSSL has against it; empty = nothing."""
    signers = [each for each in made.intermediates if each not in way]
    words = [
        "openssl", "verify", "-attime", str(int(AT.timestamp())), "-trusted", _pem(folder / "roots", made.roots),
        "-crl_check_all", "-extended_crl", "-use_deltas", "-policy_check", "-purpose", "any", "-no-CApath",
    ]  # fmt: skip
    if len(way) + len(signers) > 1:
        words += ["-untrusted", _pem(folder / "untrusted", [*way[1:], *signers])]
    if crls:
        words += ["-CRLfile", _pem(folder / "crls", crls)]
    done = subprocess.run([*words, _pem(folder / "leaf", [way[0]])], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return next((line for line in done.stderr.splitlines() if line.startswith("error ")), done.stderr[:100])


def _ways(made: Hierarchy) -> Iterator[Way]:
    """Every way from the leaf to a root by keys, without any other check."""
    assert made.leaf is not None
    yield from itertools.islice(_above(made, (made.leaf,)), 40)


def _above(made: Hierarchy, way: Way) -> Iterator[Way]:
    if any(_signed(way[-1], root) for root in made.roots):
        yield way
    for each in made.intermediates:
        if each not in way and len(way) < 7 and _signed(way[-1], each):
            yield from _above(made, (*way, each))


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


def certvalidator(made: Hierarchy) -> tuple[bool, str]:
    """Whether certvalidator finds it valid, and what it said."""
    assert made.leaf is not None
    try:
        path = _validated(made, made.leaf.public_bytes(Encoding.DER))
        for each in path:
            if each.dump() not in made.files[0]:
                _validated(made, each.dump())
    except Exception as error:
        return False, f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return True, ""


def _validated(made: Hierarchy, der: bytes) -> list[asn1_x509.Certificate]:
    """The chain that it found for a certificate. Raises what it raises."""
    roots, intermediates, crls = made.files
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(each) for each in roots],
        other_certs=[asn1_x509.Certificate.load(each) for each in intermediates],
        crls=[asn1_crl.CertificateList.load(each) for each in crls],
        moment=AT,
        best_signature_time=AT,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(REQUIRED),
    )
    validator = CertificateValidator(asn1_x509.Certificate.load(der), validation_context=context)
    return list(asyncio.run(validator.async_validate_path()))
