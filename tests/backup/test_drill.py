"""The restore drill: after a trunk has lost its servers, or only its databases, every question has the same answer.

Servers are erased as a disaster does, and an operator's commands bring them back. What ``trunkctl track`` shows is read
by the function that it calls, since a process for each document would take minutes.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from common.headers import REFERENCE_TYPE
from common.objects import UPLOADS
from common.package_store import ONE_PUT_BYTES
from devstack import servers
from devstack.servers import Addresses
from tests.system import trunk as running
from tests.system.inboxes import Inboxes, Item
from tests.system.sending import told_once, wanted
from tests.system.traffic import NAMESPACE, RECALL, STATUS
from tests.system.trunk import BIN, Trunk, eventually, minted, package_id, sha256
from trunkctl import trunk_file
from trunkctl.paper_trail import Trail
from trunkctl.records import Records
from trunkctl.settings import ControlSettings

Entry = dict[str, Any]

PATIENCE_SECONDS = 240.0
CALM_SECONDS = 15.0
"""Longer than the broker's figures lag, and than entries of the ledger wait for others before they are sealed."""
DATA = {"mongo": ("postgresql", "ferretdb", "mongodb"), "rabbitmq": ("rabbitmq/data",), "s3": ("seaweedfs",)}
"""Folders of a server's data, below the state folder."""


