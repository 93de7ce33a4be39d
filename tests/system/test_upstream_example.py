"""The examples of docs/upstream.md, run as a unit would run them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from .conftest import Stock
from .tls_front import Front, tls_front
from .trunk import BIN, ROOT, STATE, SUBMIT, Trunk, eventually, package_id, run, sha256, submission

pytestmark = pytest.mark.system

EXAMPLES = ROOT / "docs" / "examples"

Client = tuple[str, ...]
"""The command that runs an example."""


class UnitsSystem:
    """One unit's copy of an example, with a folder for what it has read."""

    def __init__(self, client: Client, trunk: Trunk, unit: str, folder: Path, user: str | None = None) -> None:
        self._client = client
        self._environment = {
            "PATH": os.environ["PATH"],
            "TRUNK_ADDRESS": trunk.address,
            "TRUNK_UNIT": unit,
            "TRUNK_USER": user or unit,
            "TRUNK_PASSWORD": trunk.password(user or unit),
        }
        self._folder = folder / f"inbox-{unit}"
        self._read: list[dict[str, Any]] = []

    def with_environment(self, **variables: str) -> "UnitsSystem":
        """Set environment variables of the example. Returns this object."""
        self._environment |= variables
        return self

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The example, by itself."""
        command = [*self._client, *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)

    def do(self, *arguments: str) -> list[dict[str, Any]]:
        """Runs it, asserts success, and returns the printed lines."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def read(self) -> list[dict[str, Any]]:
        """What waits in the inbox now."""
        return self.do("read", "--save", str(self._folder))

    def await_message(self, type_: str, document_id: str) -> dict[str, Any]:
        """The one message of this type about this document."""

        def ask() -> list[dict[str, Any]]:
            self._read += self.read()
            return [m for m in self._read if (m["type"], m["x-document-id"]) == (type_, document_id)]

        messages = eventually(ask)
        assert len({message["x-event-id"] for message in messages}) == 1, messages
        return messages[0]


