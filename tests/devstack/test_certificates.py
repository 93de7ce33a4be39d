"""The authority of a checkout: kept, private, and accepted by the broker that it was made for."""

import ssl
from pathlib import Path
from types import SimpleNamespace

import pika
import pytest
from cryptography import x509
from pika.exceptions import AMQPConnectionError, ProbableAuthenticationError

from devstack import certificates, rabbitmq_settings
from devstack.certificates import Authority, Issued

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".devstack"


def connect(stack: SimpleNamespace, folder: Path, client_certificate: Issued | None) -> pika.BlockingConnection:
    """A session over TLS, by EXTERNAL if a client certificate is shown, else as the administrator."""
    context = ssl.create_default_context(cafile=str(STATE / rabbitmq_settings.TLS / "ca.crt"))
    login: pika.credentials.ExternalCredentials | pika.PlainCredentials
    if client_certificate:
        (folder / "own.crt").write_bytes(client_certificate.certificate)
        certificates.write_secret(folder / "own.key", client_certificate.key)
        context.load_cert_chain(folder / "own.crt", folder / "own.key")
        login = pika.credentials.ExternalCredentials()
    else:
        login = pika.PlainCredentials(stack.rabbitmq_admin_user, stack.rabbitmq_admin_password)
    parameters = pika.ConnectionParameters(
        stack.amqp_host, stack.amqps_port, "trunk", login, ssl_options=pika.SSLOptions(context)
    )
    return pika.BlockingConnection(parameters)


def test_an_authority_is_kept(tmp_path: Path) -> None:
    first = certificates.authority(tmp_path / "tls")
    assert certificates.authority(tmp_path / "tls").certificate == first.certificate
    assert (tmp_path / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


def test_a_certificate_bears_the_name_and_no_other_purpose(tmp_path: Path) -> None:
    issued = certificates.authority(tmp_path).client("H29.901.03")
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    assert certificate.subject.rfc4514_string() == "CN=H29.901.03"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.fixture
def own(stack: SimpleNamespace) -> Authority:
    if not stack.amqps_port:
        pytest.skip("the broker is somebody else's: it does not know the authority of this checkout")
    return certificates.authority(STATE / rabbitmq_settings.TLS)


def test_who_shows_no_certificate_logs_in_with_a_password(
    stack: SimpleNamespace, own: Authority, tmp_path: Path
) -> None:
    connect(stack, tmp_path, None).close()


def test_a_certificate_names_its_user(stack: SimpleNamespace, own: Authority, tmp_path: Path) -> None:
    connect(stack, tmp_path, own.client(stack.rabbitmq_admin_user)).close()
    with pytest.raises(ProbableAuthenticationError):
        connect(stack, tmp_path, own.client("nobody"))


def test_a_certificate_of_another_authority_opens_nothing(
    stack: SimpleNamespace, own: Authority, tmp_path: Path
) -> None:
    foreign = certificates.authority(tmp_path / "foreign")
    with pytest.raises(AMQPConnectionError):
        connect(stack, tmp_path, foreign.client(stack.rabbitmq_admin_user))