@dataclass
class Drill:
    """A trunk of its own, a second store that outlives it, and an operator."""

    state: Path
    trunk: Trunk
    second: Addresses
    folder: Path
    is_one_object: bool = False
    batches: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What an operator is told for backups and restores."""
        addresses = (
            json.loads((self.state / "addresses.json").read_text()) if (self.state / "addresses.json").exists() else {}
        )
        return {
            **os.environ,
            "TRUNK_BACKUP_S3_ENDPOINT": self.second.s3_endpoint,
            "TRUNK_BACKUP_S3_ACCESS_KEY": self.second.s3_access_key,
            "TRUNK_BACKUP_S3_SECRET_KEY": self.second.s3_secret_key,
            "TRUNK_BACKUP_S3_SECURE": "false",
            "TRUNK_MONGO_ADMIN_URI": addresses["mongo_uri"],
        }

    def control(self, *command: str | Path, code: int = 0, **more: str) -> str:
        """What a command of trunkctl prints."""
        done = subprocess.run(
            [str(BIN / "trunkctl"), *map(str, command), "--state", str(self.state)],
            capture_output=True,
            text=True,
            check=False,
            env={**self.environment, **more},
        )
        assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
        return done.stdout

    def back_up(self) -> None:
        assert "complete" in self.control("backup", "database")
        self.control("backup", "store")

    def size_of_the_log(self) -> str:
        """As an operator reads it from a log without faults."""
        verified = re.search(r"^(\d+) entries, .* 0 faults$", self.control("log", "verify"), re.MULTILINE)
        assert verified
        return verified[1]

    def letters(self, count: int, wrong: int = 0) -> list[Entry]:
        """Letters to open units, and some that must be refused."""
        self.batches += 1
        folder = self.folder / f"letters{self.batches}"
        entries = minted(self.trunk, folder, 3 * count, wrong=wrong, seed=100 + self.batches)
        good = [e for e in entries if e["expected"] == "delivered" and e["receivers"] and not e["turned"]]
        return good[:count] + [e for e in entries if e["expected"] != "delivered"]

    def submit(self, entries: list[Entry]) -> dict[str, Entry]:
        return {self.trunk.submit(e["sender"], e["bytes"], urgent=e["urgent"]): e for e in entries}

    def submit_large(self, entry: Entry) -> dict[str, Entry]:
        """The same letter in a package that a store takes in parts only, uploaded and submitted by reference."""
        sender, package = entry["sender"], entry["bytes"] + b"\n" * (ONE_PUT_BYTES + 1)
        words = self.control("upload-url", sender, "large.edxml").split()
        key, url = words[words.index("key") + 1], next(word for word in words if word.startswith("http"))
        httpx.put(url, content=package, timeout=60).raise_for_status()
        named = {"bucket": UPLOADS, "key": key, "size": len(package), "sha256": sha256(package)}
        self.trunk.submit(sender, json.dumps(named).encode(), urgent=entry["urgent"], content_type=REFERENCE_TYPE)
        return {package_id(sender, package): entry | {"bytes": package}}

    def report(self, entry: Entry, code: str) -> str:
        names = {"unit": entry["receivers"][0], "issuer": entry["sender"], "document": entry["document_id"]}
        at = time.strftime("%Y/%m/%d %H:%M:%S")
        body = STATUS.format(namespace=NAMESPACE, words="Đã xem", at=at, code=code, **names)
        return self.trunk.submit(names["unit"], body.encode())

    def recall(self, entry: Entry) -> str:
        names = {"unit": entry["sender"], "receiver": entry["receivers"][0], "document": entry["document_id"]}
        return self.trunk.submit(entry["sender"], RECALL.format(namespace=NAMESPACE, **names).encode())

    def open_packages(self) -> int:
        return int(self.trunk.collection("trunk_intake", "packages").count_documents({"is_open": True}))

    def known(self, packages: dict[str, Entry]) -> bool:
        chosen = {"_id": {"$in": list(packages)}, "announced": True}
        return self.trunk.collection("trunk_intake", "packages").count_documents(chosen) == len(packages)

    def finished(self, packages: dict[str, Entry]) -> bool:
        """Whether intake has decided about these, and nothing at all is open any more."""
        done = eventually(lambda: self.known(packages) and not self.open_packages(), PATIENCE_SECONDS, 1.0)
        return bool(done)

    def is_sealed(self) -> bool:
        """Whether the log in the store holds every entry of the ledger: a small batch waits for more for a while."""
        return not self.trunk.collection("trunk_archive", "ledger").count_documents({"is_sealed": False}, limit=1)

    def is_at_rest(self) -> bool:
        """Whether nothing goes on but what waits for the validator: a backup that is made now holds all that is told
        now. Mails, receipts and the log take their own time after a package is finished."""

        def entries() -> int:
            queues = [name for name in self.trunk.depths() if not name.startswith("facts.validator.")]
            pending = self.trunk.collection("trunk_notifier", "notifications").count_documents({"state": "pending"})
            if queues or pending or not self.is_sealed():
                return 0
            return int(self.trunk.collection("trunk_archive", "ledger").count_documents({}))

        def unmoved() -> bool:
            before = entries()
            if before:
                time.sleep(CALM_SECONDS)
            return bool(before and entries() == before)

        return eventually(unmoved, PATIENCE_SECONDS, 1.0)

    def have_all_arrived(self, inboxes: Inboxes, packages: dict[str, Entry]) -> bool:
        """Whether every message that the router has made of these has been read, receipts included."""
        placings = self.trunk.collection("trunk_router", "placings")

        def all_came() -> bool:
            opened = placings.find({"headers.x-package-id": {"$in": list(packages)}}, {"_id": 1})
            return {row["_id"] for row in opened} <= {item.event_id for item in inboxes.items}

        return eventually(all_came, PATIENCE_SECONDS)

    def tracks(self, packages: dict[str, Entry]) -> dict[str, list[Trail]]:
        """What everybody is told of each package."""
        addresses = trunk_file.load(self.state)
        assert addresses
        records = Records(ControlSettings(**addresses.control()))
        return {package: records.trails(package) for package in packages}

    def stop(self) -> None:
        """Services and servers, as far as they run; the addresses stay known."""
        content = (self.state / "trunk.json").read_text()
        subprocess.run([str(BIN / "trunkctl"), "down", "--state", str(self.state)], check=True)
        (self.state / "trunk.json").write_text(content)

    def erase(self, *names: str) -> None:
        """All data of these servers are gone; new ones run in their place, empty."""
        for name in names:
            for folder in DATA[name]:
                shutil.rmtree(self.state / folder, ignore_errors=True)
        servers.start(self.state)


IN_BOTH_FORMS = pytest.mark.parametrize("drill", [False, True], ids=["parts", "one object"], indirect=True)
"""Whether a package is one object."""


@pytest.fixture
def drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Drill]:
    state = tmp_path / "trunk"
    is_one_object = bool(getattr(request, "param", False))
    monkeypatch.setenv("TRUNK_ONE_OBJECT", str(is_one_object).lower())
    monkeypatch.setattr(running, "STATE", state)
    second = servers.start(tmp_path / "second", only=["s3"])
    try:
        yield Drill(state, Trunk.up(), second, tmp_path, is_one_object)
    finally:
        subprocess.run([str(BIN / "trunkctl"), "down", "--state", str(state)], check=False)
        servers.stop(state)
        servers.stop(tmp_path / "second")


def events(items: list[Item], packages: dict[str, Entry]) -> dict[tuple[str, str], bytes]:
    """Body by unit and event."""
    return {(item.unit, item.event_id): item.body for item in items if item.package_id in packages}


def fresh(trunk: Trunk) -> set[str]:
    """Of what the archive exports that there is a backup from the last hour."""
    text = httpx.get(f"http://127.0.0.1:{trunk.services['archive']['http_port']}/metrics/", timeout=20).text
    begun = re.findall(r'^trunk_backup_last_success_timestamp_seconds{of="(\w+)"} (\S+)$', text, re.MULTILINE)
    return {part for part, at in begun if float(at) > time.time() - 3600}


WHO = ("--by", "Nguyễn Văn A", "--why", "khôi phục sau sự cố", "--wait", "240")


@IN_BOTH_FORMS
def test_all_servers_are_lost(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = drill.trunk
    read, refused = drill.submit(drill.letters(2)), drill.submit(drill.letters(0, wrong=2))
    with Inboxes(trunk, trunk.units) as inboxes:
        assert drill.finished(read | refused)
        must = wanted([*read.values(), *refused.values()])
        inboxes.wait(lambda items: told_once(items, {*read, *refused}) >= must, PATIENCE_SECONDS)
        entries = list(read.values())
        notices = [drill.report(entries[0], "01"), drill.report(entries[0], "03"), drill.recall(entries[1])]
        about: dict[str, Entry] = {package: {} for package in notices}
        assert drill.finished(about)
        assert drill.have_all_arrived(inboxes, read | refused)
        before = events(inboxes.items, read | refused)
        if drill.is_one_object:
            ((large_id, large),) = drill.submit_large(drill.letters(1)[0]).items()
            documents = [item for item in inboxes.wait_for(large_id, ["document"]) if item.type == "document"]
            addresses = [json.loads(document.body)["url"] for document in documents]
            assert addresses
            assert all(httpx.get(url, timeout=60).content == large["bytes"] for url in addresses)
            about[large_id] = large
            assert drill.finished(about)
    unread = drill.submit(drill.letters(2))
    assert drill.finished(unread), "they lie in the inboxes, and nobody reads"
    trunk.kill_service("validator")
    on_their_way = drill.submit(drill.letters(2))
    assert eventually(lambda: drill.known(on_their_way), PATIENCE_SECONDS)

    assert drill.is_at_rest()

    whole = read | refused | unread | on_their_way | about
    drill.back_up()
    tracks = drill.tracks(whole)
    drill.stop()
    drill.erase("mongo", "rabbitmq", "s3")
    admin = json.loads((drill.state / "addresses.json").read_text())
    keys = {"TRUNK_S3_ACCESS_KEY": admin["s3_access_key"], "TRUNK_S3_SECRET_KEY": admin["s3_secret_key"]}
    drill.control("restore", "store", **keys)
    drill.control("restore", "database")
    assert all(tracks.values())
    assert drill.tracks(whole) == tracks
    report = drill.control("restore", "check")
    assert "0 faults, 0 packages not in the databases" in report, report
    assert "packages on their way: 2" in report, report

    monkeypatch.setenv("TRUNK_LOG_ADOPT_SIZE", drill.size_of_the_log())
    drill.trunk = trunk = Trunk.up()
    assert drill.control("inboxes", "rebuild", "--all", "--since", "2020-01-01T00:00:00", *WHO).startswith(
        "all: done: "
    )
    drill.control("redrive", "--all-open", *WHO)
    assert drill.finished(whole)
    packages = read | refused | unread | on_their_way
    with Inboxes(trunk, trunk.units) as inboxes:
        must = wanted([*unread.values(), *on_their_way.values()])
        inboxes.wait(lambda items: told_once(items, {*unread, *on_their_way}) >= must, PATIENCE_SECONDS)
        items = inboxes.items
    assert told_once(items, {*unread, *on_their_way}) == must
    again = events(items, read | refused)
    assert set(again) <= set(before), "no second event id"
    assert {event: before[event] for event in again} == again
    assert {item.body for item in items if item.type == "document" and item.package_id in packages} <= {
        entry["bytes"] for entry in packages.values()
    }
    settled = read | refused | unread | about
    assert drill.tracks(settled) == {package: tracks[package] for package in settled}
    assert "0 faults" in drill.control("archive", "check")
    assert "0 differences" in drill.control("archive", "reconcile")
    assert "0 faults, 0 packages not in the databases" in drill.control("restore", "check")
    drill.back_up()
    assert eventually(lambda: fresh(trunk) == {"database", "store"}, PATIENCE_SECONDS, 1.0)


def test_only_the_databases_are_lost_and_the_backup_is_old(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broker and object store are of now. What was accepted meanwhile is named, and gets its former ids again.

    The backup is written while the first letters are on their way.
    """
    trunk = drill.trunk
    early = drill.submit(drill.letters(4))
    with Inboxes(trunk, trunk.units) as inboxes:
        drill.back_up()
        assert drill.finished(early)
        late = drill.submit(drill.letters(2))
        assert drill.finished(late)
        must = wanted([*early.values(), *late.values()])
        inboxes.wait(lambda items: told_once(items, {*early, *late}) >= must, PATIENCE_SECONDS)
        assert drill.have_all_arrived(inboxes, early | late)
        before = events(inboxes.items, early | late)
    assert eventually(drill.is_sealed, PATIENCE_SECONDS)
    trunk.kill_service("validator")
    on_their_way = drill.submit(drill.letters(2))
    assert eventually(lambda: drill.known(on_their_way), PATIENCE_SECONDS)
    drill.stop()
    drill.erase("mongo")
    drill.control("restore", "database")
    report = drill.control("restore", "check", code=1)
    named = {line.split()[0] for line in report.splitlines() if " not in the databases: " in line}
    lost = {package: entry for package, entry in (early | late | on_their_way).items() if package in named}
    assert set(late | on_their_way) <= set(lost)
    assert f"0 faults, {len(named)} packages not in the databases" in report, report
    assert len(named) == len(lost)
    for package, entry in lost.items():
        (line,) = (line for line in report.splitlines() if line.startswith(package))
        assert entry["document_id"] in line
        assert entry["sender"] in line
        assert ("document.verified" in line) is (package not in on_their_way)

    monkeypatch.setenv("TRUNK_LOG_ADOPT_SIZE", drill.size_of_the_log())
    drill.trunk = trunk = Trunk.up()
    assert drill.control("restore", "resubmit").count(": submitted as ") == len(lost)
    assert eventually(lambda: drill.known(lost), PATIENCE_SECONDS)
    with Inboxes(trunk, trunk.units) as inboxes:
        drill.control("redrive", "--all-open", *WHO)
        assert drill.finished(early | lost)
        must = wanted(list(on_their_way.values()))
        inboxes.wait(lambda items: told_once(items, set(on_their_way)) >= must, PATIENCE_SECONDS)
        after = inboxes.items
        assert told_once(after, set(on_their_way)) == must
        again = events(after, early | late)
        assert set(again) <= set(before), "whoever has it recognises it"
        documents = {item.body for item in after if item.type == "document"}
        assert documents <= {entry["bytes"] for entry in (early | lost).values()}

        entry = next(iter(late.values()))
        other = entry["bytes"].replace(b"</edXML", b" </edXML", 1)
        assert other != entry["bytes"]
        double = trunk.submit(entry["sender"], other)
        refusals = inboxes.wait_for(double, ["refusal"], PATIENCE_SECONDS)
        assert "E_DUP" in {item.reason for item in refusals}, "its DocumentId was not freed"
    assert "0 faults, 0 packages not in the databases" in drill.control("restore", "check")
    match = re.search(r"name them as (\d+-\d+/\d+)", drill.control("archive", "check", code=1))
    assert match, "the entries that the restore has lost"
    assert "0 faults" in drill.control("archive", "check", "--adopted", match[1])
