"""The table of ``make test``, and the rule that keeps servers out of tests that do not ask for any."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .parts import Result, read, table

ROOT = Path(__file__).parent.parent
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
    made = tmp_path / "tests"
    made.mkdir()
    (made / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (made / "test_made.py").write_text(ASKS.format(name=name, body=body))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tmp_path, made]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout
    assert said in ended.stdout


def test_a_server_of_the_tests_own_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as client:
        assert client.getpeername() == server.getsockname()
