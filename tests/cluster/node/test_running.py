"""The project's own images as real pods on a real kubelet: hardened, carrying, and exchanged under load."""

import json
import time
from collections import Counter
from pathlib import Path

from lab.kubernetes.kubectl import Kubectl
from tests.system.chaos.balance import ledger_of, records_of
from tests.system.inboxes import Inboxes, Item
from tests.system.sending import Entry, sending, told_once, wanted
from tests.system.trunk import SERVICES, Trunk, eventually, minted, package_id, shown

from .objects import ROLLOUT_PATIENCE, Deployed

VALID, WRONG = 60, 6
PATIENCE_SECONDS = 300.0


def test_the_five_services_are_ready(kubectl: Kubectl) -> None:
    pods = service_pods(kubectl)
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == set(SERVICES)
    assert all(pod["status"]["containerStatuses"][0]["ready"] for pod in pods)
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node"}


def test_they_run_as_hardened_as_they_are_described(kubectl: Kubectl) -> None:
    for pod in service_pods(kubectl):
        inside = kubectl("exec", pod["metadata"]["name"], "--", "cat", "/proc/1/status")
        status = dict(line.split(":\t", 1) for line in inside.splitlines() if ":\t" in line)
        assert status["Uid"].split() == ["10001"] * 4
        assert status["Gid"].split() == ["10001"] * 4
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"].strip() == "1"
        assert status["Seccomp"].strip() == "2"
        mounts = kubectl("exec", pod["metadata"]["name"], "--", "cat", "/proc/1/mounts").splitlines()
        root = next(line.split() for line in mounts if line.split()[1] == "/")
        assert "ro" in root[3].split(",")
        assert not [line for line in mounts if "serviceaccount" in line]


def test_the_jobs_change_nothing_the_second_time(deployed: Deployed) -> None:
    for job in ("trunk-migrate", "trunk-topology"):
        assert deployed.run_job(job) == deployed.run_job(job)


def test_one_package_end_to_end(trunk: Trunk, inboxes: Inboxes, tmp_path: Path) -> None:
    entry = minted(trunk, tmp_path, 1, seed=3)[0]
    package = trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    must = wanted([entry])
    inboxes.wait(lambda items: told_once(items, {package}) >= must, PATIENCE_SECONDS)
    assert told_once(inboxes.items, {package}) == must
    assert [item.body for item in inboxes.of(package, "document")] == [entry["bytes"]] * len(entry["receivers"])
    assert eventually(lambda: records_of(trunk, [package])) == {package: "document.verified"}


def test_every_package_comes_once_through_a_rolling_restart(
    trunk: Trunk, inboxes: Inboxes, kubectl: Kubectl, deployed: Deployed, tmp_path: Path
) -> None:
    entries = minted(trunk, tmp_path, VALID, WRONG, seed=5)
    packages = {package_id(entry["sender"], entry["bytes"]): entry for entry in entries}
    before, began = {pod["metadata"]["uid"] for pod in service_pods(kubectl)}, time.monotonic()
    with sending(trunk, entries):
        for name in deployed.deployments:
            kubectl("rollout", "restart", f"deployment/{name}")
        for name in deployed.deployments:
            kubectl("rollout", "status", f"deployment/{name}", ROLLOUT_PATIENCE)
        restarted_after = time.monotonic() - began
    messages = all_answers(trunk, inboxes, entries)

    assert not before & {pod["metadata"]["uid"] for pod in service_pods(kubectl) if is_ready(pod)}
    print(f"\n{len(packages)} packages, five Deployments exchanged after {restarted_after:.0f} s")
    print(f"{len(messages)} messages in inboxes, {len(messages) - len(distinct(messages))} of them repeats")
    assert_once(trunk, messages, entries)


def service_pods(kubectl: Kubectl) -> list[Entry]:
    """Pods of the five services."""
    return kubectl.items("pods", "--selector=app.kubernetes.io/component=service")


def is_ready(pod: Entry) -> bool:
    """Whether it takes part."""
    conditions = {condition["type"]: condition["status"] for condition in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def all_answers(trunk: Trunk, inboxes: Inboxes, entries: list[Entry]) -> list[Item]:
    """What came about these packages, once everything that must come has come and no queue holds any more."""
    packages = {package_id(entry["sender"], entry["bytes"]) for entry in entries}
    must = wanted(entries)
    inboxes.wait(lambda items: told_once(items, packages) >= must, PATIENCE_SECONDS)
    eventually(lambda: not trunk.depths(), PATIENCE_SECONDS, 2.0)
    time.sleep(3.0)
    return [item for item in inboxes.items if item.package_id in packages]


def distinct(messages: list[Item]) -> set[tuple[str, str]]:
    """Inbox and event: a repeat has the same."""
    return {(item.unit, item.event_id) for item in messages}


def assert_once(trunk: Trunk, messages: list[Item], entries: list[Entry]) -> None:
    """Each answer and each delivery came, each to its receiver, once; bytes, records, ledger and queues agree."""
    packages = {package_id(entry["sender"], entry["bytes"]): entry for entry in entries}
    must, actual = wanted(entries), told_once(messages, set(packages))
    assert actual == must, f"missing {shown((must - actual).items())}\ntoo many {shown((actual - must).items())}"
    delivered = Counter((item.package_id, item.unit) for item in messages if item.type == "document")
    assert [key for key, count in delivered.items() if count != 1] == []
    assert all(item.body == packages[item.package_id]["bytes"] for item in messages if item.type == "document")
    assert eventually(lambda: set(records_of(trunk, packages)) == set(packages))
    assert [event for event, count in ledger_of(trunk, set(packages)).items() if count != 1] == []
    assert trunk.depths() == {}
    assert trunk.parked() == 0, json.dumps(trunk.depths())
