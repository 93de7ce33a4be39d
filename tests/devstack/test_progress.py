"""Steps are told with their seconds; shared work is done once."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from devstack.once import Once
from devstack.progress import Plain


def test_each_step_is_a_line_with_its_seconds():
    output = io.StringIO()
    with Plain(Console(file=output)).step("RabbitMQ [4.3]"):
        pass
    assert output.getvalue() == "   0.0 s  RabbitMQ [4.3]\n"


def test_a_failed_step_says_so():
    output = io.StringIO()
    with pytest.raises(ValueError, match="x"), Plain(Console(file=output)).step("step"):
        raise ValueError("x")
    assert output.getvalue() == "   0.0 s  step: failed\n"


def test_shared_work_is_done_once():
    calls = []
    work = Once(lambda: calls.append(1) or len(calls))
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: work(), range(8))) == {1}


def test_failed_work_fails_for_everybody():
    calls = []

    def fail() -> None:
        calls.append(1)
        raise ValueError("no network")

    work = Once(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no network"):
            work()
    assert len(calls) == 1
