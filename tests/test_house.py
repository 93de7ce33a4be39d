"""House rules that a machine can hold."""

import ast
import importlib
import itertools
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from common import topology
from common.domain.directory import Unit
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts.flows import SERVICES
from common.sentences import sentence

ROOT = Path(__file__).parent.parent
PACKAGES = ["canary", "common", "dashboards", "devstack", "lab", "mint", "trunkctl", *SERVICES]


@pytest.mark.parametrize("name", PACKAGES)
def test_our_names_are_ours(name: str) -> None:
    """``intake`` and others exist in public registries: ours must be the ones imported."""
    file = importlib.import_module(name).__file__
    assert file is not None
    assert Path(file).is_relative_to(ROOT)


def test_every_service_is_in_the_table_of_facts() -> None:
    assert {path.name for path in (ROOT / "services").iterdir() if path.is_dir()} == set(SERVICES)


LISTS_OF_SERVICES = [
    ".ci/run",
    "CODEOWNERS",
    "Makefile",
    "README.md",
    "apidocs/documents.py",
    "deploy/Dockerfile",
    "deploy/compose/make-secrets.sh",
    "deploy/docker-bake.hcl",
    "deploy/k8s/base/kustomization.yaml",
    "deploy/k8s/components/external-secrets/services.yaml",
    "deploy/k8s/components/keda/kustomization.yaml",
    "deploy/k8s/components/lanes/kustomization.yaml",
    "deploy/k8s/examples/mongodb.yaml",
    "deploy/k8s/overlays/dev/kustomization.yaml",
    "deploy/k8s/overlays/production/kustomization.yaml",
    "deploy/k8s/overlays/staging/kustomization.yaml",
    "deploy/monitoring/prometheus.yaml",
    "deploy/seaweedfs/identities.json",
    "docker-compose.yml",
    "docs/architecture.md",
    "docs/asyncapi/README.md",
    "docs/operations/capacity.md",
    "docs/operations/install-compose.md",
    "docs/operations/install-kubernetes.md",
    "docs/operations/store-access.md",
    "docs/operations/upgrade.md",
    "libs/common/src/common/store_access.py",
    "testing/lab/src/lab/kubernetes/images.py",
    "pyproject.toml",
    "tests/common/test_permissions.py",
    "tests/deploy/k8s/checks/flowing.py",
    "tests/deploy/k8s/checks/hardening.py",
    "tests/deploy/k8s/test_k8s_docs.py",
    "tests/deploy/k8s/test_k8s_install_check.py",
    "tests/parts.py",
    "tests/system/trunk.py",
    "tools/dashboards/src/dashboards/words.py",
    "tools/trunkctl/src/trunkctl/backup/order.py",
]
"""Files that list the services. Tables of the code derive from ``SERVICES``; these are written by hand."""


