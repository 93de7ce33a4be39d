"""Shell commands that pages quote, and what is wrong with them: unknown names, and known traps; pure."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common.topology import INBOX_PREFIX, VHOST, static_topology

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PROGRAMS = ("kubectl", "docker", "rabbitmqctl", "rabbitmq-diagnostics", "rabbitmq-queues", "rabbitmq-plugins")
NAMESPACES = {"trunk", "trunk-data", "keda"}
"""Namespaces that commands name; of ``trunk`` alone the objects are ours."""
VALUES = {"-n", "-l", "-o", "--from", "--since", "-c", "-p", "--vhost", "--sort-by", "--scale", "--timeout"}
"""Options whose value is the next word."""
KINDS = {
    "deployment": "Deployment", "deploy": "Deployment", "job": "Job", "cronjob": "CronJob", "cronjobs": "CronJob",
    "jobs": "Job", "pod": "Pod", "pods": "Pod", "scaledobject": "ScaledObject", "hpa": "", "certificate": "",
    "secret": "", "configmap": "", "statefulset": "",
}  # fmt: skip
KUBECTL = {"get", "describe", "logs", "exec", "rollout", "scale", "create", "annotate", "delete", "wait"}
COMPOSE = {"ps", "logs", "run", "exec", "restart", "up", "stop", "build", "pull", "config", "rm", "down"}
RABBITMQ = {
    "rabbitmqctl": {"list_queues", "list_connections", "version", "cluster_status"},
    "rabbitmq-diagnostics": {
        "memory_breakdown", "check_if_node_is_quorum_critical", "check_running", "cluster_status", "ping",
        "check_port_connectivity",
    },
    "rabbitmq-queues": {"quorum_status"},
    "rabbitmq-plugins": {"list"},
}  # fmt: skip
MADE_BY_HAND = {"sao-luu-tay"}
"""Jobs that a page makes before it names them."""
NAMED_ONLY = 2
"""Words of `kubectl scale` in a sentence, which names the command and says nothing about what."""
OF_A_VHOST = {"list_queues", "quorum_status"}
"""Commands at the broker that ask one virtual host."""
QUEUE = re.compile(r"^(facts|place|submit|inbox|trunk|broker)\.")


@dataclass(frozen=True)
class Known:
    """What the manifests define."""

    objects: frozenset[tuple[str, str]]
    """Kind and name, in our namespace."""
    labels: frozenset[tuple[str, str]]
    """Labels of pods."""
    containers: frozenset[str]
    """Services of the compose file."""
    lanes: frozenset[str] = frozenset()
    """Deployments that have a twin for the other lane."""


def quoted(text: str) -> Iterator[str]:
    """Every command of a page that is of one of the programs, a whole line or a span; pipes are cut off."""
    lines = [line for _, block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    for code in (*lines, *SPAN.findall(FENCE.sub("", text))):
        for part in re.split(r"\s*(?:\||&&|;|</dev)\s*", code):
            words = part.strip().removeprefix("$ ").split()
            if words[:1] == ["kubectl"] and len(words) <= NAMED_ONLY:
                continue
            if len(words) > 1 and words[0] in PROGRAMS:
                yield part.strip()


def wrong(command: str, known: Known, line: str = "") -> str:
    """Why a command does not do what it should; empty = nothing speaks against it. ``line``: where it stands."""
    words = shlex.split(command.replace("…", "x"))
    program, arguments = words[0], words[1:]
    judge: Callable[[list[str], Known, str], str] = {"kubectl": _kubectl, "docker": _docker}.get(program, _broker)
    return judge(words if judge is _broker else arguments, known, line)


def _kubectl(arguments: list[str], known: Known, line: str) -> str:
    options, positional = _split(arguments)
    if not positional or positional[0] not in KUBECTL:
        return f"kubectl has no {positional[:1]} here"
    namespace = options.get("-n", "")
    if namespace not in NAMESPACES:
        return f"namespace {namespace or 'not named'}"
    verb, *rest = positional
    if "-l" in options and verb == "logs" and options.get("--tail") != "-1":
        return "with a selector kubectl shows ten lines a pod: --tail=-1"
    if namespace == "trunk-data":
        return ""
    if label := _unknown_label(options.get("-l", ""), known):
        return f"no pod has label {label}"
    if verb == "scale" and "KEDA" not in line:
        return "KEDA sets a scale by hand back: say so, or name its ScaledObject"
    return _unknown_object(verb, rest, options, known) if namespace == "trunk" else ""


def _unknown_object(verb: str, rest: list[str], options: dict[str, str], known: Known) -> str:
    named = [word for word in (*rest, options.get("--from", "")) if "/" in word]
    kinds = rest[0].split(",") if rest and "/" not in rest[0] and verb in ("get", "describe") else []
    if strange := [kind for kind in kinds if kind not in KINDS]:
        return f"no kind {strange[0]}"
    for word in named:
        kind, _, name = word.partition("/")
        if verb == "rollout" and (name.startswith("<") or name in known.lanes):
            return "reaches one lane only: select by label app.kubernetes.io/name"
        if "<" not in name and name not in MADE_BY_HAND and (KINDS.get(kind, kind), name) not in known.objects:
            return f"there is no {word}"
    return ""


def _unknown_label(selector: str, known: Known) -> str:
    for each in filter(None, selector.split(",")):
        key, _, value = each.partition("=")
        if "<" not in value and (key, value) not in known.labels:
            return each
    return ""


def _docker(arguments: list[str], known: Known, line: str) -> str:
    if arguments[:1] != ["compose"]:
        return "docker without compose"
    options, positional = _split(arguments[1:], first_only=True)
    if not positional or positional[0] not in COMPOSE:
        return f"docker compose has no {positional[:1]}"
    named = [options["--scale"].partition("=")[0]] if "--scale" in options else positional[1:2]
    strange = [name for name in named if "<" not in name and name not in known.containers]
    return f"no container {strange[0]}" if strange else ""


def _broker(words: list[str], known: Known, line: str) -> str:
    program, *arguments = words
    options, positional = _split(arguments)
    if not positional or positional[0] not in RABBITMQ[program]:
        return f"{program} has no {positional[:1]} here"
    if positional[0] in OF_A_VHOST and VHOST not in (options.get("-p"), options.get("--vhost")):
        return f"asks the vhost /, where nothing is: --vhost {VHOST}"
    queues = {queue.name for queue in static_topology().queues}
    strange = [word for word in positional[1:] if _is_fixed_queue(word) and word not in queues]
    return f"no queue {strange[0]}" if strange else ""


def _is_fixed_queue(word: str) -> bool:
    """Whether it names a queue that does not depend on which units there are."""
    return bool(QUEUE.match(word)) and "<" not in word and not word.startswith(("submit.", INBOX_PREFIX))


def _split(arguments: list[str], *, first_only: bool = False) -> tuple[dict[str, str], list[str]]:
    """Options with their values, and other words, up to ``--``.

    first_only: options behind the second word are of the program inside, as with ``docker compose run``.
    """
    options: dict[str, str] = {}
    positional: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            break
        if word.startswith("-") and not (first_only and len(positional) > 1):
            key, _, value = word.partition("=")
            options[key] = value or (next(rest, "") if key in VALUES else "")
        else:
            positional.append(word)
    return options, positional
