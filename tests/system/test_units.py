"""Units come, go and are shut out while the trunk runs, as an operator does it with ``trunkctl units``."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pika.exceptions import AMQPConnectionError, AMQPError

from .conftest import Stock
from .inboxes import Inboxes
from .operating import FIRST, RECEIVER, SECOND, SENDER, Operator, Unit
from .trunk import BIN, ROOT, STATE, VHOST, Trunk, eventually, run

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", autouse=True)
def tidy(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> None:
    Operator(trunk, tmp_path_factory.mktemp("tidy")).tidy()


@pytest.fixture
def operator(trunk: Trunk, tmp_path: Path) -> Iterator[Operator]:
    """With the city's directory in force before and after, and nothing that waits."""
    desk = Operator(trunk, tmp_path)
    try:
        yield desk
    finally:
        desk.put_back()
        with trunk.management() as http:
            for code in desk.added:
                http.delete(f"/users/{code}")
                for queue in (f"inbox.{code}", f"submit.{code}.normal", f"submit.{code}.urgent"):
                    http.delete(f"/queues/{VHOST}/{queue}")


def waiting(trunk: Trunk, queue: str) -> int:
    """Messages in a queue that are ready; those that were returned to it and wait for their next attempt are not."""
    admin = trunk.config["rabbitmq_admin_user"]
    with trunk.channel(admin) as channel:
        return int(channel.queue_declare(queue, passive=True).method.message_count)


def refused_login(trunk: Trunk, user: str) -> bool:
    try:
        trunk.connect(user).close()
    except AMQPConnectionError:
        return True
    return False


def security_events(trunk: Trunk, kind: str, actor: str) -> list[dict[str, Any]]:
    """As the archive keeps them."""
    rows = trunk.collection("trunk_archive", "ledger").find({"subject": "security", "fact": "security.noticed"})
    events = [json.loads(row["body"]) for row in rows]
    return [event for event in events if event["kind"] == kind and event["actor"] == actor]


def test_a_unit_without_an_inbox_yet_waits_and_nobody_else_does(operator: Operator) -> None:
    trunk = operator.trunk
    with Inboxes(trunk, [SENDER, RECEIVER]) as inboxes:
        code = operator.new_unit()
        package = operator.sends(code, RECEIVER)
        assert inboxes.wait_for(package, {"document", "receipt"})
        assert [item.unit for item in inboxes.of(package, "document")] == [RECEIVER]
        later = operator.sends(RECEIVER)
        assert inboxes.wait_for(later, {"document"})
        assert eventually(lambda: trunk.not_ready() == {}), trunk.not_ready()
        with trunk.management() as http:
            assert http.get(f"/queues/{VHOST}/inbox.{code}").status_code == 404
        operator.does("provision", code)
        with Inboxes(trunk, [code]) as own:
            assert own.wait_for(package, {"document"}, 600), "what waited is delivered"
            assert len(own.of(package, "document")) == 1


def test_a_unit_comes_and_goes(operator: Operator) -> None:
    code = operator.new_unit()
    before = operator.in_force()
    less = operator.file(lambda units: units.pop())
    assert f"--remove {code}" in operator.is_refused("import", less)
    assert "can still use the trunk" in operator.is_refused("import", less, "--remove", code)
    assert operator.in_force() == before, "no unit is left out silently"
    assert "no password yet" in operator.is_refused("password", code, by="")
    operator.does("provision", code)
    user, password = operator.does("password", code, by="").split()
    assert (user, password) == (code, operator.trunk.password(code))
    operator.trunk.connect(code).close()
    operator.does("rotate", code)
    assert operator.does("password", code, by="").split()[1] != password
    operator.trunk.connect(code).close()
    operator.does("disable", code)
    operator.does("import", less, "--remove", code)
    operator.does("confirm", operator.pending(), by=SECOND)
    assert code not in {unit["code"] for unit in operator.in_force()["units"]}
    assert refused_login(operator.trunk, code)


def test_a_disabled_unit_is_shut_out_and_comes_back(operator: Operator, stock: Stock) -> None:
    trunk = operator.trunk
    entry = stock.take(lambda e: e["sender"] == SENDER and not e["urgent"])
    other = stock.take(lambda e: e["sender"] == RECEIVER and not e["urgent"])
    trunk.kill_service("intake")
    trunk.submit(SENDER, entry["bytes"])
    session = trunk.connect(SENDER)
    operator.does("disable", SENDER, why="lộ mật khẩu")
    with pytest.raises(AMQPError):
        session.process_data_events(60)
    with pytest.raises(AMQPError):
        session.channel()
    assert refused_login(trunk, SENDER)
    run(BIN / "trunkctl", "topology", "apply", "--state", STATE)
    assert refused_login(trunk, SENDER)
    check = [BIN / "trunkctl", "topology", "check", "--state", STATE]
    differences = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert SENDER not in differences
    run(BIN / "trunkctl", "up", "--state", STATE)  # intake again, which finds one submission of each
    with Inboxes(trunk, [RECEIVER]) as inboxes:
        theirs = trunk.submit(RECEIVER, other["bytes"])
        assert inboxes.wait_for(theirs, {"receipt"})
    # The broker may have given it to the intake that was killed; it then comes back after a pause, and counts again.
    assert eventually(lambda: waiting(trunk, f"submit.{SENDER}.normal") == 1), "what it had submitted waits"
    assert "lộ mật khẩu" in operator.does("list", by="")
    assert eventually(lambda: security_events(trunk, "LOGIN_FAILED", SENDER)), "its attempts are kept"
    operator.does("enable", SENDER, by=SECOND)
    with Inboxes(trunk, [SENDER]) as inboxes:
        assert inboxes.wait(lambda items: bool(items)), "and is taken when it is enabled"
    assert eventually(lambda: waiting(trunk, f"submit.{SENDER}.normal") == 0)
    for actor in (FIRST, SECOND):
        assert eventually(lambda actor=actor: security_events(trunk, "UNIT_ACCESS_CHANGED", actor))