@pytest.mark.parametrize("path", LISTS_OF_SERVICES)
def test_a_list_of_services_has_each(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert [service for service in SERVICES if not re.search(rf"\b{service}\b", text)] == []


@pytest.mark.parametrize("folder", ["services", "tests", "deploy/k8s/base"])
def test_each_service_has_a_folder(folder: str) -> None:
    assert [service for service in SERVICES if not (ROOT / folder / service).is_dir()] == []


def test_queue_names_are_distinct() -> None:
    units = [Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in ("A.01", "B.02", "B.02.normal")]
    whole = topology.static_topology()
    for unit in units:
        whole += topology.unit_topology(unit)
    names = [queue.name for queue in whole.queues]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("code", ["000.00.14.H29", "A.01", "normal", "A.normal", "submit.x"])
def test_the_unit_of_a_queue_is_read_from_its_name(code: str) -> None:
    for lane in Lane:
        queue = topology.submit_queue(code, lane)
        assert topology.unit_of_submit_queue(queue) == code
        assert topology.lane_of(queue) is lane
    assert topology.unit_of_inbox(topology.inbox_queue(code)) == code
    for other in (topology.inbox_queue(code), "facts.router.normal", "submit.", "", "submit.A.01"):
        assert topology.unit_of_submit_queue(other) == ""


def test_submit_keys_are_exact() -> None:
    assert topology.submit_key("000.00.14.H29", Lane.NORMAL) == "submit.000.00.14.H29"
    assert topology.submit_key("000.00.14.H29", Lane.URGENT) == "submit.000.00.14.H29.urgent"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_and_is_its_token(reason: Reason) -> None:
    assert reason.value == reason.name
    assert sentence(reason).endswith(".")


# What must never end


SHIPPED = sorted([*(ROOT / "libs" / "common").rglob("*.py"), *(ROOT / "services").rglob("*.py")])
BEGINS_TASKS = {
    "common.tasks": "supervises them",
    "common.service.consumer": "one for each message, and the two that a connection waits for",
    "common.service.listener": "the two that a connection waits for",
    "common.service.connection": "one for each wait on a connection, until that ends",
    "common.service.pending": "one for each publish",
    "common.service.publishers": "two in a group: it ends with the first of them, and is supervised",
    "notifier.dispatch": "one for each notification",
    "validator.workers.pool": "one for each document",
}
"""Modules that begin a task of asyncio themselves: none of them runs for good."""
USES_THREADS = {
    "common.containment": "makes it safe",
    "notifier.channels.guarded_network": "its own threads, as safely",
    "validator.workers.pool": "its own threads, as safely",
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(next(up for up in path.parents if up.name == "src")).with_suffix("").parts)


def calls(path: Path, *names: str) -> Iterator[int]:
    """Lines on which a function or method of such a name is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node.lineno


def test_only_supervised_tasks_run_for_good() -> None:
    beginning = {module_of(path) for path in SHIPPED if any(calls(path, "create_task", "ensure_future"))}
    assert beginning == set(BEGINS_TASKS)


def test_no_thread_leaves_its_coroutine_waiting() -> None:
    """``asyncio.to_thread`` never returns where the function raises ``StopIteration``."""
    using = {module_of(path) for path in SHIPPED if any(calls(path, "to_thread", "run_in_executor"))}
    assert using == set(USES_THREADS)


LIBRARIES = {"cryptography", "asn1crypto", "lxml", "pyhanko", "minio", "aiormq", "defusedxml", "zipfile"}
NARROW = {
    "common.buckets": "asks for one code, and raises all else",
    "common.edxml.unzip": "a full disk must not pass for a damaged archive",
    "common.objects": "asks for one code; all else that means an outage is in STORE_ERRORS",
    "common.package_store": "asks for codes; all else that means an outage is in STORE_ERRORS",
    "common.service.connection": "gives one error another name",
    "common.service.consumer": "supervised: what is not held here begins the task again",
    "common.service.listener": "supervised: what is not held here begins the task again",
    "common.service.depths": "looks into an outage of its own, and raises all others again",
    "common.service.publisher": "supervised, and every other error goes to whoever publishes",
    "common.tlog.note": "tells wrong from right; what it calls raises nothing else for bytes of any kind",
    "validator.checks.coverage": "holds everything but a lack of memory",
    "validator.checks.difference": "inside of library_errors_as",
    "validator.checks.tamper_evidence": "what it calls raises nothing else",
    "validator.cms.public_key": "inside of raising_unusable",
    "validator.cms.raw_rsa": "its caller holds everything, by library_errors_as",
    "validator.cms.signature_scheme": "tells wrong from right; its callers hold everything else",
    "validator.fault": "lets its own faults pass, and the end of the process",
    "validator.pki.algorithms": "what it calls raises nothing else, by raising_unusable",
    "validator.secrecy.pdf_marks": "tells packed from plain; its caller holds everything else",
    "validator.secrecy.stream_data": "tells whole from broken; its caller holds everything else",
}
"""Modules that use such a library and hold less than everything it may raise, and why that ends nothing else."""
INSIDE_OF_A_FAULT = ("validator.diff", "validator.pdf")
"""Work on a PDF: whatever is raised there becomes a fault of the rule that was asked, by ``library_errors_as``."""


def narrow_handlers(path: Path) -> list[int]:
    """Lines of ``except`` that hold neither ``Exception`` nor ``BaseException``."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    handlers = [(node.lineno, node.type) for node in nodes if isinstance(node, ast.ExceptHandler)]
    return [line for line, kind in handlers if kind and ast.unparse(kind) not in ("Exception", "BaseException")]


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names}


def test_who_holds_only_some_errors_of_a_library_says_why() -> None:
    narrow = {module_of(path) for path in SHIPPED if LIBRARIES & imported(path) and narrow_handlers(path)}
    assert {name for name in narrow if not name.startswith(INSIDE_OF_A_FAULT)} == set(NARROW)


PROJECTS = sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


def declared(project: Path) -> set[str]:
    """Our own packages that a project names as dependencies, those of its extras included."""
    about = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    named = itertools.chain(about.get("dependencies", ()), *about.get("optional-dependencies", {}).values())
    return {re.split(r"[^\w-]", each.removeprefix("trunk-"))[0] for each in named if each.startswith("trunk-")}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_what_a_package_imports_of_ours_it_names_as_a_dependency(project: Path) -> None:
    """In a checkout all of them are installed; in an image only those."""
    ours = {name for source in (project / "src").rglob("*.py") for name in imported(source)} & set(PACKAGES)
    assert ours - {project.name} <= declared(project)


