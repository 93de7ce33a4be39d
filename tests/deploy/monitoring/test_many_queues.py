"""With as many submit queues as units have, the backlog of the last one counts, and what is delayed does not."""

from pathlib import Path

from lab.prometheus import Tools

from . import files
from .files import MONITORING

UNITS = 600
"""Each with a queue for either lane."""
BACKLOG, DELAYED = 700, 5_000


def series(name: str, queue: str, value: int) -> dict[str, str]:
    return {"series": f'rabbitmq_detailed_queue_{name}{{queue="{queue}", vhost="trunk"}}', "values": f"{value}x5"}


def test_twelve_hundred_submit_queues_are_summed_and_delayed_packages_are_not(each: Tools, tmp_path: Path) -> None:
    queues = [f"submit.H29.{unit}.{lane}" for unit in range(UNITS) for lane in ("normal", "urgent")]
    waiting = dict.fromkeys(queues, 0) | {queues[-2]: BACKLOG}
    inputs = [
        each_series
        for queue, ready in waiting.items()
        for each_series in (
            series("messages", queue, ready),
            series("messages_ready", queue, ready),
            series("messages_unacked", queue, 0),
            series("consumers", queue, 2),
        )
    ]
    inputs += [
        series("messages", "facts.validator.normal", DELAYED),
        series("messages_ready", "facts.validator.normal", 0),
        series("messages_unacked", "facts.validator.normal", 0),
    ]
    due = {("intake", "normal"): BACKLOG, ("intake", "urgent"): 0, ("validator", "normal"): 0}
    samples = [
        {"labels": f'trunk:service_due{{service="{service}", urgency="{urgency}"}}', "value": value}
        for (service, urgency), value in due.items()
    ]
    case = {
        "input_series": inputs,
        "promql_expr_test": [{"expr": "trunk:service_due", "eval_time": "4m", "exp_samples": samples}],
    }
    file = files.case_file(tmp_path, [MONITORING / "rules" / "recording.yaml"], "1m", case)
    answer = each.promtool("test", "rules", file)
    assert answer.code == 0, answer.printed