@pytest.fixture(scope="module", params=["python", "java"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Every example that can run here."""
    if request.param == "python":
        return (sys.executable, str(EXAMPLES / "unit_client.py"))
    return java_client(tmp_path_factory.mktemp("java"))


def java_client(folder: Path) -> Client:
    """Built as the page says, in a copy."""
    if missing := [program for program in ("java", "mvn") if shutil.which(program) is None]:
        pytest.skip(f"the Java example skipped: no {' and no '.join(missing)}")
    project = folder / "unit-client"
    shutil.copytree(EXAMPLES / "java", project, ignore=shutil.ignore_patterns("target"))
    build = ["mvn", "--quiet", "--batch-mode", "package"]
    built = subprocess.run(build, cwd=project, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:]
    return ("java", "-jar", str(project / "target" / "unit-client.jar"))


@pytest.fixture
def entry(stock: Stock) -> dict[str, Any]:
    """A valid package for one receiver."""
    return stock.take(lambda entry: len(entry["receivers"]) == 1 and not entry["turned"])


@pytest.fixture
def folder(stock: Stock) -> Path:
    """Where packages lie, and what units save."""
    return stock.folder


def test_there_and_back(client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any]) -> None:
    """Send, receipt, the same bytes at the receiver, status 03 back, forwarded to the sender byte for byte."""
    sender, receiver = entry["sender"], entry["receivers"][0]
    issuer, addressee = UnitsSystem(client, trunk, sender, folder), UnitsSystem(client, trunk, receiver, folder)
    sent = issuer.do("send", str(folder / entry["file"]), *(["--urgent"] if entry["urgent"] else []))
    assert sent == [{"sent": entry["sha256"], "bytes": len(entry["bytes"])}]

    receipt = issuer.await_message("receipt", entry["document_id"])
    assert receipt["x-package-id"] == package_id(sender, entry["bytes"])
    summary = json.loads(Path(receipt["file"]).read_text())
    assert (summary["receipt"], summary["sha256"]) == ("accepted", entry["sha256"])

    document = addressee.await_message("document", entry["document_id"])
    assert Path(document["file"]).read_bytes() == entry["bytes"]
    assert (document["x-sender"], document["x-label"]) == (sender, "ORIGINAL")
    assert document["x-sha256"] == entry["sha256"]

    addressee.do("status", entry["document_id"], "--to", sender, "--code", "03")
    forwarded = issuer.await_message("status", entry["document_id"])
    assert forwarded["x-sender"] == receiver
    package = Path(forwarded["file"]).read_text()
    assert "StatusCode>03<" in package
    assert entry["document_id"] in package


def test_a_large_package_travels_by_reference(
    client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any]
) -> None:
    """Uploaded to a presigned address, submitted by reference, fetched by the receiver from another address."""
    sender, receiver = entry["sender"], entry["receivers"][0]
    package = entry["bytes"] + b"\n" * (13 * 1024 * 1024)
    (folder / "large.edxml").write_bytes(package)
    issuer = UnitsSystem(client, trunk, sender, folder)
    assert "12 MiB" in issuer.run("send", str(folder / "large.edxml")).stderr

    words = run(BIN / "trunkctl", "upload-url", "--state", STATE, sender, "large.edxml").stdout.split()
    assert words[words.index("key") + 1].startswith(f"{sender}/")
    url = next(word for word in words if word.startswith("http"))
    sent = issuer.do("send", str(folder / "large.edxml"), "--upload-url", url)
    assert sent == [{"sent": sha256(package), "bytes": len(package)}]

    receipt = issuer.await_message("receipt", entry["document_id"])
    assert receipt["x-package-id"] == package_id(sender, package)
    document = UnitsSystem(client, trunk, receiver, folder).await_message("document", entry["document_id"])
    assert Path(document["file"]).read_bytes() == package


def test_what_is_sent_twice_is_delivered_once(
    client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any]
) -> None:
    """The same bytes are the same package: the answer is repeated, the document is not."""
    issuer = UnitsSystem(client, trunk, entry["sender"], folder)
    addressee = UnitsSystem(client, trunk, entry["receivers"][0], folder)
    for _ in range(2):
        issuer.do("send", str(folder / entry["file"]))
    issuer.await_message("receipt", entry["document_id"])
    addressee.await_message("document", entry["document_id"])
    assert not [message for message in addressee.read() if message["x-document-id"] == entry["document_id"]]


def test_a_foreign_routing_key_is_refused(client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any]) -> None:
    sender, other = entry["sender"], entry["receivers"][0]
    liar = UnitsSystem(client, trunk, other, folder, user=sender)
    refused = liar.run("send", str(folder / entry["file"]))
    assert refused.returncode == 1
    assert "ACCESS_REFUSED" in refused.stderr


def test_a_foreign_inbox_is_closed(client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any]) -> None:
    reader = UnitsSystem(client, trunk, entry["receivers"][0], folder, user=entry["sender"])
    refused = reader.run("read", "--save", str(folder / "foreign"))
    assert refused.returncode == 1
    assert "ACCESS_REFUSED" in refused.stderr


def test_a_foreign_user_id_is_refused(trunk: Trunk, entry: dict[str, Any]) -> None:
    """The example cannot even say it: by hand."""
    sender, other = entry["sender"], entry["receivers"][0]
    with pytest.raises(ChannelClosedByBroker) as refused, trunk.channel(sender) as channel:
        channel.basic_publish(SUBMIT, f"submit.{sender}", entry["bytes"], submission(other), mandatory=True)
    assert refused.value.reply_code == 406


def test_a_wrong_password_is_not_tried_again(client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any]) -> None:
    guesser = UnitsSystem(client, trunk, entry["sender"], folder).with_environment(TRUNK_PASSWORD="secret")
    refused = guesser.run("send", str(folder / entry["file"]))
    assert refused.returncode == 1
    assert "once more" not in refused.stderr


@pytest.fixture(scope="module")
def front(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The broker behind TLS, as it is where units connect."""
    with tls_front(trunk.config["amqp_port"], tmp_path_factory.mktemp("tls")) as opened:
        yield opened


def trusting(client: Client, authority: Path) -> dict[str, str]:
    """Environment variables by which an example trusts this authority."""
    if client[0] != "java":
        return {"SSL_CERT_FILE": str(authority)}
    store = authority.with_suffix(".p12")
    if not store.exists():
        keytool = ["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", str(authority)]
        run(*keytool, "-keystore", store, "-storepass", "changeit", "-storetype", "PKCS12")
    trusted = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"
    return {"JAVA_TOOL_OPTIONS": trusted}


def test_a_broker_that_the_authority_vouches_for_is_spoken_to(
    client: Client, trunk: Trunk, folder: Path, entry: dict[str, Any], front: Front
) -> None:
    reader = UnitsSystem(client, trunk, entry["receivers"][0], folder)
    address = f"amqps://localhost:{front.port}/trunk"
    reader.with_environment(TRUNK_ADDRESS=address, **trusting(client, front.authority)).read()


@pytest.mark.parametrize(("host", "knows_the_authority"), [("localhost", False), ("127.0.0.1", True)])
def test_a_broker_that_may_be_somebody_else_is_not(
    client: Client,
    trunk: Trunk,
    folder: Path,
    entry: dict[str, Any],
    front: Front,
    host: str,
    knows_the_authority: bool,
) -> None:
    """An unknown authority, and the certificate of another host name."""
    reader = UnitsSystem(client, trunk, entry["receivers"][0], folder)
    reader.with_environment(TRUNK_ADDRESS=f"amqps://{host}:{front.port}/trunk")
    reader.with_environment(**(trusting(client, front.authority) if knows_the_authority else {}))
    refused = reader.run("read", "--save", str(folder / "unread"))
    assert refused.returncode == 1
    assert "is not who it should be" in refused.stderr
    assert "once more" not in refused.stderr


def test_a_wrong_password_opens_nothing(trunk: Trunk, entry: dict[str, Any]) -> None:
    parameters = pika.URLParameters(trunk.address)
    parameters.credentials = pika.PlainCredentials(entry["sender"], "guess")
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        pika.BlockingConnection(parameters)


@pytest.mark.parametrize("exchange", ["", "trunk.facts", "trunk.inbox", "trunk.place", "trunk.dead.intake"])
def test_only_the_submit_exchange_takes_a_unit(trunk: Trunk, entry: dict[str, Any], exchange: str) -> None:
    sender, other = entry["sender"], entry["receivers"][0]
    key = {"": f"inbox.{other}", "trunk.inbox": other}.get(exchange, "document.verified.normal")
    with pytest.raises(ChannelClosedByBroker) as refused, trunk.channel(sender) as channel:
        channel.basic_publish(exchange, key, entry["bytes"], submission(sender), mandatory=True)
    assert refused.value.reply_code == 403