@pytest.mark.parametrize("service", SERVICES)
def test_tests_of_a_service_import_no_other_service(service: str) -> None:
    """They also run where only that service is installed, with what it depends on."""
    named = {name for source in (ROOT / "tests" / service).rglob("*.py") for name in imported(source)}
    assert named & set(SERVICES) <= {service}


def test_the_image_of_the_jobs_is_built_of_the_services_that_it_needs() -> None:
    stage = DOCKERFILE.partition("AS code-trunkctl\n")[2].partition("\n\n")[0]
    copied = set(re.findall(r"^COPY services/(\w+)/", stage, re.MULTILINE))
    assert copied == declared(ROOT / "tools" / "trunkctl") & set(SERVICES)


TESTS = sorted((ROOT / "tests").rglob("*.py"))
CHANGES_A_BROKER_USER = re.compile(r"""set_password\(|apply_user\(|remove_user\(|(?:put|delete)\(f?"(?:/api)?/users/""")
CHANGE_BROKER_USERS = {
    "cluster/node/conftest.py": "on a broker of its own",
    "common/test_startup.py": "gives what every test gives",
    "contract/test_rabbitmq_contract.py": "made for one test, with a name of its own",
    "harness/broker_users.py": "makes those that are missing, one process at a time",
    "system/canary.py": "the two users of the canary, which no other test has",
    "system/test_units.py": "made for one test, with a name of its own",
    "trunkctl/test_topology_job.py": "made for one test, with a name of its own",
    "trunkctl/test_users.py": "made for one test, with a name of its own",
    "trunkctl/units/test_access.py": "made for one test, with a name of its own",
    "upgrade/conftest.py": "the password and the tags that every test gives",
    "upgrade/test_take_over.py": "made for one test, with a name of its own",
}


def test_no_test_changes_a_broker_user_that_others_use() -> None:
    """Users belong to the whole broker, and files of tests run beside each other (tests/harness/broker_users.py)."""
    files = {str(path.relative_to(ROOT / "tests")) for path in TESTS if CHANGES_A_BROKER_USER.search(path.read_text())}
    assert files - {"test_house.py"} == set(CHANGE_BROKER_USERS)


ACTS_ON_A_WHOLE_SERVER = re.compile(
    r"""broker_control|admin\.end_sessions\(|["']/(?:api/)?connections|/(?:global-parameters|feature-flags|definitions)"""
    r"""|\bservers\.(?:kill|stop|revive)\b|list_database_names|threading\.enumerate|database_name\("|\["trunk_[a-z]+"\]"""
)
ALONE = ("backup", "cluster", "containers", "stores", "system")
"""Folders of tests that have servers of their own, or run while no others do."""
ACT_ON_WHOLE_SERVERS = {
    "common/conftest.py": "closes sessions of its own virtual host, each by its name",
    "contract/conftest.py": "ends servers that it has started for one test",
    "contract/test_alarm.py": "on a broker of its own",
    "contract/test_database_recovery.py": "on a database of its own",
    "contract/test_mongo_contract.py": "on a database of its own",
    "contract/test_rabbitmq_contract.py": "on a broker of its own",
    "contract/test_s3_contract.py": "on an object store of its own",
    "secrecy/test_purge.py": "stops an object store of its own",
    "trunkctl/doctor/test_examining.py": "looks at threads that began since",
    "trunkctl/units/test_access.py": "closes sessions of a user of its own",
}


def test_no_test_acts_on_a_whole_server_that_others_use() -> None:
    """Files of tests run beside each other: an alarm, a session that is closed, a server that is ended or one of the
    services' own databases is everybody's. Threads of a process stay when the test that began them is over."""
    files = {
        str(relative)
        for relative in (path.relative_to(ROOT / "tests") for path in TESTS)
        if relative.parts[0] not in ALONE and ACTS_ON_A_WHOLE_SERVER.search((ROOT / "tests" / relative).read_text())
    }
    assert files - {"test_house.py"} == set(ACT_ON_WHOLE_SERVERS)


CLOSE_SESSIONS_EVERYWHERE = {
    "trunkctl/commands/units_access.py": "the unit's former password opens none any more",
    "trunkctl/commands/users.py": "the former password opens none any more",
    "trunkctl/topology_job.py": "the unit is disabled",
    "trunkctl/units/access.py": "the unit is disabled, or has another user",
}
"""Why sessions of a user are closed in all virtual hosts: the user itself is shut out."""


