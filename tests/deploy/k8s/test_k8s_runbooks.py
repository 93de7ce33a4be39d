"""Every command of the runbooks fits the manifests, the compose file and the broker's queues.

``trunkctl`` commands: ``tests/docs/test_pages.py`` and ``tests/deploy/monitoring/test_runbooks.py`` parse them.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ..commands import Known, quoted, wrong
from .conftest import K8S
from .manifests import Manifests

ROOT = K8S.parents[1]
PAGES = [
    *sorted((ROOT / "docs/runbooks").glob("*.md")),
    ROOT / "docs/operations/toolbox.md",
    ROOT / "docs/operations/doctor.md",
]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture
def known(everything: Manifests) -> Known:
    deployments = everything.names("Deployment")
    return Known(
        objects=frozenset((each["kind"], each["metadata"]["name"]) for each in everything.objects),
        labels=frozenset(pair for one in everything.workloads for pair in one.labels.items()),
        containers=frozenset(COMPOSE["services"]),
        lanes=frozenset(name for name in deployments if f"{name}-urgent" in deployments),
    )


def test_every_command_of_the_runbooks_fits(known: Known) -> None:
    faults = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for command in quoted(text):
            line = next((line for line in text.splitlines() if command in line), "")
            if why := wrong(command, known, line):
                faults[f"{page.name}: {command}"] = why
    assert faults == {}


def test_enough_commands_are_found() -> None:
    """The search itself works: every program is quoted somewhere, and in number."""
    commands = [command for page in PAGES for command in quoted(page.read_text(encoding="utf-8"))]
    assert len(commands) > 35
    assert {command.split()[0] for command in commands} >= {"kubectl", "docker", "rabbitmqctl", "rabbitmq-queues"}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("kubectl -n trunk logs -l app.kubernetes.io/name=router --since=30m", "ten lines"),
        ("kubectl -n trunk logs -l app.kubernetes.io/name=rooter --tail=-1", "no pod has label"),
        ("kubectl logs -l app.kubernetes.io/name=router --tail=-1", "namespace not named"),
        ("kubectl -n trunk rollout restart deployment/router", "one lane only"),
        ("kubectl -n trunk rollout restart deployment/<dịch vụ>", "one lane only"),
        ("kubectl -n trunk rollout undo deployment/urgent-router", "no deployment/urgent-router"),
        ("kubectl -n trunk scale deployment/archive --replicas=4", "KEDA"),
        ("kubectl -n trunk exec deploy/tools -- trunkctl doctor", "no deploy/tools"),
        ("kubectl -n trunk create job x --from=cronjob/trunk-backup", "no cronjob/trunk-backup"),
        ("kubectl -n trunk restart deployment/router", "kubectl has no"),
        ("docker compose run --rm trunk-ctl doctor", "no container trunk-ctl"),
        ("docker compose exec broker rabbitmqctl version", "no container broker"),
        ("docker compose up -d --scale validators=3", "no container validators"),
        ("docker compose reload router", "has no"),
        ("rabbitmq-queues --vhost trunk quorum_status facts.routing.normal", "no queue facts.routing.normal"),
        ("rabbitmq-queues quorum_status facts.router.normal", "vhost /"),
        ("rabbitmqctl list_queues name messages", "vhost /"),
        ("rabbitmqctl purge_queue facts.router.normal", "has no"),
    ],
)
def test_a_command_that_does_not_fit_is_found(known: Known, command: str, why: str) -> None:
    assert why in wrong(command, known)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl -n trunk logs -l app.kubernetes.io/name=router --since=30m --tail=-1 --prefix",
        "kubectl -n trunk rollout restart deployment -l app.kubernetes.io/name=<dịch vụ>",
        "kubectl -n trunk exec -it deploy/toolbox-operator -- trunkctl park list --service router",
        "kubectl -n trunk logs job/trunk-topology --tail=-1",
        "docker compose logs --since 30m router",
        "docker compose run --rm backup backup list",
        "rabbitmq-queues --vhost trunk quorum_status facts.router.normal",
        "rabbitmqctl -p trunk list_queues name messages",
    ],
)
def test_one_that_fits_passes(known: Known, command: str) -> None:
    assert wrong(command, known) == ""


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name == "runbooks"], ids=lambda page: page.stem)
def test_trunkctl_doctor_comes_first(page: Path) -> None:
    """Before any other command of ours, and before all queries, of the part that is worked through."""
    text = page.read_text(encoding="utf-8")
    part = text.partition("## Kiểm tra")[2] or text.partition("## Lệnh đầu tiên")[2] or text
    place = part.find("`trunkctl doctor`")
    others = [part.find(each) for each in ("```promql", "kubectl", "docker compose", "rabbitmq-", "rabbitmqctl")]
    others += [part.find("`trunkctl ", place + 1), part.find("`trunkctl ")]
    assert place >= 0
    assert place == min(each for each in others if each >= 0)