def test_what_others_send_to_a_disabled_unit_waits_in_its_inbox(operator: Operator) -> None:
    trunk = operator.trunk
    before = waiting(trunk, f"inbox.{RECEIVER}")
    operator.does("disable", RECEIVER)
    with Inboxes(trunk, [SENDER]) as inboxes:
        package = operator.sends(RECEIVER)
        assert inboxes.wait_for(package, {"receipt"})
    assert eventually(lambda: waiting(trunk, f"inbox.{RECEIVER}") > before)
    assert refused_login(trunk, RECEIVER)
    operator.does("enable", RECEIVER)
    with Inboxes(trunk, [RECEIVER]) as inboxes:
        assert inboxes.wait_for(package, {"document"})


def test_another_certificate_waits_for_another_person(operator: Operator) -> None:
    before = operator.in_force()

    def exchange(units: list[Unit]) -> None:
        unit = next(unit for unit in units if unit["code"] == RECEIVER)
        unit["certificates"][0]["sha256"] = secrets.token_hex(32)

    file = operator.file(exchange)
    shown = operator.does("import", file, "--dry-run", by="")
    assert "certificate withdrawn" in shown
    assert "certificate added" in shown
    assert operator.units("pending").returncode == 0
    operator.does("import", file)
    version = operator.pending()
    assert operator.in_force() == before
    assert "another person has to confirm it" in operator.is_refused("confirm", version, by="nguyen van a")
    assert "waits for a second person" in operator.is_refused("import", operator.file(lambda units: None))
    assert operator.in_force() == before
    operator.does("withdraw", version)
    assert operator.units("pending").returncode == 0
    assert operator.in_force() == before
    operator.does("import", file)
    operator.does("confirm", version[:12], by=SECOND, why="đã đọc lại dấu vân tay")
    assert operator.in_force() == json.loads(Path(file).read_text(encoding="utf-8"))
    listed = operator.does("history", by="")
    assert "đã đọc lại dấu vân tay" in listed
    assert f"{SECOND}, after {FIRST}" in listed
    assert eventually(lambda: security_events(operator.trunk, "DIRECTORY_CHANGED", SECOND))


def test_a_certificate_for_two_units_is_shown_and_kept_as_a_security_event(operator: Operator) -> None:
    def share(units: list[Unit]) -> None:
        of = {unit["code"]: unit for unit in units}
        of[RECEIVER]["certificates"].append(of[SENDER]["certificates"][0])

    by = f"{FIRST} {secrets.token_hex(2)}"
    shown = operator.does("import", operator.file(share), by=by)
    assert f"is then registered for {SENDER}, {RECEIVER}" in shown
    assert eventually(lambda: security_events(operator.trunk, "CERTIFICATE_SHARED", by))
    operator.does("withdraw", operator.pending())


def test_a_new_name_takes_effect_at_once_and_the_former_file_is_still_there(operator: Operator) -> None:
    before, then = operator.in_force(), datetime.now(UTC)

    def rename(units: list[Unit]) -> None:
        units[0]["name"] = "Tên mới"

    operator.does("import", operator.file(rename))
    assert operator.in_force()["units"][0]["name"] == "Tên mới"
    assert json.loads(operator.does("show", "--at", then.isoformat(), by="")) == before
    assert json.loads(operator.does("show", "--at", "2999-12-31", by="")) == operator.in_force()
    assert "The history begins at" in operator.is_refused("show", "--at", "2000-01-01", by="")


def test_nothing_is_done_without_a_name_and_a_reason(operator: Operator) -> None:
    before = operator.in_force()
    for words in (["disable", SENDER], ["provision", SENDER], ["rotate", SENDER], ["enable", SENDER]):
        assert operator.units(*words).returncode == 2
    nameless = operator.units("import", operator.file(lambda units: units[0].update(name="X")))
    assert nameless.returncode == 2
    assert "--by" in nameless.stderr
    assert operator.in_force() == before
    operator.trunk.connect(SENDER).close()