def test_sessions_are_closed_in_all_virtual_hosts_only_where_the_user_is_shut_out() -> None:
    """Another installation on the same broker, and tests beside each other, have sessions of the same users."""
    sources = [path for path in (ROOT / "tools").glob("*/src/**/*.py") if ".end_sessions(" in path.read_text()]
    assert {str(path).partition("/src/")[2] for path in sources} == set(CLOSE_SESSIONS_EVERYWHERE)


MANAGEMENT_CLIENT = re.compile(r"httpx\.(?:Async)?Client\([^\n]*management[^\n]*\)")


def test_the_broker_s_management_has_more_than_the_five_seconds_of_the_client() -> None:
    """It takes longer while tests of other processes make and remove virtual hosts."""
    clients = [client for path in TESTS for client in MANAGEMENT_CLIENT.findall(path.read_text())]
    assert clients
    assert [client for client in clients if "timeout=" not in client] == []


def test_no_port_is_chosen_when_a_module_is_read() -> None:
    """Minutes lie between that and the server that listens there: somebody else may have taken it."""
    at_import = re.compile(r"(?m)^\S.*= (?:next\()?(?:\w+\.)?free_(?:ports|block)\(")
    assert [path.name for path in TESTS if at_import.search(path.read_text())] == []


NOW_AT_IMPORT = re.compile(r"(?m)^[A-Z_]+\b.*=.*(?:\bnow\(|utc_now\(|time\.time\()")
IMPORT_TIMES = {
    "common/test_package_store.py": "hours from then; nothing runs as long",
    "deploy/k8s/test_k8s_volumes.py": "what is compared is made from it",
    "notifier/test_retention.py": "what is compared is made from it",
    "trunkctl/backup/test_copying.py": "ten years from then; nothing runs as long",
    "trunkctl/test_local.py": "what is compared is made from it",
    "validator/test_package_files.py": "any time will do",
}


def test_no_test_takes_the_time_at_which_its_module_was_read_for_the_present() -> None:
    """Minutes lie between the two where many tests run."""
    files = {str(path.relative_to(ROOT / "tests")) for path in TESTS if NOW_AT_IMPORT.search(path.read_text())}
    assert files == set(IMPORT_TIMES)


MOST_LINES = 250
WHY_LONGER = "Longer than 250 lines: "
"""In the docstring at the top of a module; behind it the reason why it is no two modules."""
NO_REASON_YET = {
    "libs/common/src/common/edxml/build.py",
    "libs/common/src/common/objects.py",
    "libs/common/src/common/secrecy/marks.py",
    "libs/common/src/common/service/consumer.py",
    "libs/common/src/common/service/service.py",
    "services/intake/src/intake/handlers.py",
    "services/router/src/router/execute/executor.py",
    "services/router/src/router/execute/messages.py",
    "services/router/src/router/handlers.py",
    "services/router/src/router/route.py",
    "services/validator/src/validator/cms/signed_data.py",
    "services/validator/src/validator/report/rules.py",
    "testing/mint/src/mint/pki.py",
    "tools/trunkctl/src/trunkctl/broker_admin.py",
}
"""Modules that were longer when this was written. Take out what has become shorter or has a reason; add nothing."""
ROOMS = ("apidocs", "bench", "deploy", "docs", "fuzz", "libs", "services", "testing", "tools")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def is_long_without_reason(source: str) -> bool:
    return len(source.splitlines()) > MOST_LINES and WHY_LONGER not in (ast.get_docstring(ast.parse(source)) or "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""One."""\n' + "x = 1\n" * 249, False),
        ('"""One."""\n' + "x = 1\n" * 250, True),
        ("x = 1\n" * 251, True),
        (f'"""One.\n\n{WHY_LONGER}it is a table.\n"""\n' + "x = 1\n" * 300, False),
        (f"# {WHY_LONGER}it is a table.\n" + "x = 1\n" * 300, True),
    ],
    ids=["short", "long", "without a docstring", "with its reason", "with a comment"],
)
def test_a_long_module_is_told_from_one_with_a_reason(source: str, expected: bool) -> None:
    assert is_long_without_reason(source) is expected


def test_a_module_of_more_than_250_lines_says_why_at_its_top() -> None:
    files = {str(path.relative_to(ROOT)) for path in MODULES if is_long_without_reason(path.read_text("utf-8"))}
    assert files == NO_REASON_YET
