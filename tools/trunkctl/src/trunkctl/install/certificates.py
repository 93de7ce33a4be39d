"""Checks names, expiry and CA of the stores' certificates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from trunkctl.doctor.finding import Finding, Level, ok, skipped
from trunkctl.install.addresses import Address, installation_addresses
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, at
from trunkctl.install.references import SECRET
from trunkctl.install.secrets import ConfigSource, held, see_sources

SOON = timedelta(days=21)
"""Remaining validity below which a certificate is reported; the same as in TrunkServerCertificateExpiring."""
CA_NAME, CA_KEY = "trunk-ca", "ca.crt"
MOST_ISSUERS = 8
RENEW = "Have it issued anew before you apply."


@dataclass(frozen=True, slots=True)
class Chain:
    """What a TLS Secret holds: the server's certificate first."""

    place: str
    namespace: str
    certificates: Sequence[x509.Certificate]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CertificatesSeen:
    """Chains of the stores' namespaces, and who connects to what."""

    now: datetime
    chains: Sequence[Chain]
    addresses: Sequence[Address]
    by_operator: frozenset[tuple[str, str]]
    """Namespace and name of TLS Secrets that a store's own resource names: they must bear its name."""
    authority: Sequence[x509.Certificate] | None
    """Of the private CA; None = the system's authorities, which cannot be seen from here."""
    authority_problem: str = ""


def judge_certificates(state: CertificatesSeen) -> list[Finding]:
    """Judges each chain, and compares each address with the chains of its namespace."""
    findings = [Finding(Level.FAILED, state.authority_problem, "Put PEM there.")] if state.authority_problem else []
    for chain in state.chains:
        findings += _judge_chain(chain, state)
    over_tls = [each for each in state.addresses if each.is_tls and each.namespace]
    findings += [finding for each in over_tls for finding in _judge_address(each, state)]
    if findings:
        return findings
    if not over_tls:
        return skipped("no address in this cluster is reached over TLS")
    against = "lead to the given CA" if state.authority else "were not held against any CA: the system's are used"
    return ok(f"{len(state.chains)} certificates bear the names of {len(over_tls)} addresses, and {against}")


def _judge_chain(chain: Chain, state: CertificatesSeen) -> list[Finding]:
    if chain.problem:
        return [Finding(Level.FAILED, f"{chain.place}: {chain.problem}", "Put the server's certificate there, PEM.")]
    leaf, findings = chain.certificates[0], []
    for each in chain.certificates:
        if each.not_valid_after_utc <= state.now:
            says = f"{chain.place}: {_name(each)} ended {each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            findings.append(Finding(Level.FAILED, says, RENEW))
        elif each.not_valid_before_utc > state.now:
            says = f"{chain.place}: {_name(each)} begins {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
            findings.append(Finding(Level.FAILED, says, "Is the clock of this machine right?"))
        elif each.not_valid_after_utc - state.now < SOON:
            says = f"{chain.place}: {_name(each)} ends {each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            findings.append(Finding(Level.WARNING, says, RENEW))
    if state.authority and not leads_to(leaf, chain.certificates[1:], state.authority, state.now):
        says = f"{chain.place}: {_name(leaf)} does not lead to ConfigMap {CA_NAME}"
        findings.append(Finding(Level.FAILED, says, "Add what is in between to tls.crt, or the root to ca.crt."))
    return findings


def _judge_address(address: Address, state: CertificatesSeen) -> list[Finding]:
    chains = [each for each in state.chains if each.namespace == address.namespace and each.certificates]
    if any(bears(each.certificates[0], address.host) for each in chains):
        return []
    says = f"no certificate in {address.namespace} bears {address.host}, which {address.by} names over TLS"
    is_certain = address.server.startswith("broker") and any(
        place[0] == address.namespace for place in state.by_operator
    )
    act = "Have a certificate issued with this DNS name, or name the server as its certificate does."
    return [Finding(Level.FAILED if is_certain else Level.WARNING, says, act)]


def bears(certificate: x509.Certificate, host: str) -> bool:
    """Whether a DNS name of the certificate is the host (RFC 6125: a wildcard is one whole label, the first)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wanted = {host.lower(), "*." + host.lower().partition(".")[2]}
    return any(name.lower() in wanted for name in names.get_values_for_type(x509.DNSName))


def leads_to(
    leaf: x509.Certificate,
    between: Sequence[x509.Certificate],
    authority: Sequence[x509.Certificate],
    now: datetime,
) -> bool:
    """Whether issuers that may issue and are valid lead from ``leaf`` to one of ``authority``."""
    current = leaf
    for _ in range(MOST_ISSUERS):
        if any(_issued(current, each, now) for each in authority) or current in authority:
            return True
        above = next((each for each in between if each != current and _issued(current, each, now)), None)
        if above is None:
            return False
        current = above
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        may_issue = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return may_issue and issuer.not_valid_before_utc <= now < issuer.not_valid_after_utc


def see_certificates(manifests: Manifests, kubectl: Kubectl, now: datetime) -> CertificatesSeen:
    """Secrets of type ``kubernetes.io/tls`` in the namespaces of the stores; only ``tls.crt`` is looked at."""
    sources = see_sources(manifests, kubectl)
    secrets = [each for each in sources.held if each.kind == SECRET]
    every_address = installation_addresses(manifests, secrets)
    namespaces = sorted({each.namespace for each in every_address if each.namespace})
    chains = [
        chain_of(held(SECRET, whole))
        for namespace in namespaces
        for whole in kubectl.items("secrets", namespace=namespace, fields="type=kubernetes.io/tls")
    ]
    brokers = [whole for each in namespaces for whole in kubectl.items("rabbitmqclusters.rabbitmq.com", namespace=each)]
    named = [(whole["metadata"]["namespace"], at(whole, "spec", "tls", "secretName")) for whole in brokers]
    authority, problem = _authority([each for each in sources.held if each.name == CA_NAME])
    by_operator = frozenset((namespace, str(name)) for namespace, name in named if name)
    return CertificatesSeen(now, chains, every_address, by_operator, authority, problem)


def chain_of(secret: ConfigSource) -> Chain:
    """The certificates of a TLS Secret, or why there are none."""
    place = f"Secret {secret.name} in {secret.namespace}"
    try:
        return Chain(place, secret.namespace, x509.load_pem_x509_certificates(secret.data.get("tls.crt", b"")))
    except ValueError:
        return Chain(place, secret.namespace, (), "tls.crt holds no certificate")


def _authority(sources: Sequence[ConfigSource]) -> tuple[Sequence[x509.Certificate] | None, str]:
    for each in sources:
        try:
            return x509.load_pem_x509_certificates(each.data.get(CA_KEY, b"")), ""
        except ValueError:
            return None, f"ConfigMap {each.name} in {each.namespace}: {CA_KEY} holds no certificate"
    return None, ""


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or f"certificate {certificate.serial_number:x}"
