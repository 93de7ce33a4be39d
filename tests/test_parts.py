"""The table of ``make test``, and the rule that keeps servers out of tests that do not ask for any."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from . import parts
from .conftest import refuse_changing_names
from .parts import MOST_REPEATED, PARTS, STAGES, Result, is_repeated, joined, read, table
from .system.trunk import state_folder

ROOT = Path(__file__).parent.parent
FEW_PLUGINS = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Imports half as much, for runs of pytest that need no plugin."""
REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_passes"/>
<testcase classname="tests.test_a" name="test_fails"><failure message="no"/></testcase>
<testcase classname="tests.test_a" name="test_breaks"><error message="fixture"/></testcase>
<testcase classname="tests.test_a" name="test_one"><skipped message="no engine"/></testcase>
<testcase classname="tests.test_b" name="test_two"><skipped message="no engine"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def mixed(tmp_path: Path) -> Result:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    return read(report, Result("servers", 1, 61.4))


def test_a_report_is_counted(mixed: Result) -> None:
    assert mixed.passed == 1
    assert mixed.failed == ["tests.test_a::test_fails", "tests.test_a::test_breaks"]
    assert mixed.skipped == {"no engine": 2}


def test_the_table_names_failures_and_skips(mixed: Result) -> None:
    lines = table([mixed]).splitlines()
    assert lines[1].split() == ["servers", "1", "2", "2", "61"]
    assert lines[2:] == ["FAILED tests.test_a::test_fails", "FAILED tests.test_a::test_breaks", "skipped 2: no engine"]


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
def test_a_part_that_broke_off_is_not_good(code: int, tmp_path: Path) -> None:
    broken = read(tmp_path / "none.xml", Result("system", code, 1))
    assert not broken.is_good
    assert f"pytest ended with {code}" in table([broken])


@pytest.mark.parametrize("code", [0, 1])
def test_a_report_that_broke_off_is_a_failure_and_not_repeated(code: int, tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT[:-20])
    result = read(tmp_path / "report.xml", Result("servers", code, 1))
    assert not result.is_good
    assert not is_repeated(result)
    assert "FAILED ::report.xml: " in table([result])


MARKED = """
import pytest
def test_plain(): pass
@pytest.mark.long
def test_long(): pass
@pytest.mark.servers
def test_servers(): pass
"""


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (parts.FAST, {"test_plain"}),
        (parts.PARTS["without servers"], {"test_plain", "test_long"}),
        (parts.PARTS["servers"], {"test_servers"}),
    ],
    ids=["fast", "without servers", "servers"],
)
def test_long_tests_are_left_out_only_where_it_is_said(
    arguments: tuple[str, ...], chosen: set[str], tmp_path: Path
) -> None:
    (tmp_path / "test_made.py").write_text(MARKED)
    expression = arguments[arguments.index("-m") + 1]
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", expression, "test_made.py"],
        cwd=tmp_path, env=FEW_PLUGINS, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {line.partition("::")[2] for line in listed.stdout.splitlines() if "::" in line} == chosen


@pytest.mark.parametrize(
    "name",
    ["test_a.py::test[<f at 0x7f00a1b2c3>]", "test_a.py::test[{'b', 'a'}]", "test_a.py::test[set()-1]"],
    ids=["address", "texts", "empty"],
)
def test_a_name_that_differs_from_process_to_process_is_refused(name: str) -> None:
    with pytest.raises(pytest.UsageError, match="same in each process"):
        refuse_changing_names([name])


@pytest.mark.parametrize("name", ["test_a.py::test", "test_a.py::test[{'a': 1}]", "test_a.py::test[offset()]"])
def test_all_other_names_stay(name: str) -> None:
    refuse_changing_names([name])


@pytest.mark.parametrize(
    ("part", "code", "failures", "expected"),
    [
        ("servers", 1, 1, True),
        ("system", 1, MOST_REPEATED, True),
        ("router, servers", 1, 1, True),
        ("intake", 1, 1, True),
        ("servers", 1, MOST_REPEATED + 1, False),
        ("servers", 2, 1, False),  # broken off: not all tests have run
        ("servers", 0, 0, False),
        ("without servers", 1, 1, False),
        ("validator, without servers", 1, 1, False),
    ],
)
def test_few_failures_beside_others_are_run_again(part: str, code: int, failures: int, expected: bool) -> None:
    failed = [f"tests.test_a::test_{number}" for number in range(failures)]
    assert is_repeated(Result(part, code, 1, failed=failed)) is expected


def test_what_passes_only_alone_is_named() -> None:
    first = Result("servers", 1, 60, passed=10, failed=["a::one", "a::two"])
    both = joined(first, Result("servers", 1, 5, passed=1, failed=["a::two"]))
    assert (both.passed, both.failed, both.repeated, both.is_good) == (11, ["a::two"], ["a::one"], False)
    assert table([both]).splitlines()[2:] == ["PASSED ONLY WHEN REPEATED a::one", "FAILED a::two"]
    assert joined(first, Result("servers", 0, 5, passed=2)).is_good


def test_a_test_that_was_not_run_again_has_failed() -> None:
    first = Result("servers", 1, 60, passed=10, failed=["a::one", "a::two"])
    assert joined(first, Result("servers", 0, 5, passed=1)) == first
    assert joined(first, Result("servers", 5, 5)) == first
    assert joined(first, Result("servers", 2, 5, passed=2)) == first


def test_a_file_that_cannot_be_read_says_nothing_of_the_test_that_was_to_be_run_again() -> None:
    first = Result("servers", 1, 60, passed=10, failed=["a::one"])
    assert joined(first, Result("servers", 2, 5, failed=["::tests.b"])) == first
    assert not is_repeated(Result("servers", 1, 60, failed=["a::one", "::tests.b"]))


MADE = """
from pathlib import Path
import pytest
{mark}
def test_fails_beside_others(): assert {is_accident} and Path(__file__).with_name("ran").exists()
def test_others(): Path(__file__).with_name("ran").touch()
"""


@pytest.mark.parametrize("is_accident", [True, False])
@pytest.mark.parametrize("mark", ["@pytest.mark.servers", ""])
def test_only_an_accident_with_servers_is_forgiven(
    mark: str, is_accident: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_made.py").write_text(MADE.format(is_accident=is_accident, mark=mark))
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    [result] = parts.run({"intake": ["-q", "-p", "xdist", "test_made.py"]})
    is_forgiven = is_accident and bool(mark)
    assert result.is_good is is_forgiven
    assert (len(result.failed), len(result.repeated)) == ((0, 1) if is_forgiven else (1, 0))


def test_every_part_is_in_one_stage() -> None:
    assert sorted(part for stage in STAGES for part in stage) == sorted(PARTS)


MEETS = """
from pathlib import Path
import time
def test_{own}():
    Path("{own}").touch()
    assert any(Path("{other}").exists() or time.sleep(0.01) for _ in range(6000))
"""


def test_parts_run_side_by_side_and_each_line_says_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each waits for the other, so that one after the other they would fail."""
    for own, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"test_{own}.py").write_text(MEETS.format(own=own, other=other))
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    results = parts.run({name: ["-v", f"test_{name}.py"] for name in ("one", "two")})
    assert [(result.part, result.passed, result.is_good) for result in results] == [("one", 1, True), ("two", 1, True)]
    lines = capfd.readouterr().out.splitlines()
    assert any(line.startswith("one | test_one.py::test_one PASSED") for line in lines), lines
    assert any(line.startswith("two | test_two.py::test_two PASSED") for line in lines), lines


def test_each_process_of_a_run_has_a_trunk_of_its_own() -> None:
    alone = state_folder({})
    assert alone == ROOT / ".devstack"
    assert state_folder({"PYTEST_XDIST_WORKER": "gw0"}) == alone
    assert state_folder({"PYTEST_XDIST_WORKER": "gw1"}) == alone / "gw1"
    assert state_folder({"TRUNK_STATE": "/a", "PYTEST_XDIST_WORKER": "gw2"}) == Path("/a/gw2")


ASKS = """
import socket, pytest
def test_{name}(request):
    {body}
"""


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("asks", "request.getfixturevalue('stack')", "asks for stack: mark it pytest.mark.servers"),
        (
            "connects",
            "\n    with pytest.raises(OSError): socket.create_connection(('127.0.0.1', 20001))",
            "connects to [('127.0.0.1', 20001)]: mark it pytest.mark.servers",
        ),
    ],
)
def test_a_test_without_the_marker_gets_no_server(name: str, body: str, said: str, tmp_path: Path) -> None:
    tests_folder = tmp_path / "tests"
    tests_folder.mkdir()
    (tests_folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tests_folder / "test_made.py").write_text(ASKS.format(name=name, body=body))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tmp_path, tests_folder]
    ended = subprocess.run(command, cwd=tmp_path, env=FEW_PLUGINS, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout
    assert said in ended.stdout


def test_a_server_of_the_tests_own_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as client:
        assert client.getpeername() == server.getsockname()
