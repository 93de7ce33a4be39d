"""Checks the form of values in Secrets, that none is an example, and that each broker user has one password."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from urllib.parse import unquote

from common.facts.flows import OPERATOR, SERVICES
from common.topology import READER
from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.references import SECRET
from trunkctl.install.secrets import ConfigSource, SourcesSeen

EXAMPLE = re.compile(
    r"\b(PASSWORD|HOST|REGISTRY|DIGEST|TODO)\b|(?i:change[-_ ]?me\b)|<[a-z][a-z _-]{2,}>|…"
    r"|\.example\b|\bexample\.(com|net|org)\b|\b(192\.0\.2|198\.51\.100|203\.0\.113)\.\d"
)
"""What stands for a value in the docs: their words, and names and addresses reserved for documents (RFC 2606, 5737)."""
BROKER_USERS = {f"trunk-{service}": service for service in SERVICES} | {
    "trunk-toolbox": READER,
    "trunk-toolbox-operator": OPERATOR,
}
"""Whose address of the broker a Secret holds."""
USERS_SECRET, USERS_KEY, AMQP_KEY = "trunk-broker-users", "users.json", "trunk_amqp_url"
LOG_KEY = re.compile(r"[0-9a-fA-F]{64}")


AMQP = ("amqp", "amqps")
MONGODB = ("mongodb", "mongodb+srv")

HasForm = Callable[[str], bool]


def _is_web_address(value: str) -> bool:
    return value.partition("://")[0] in {"http", "https"}


FORMS: dict[str, tuple[HasForm, str]] = {
    AMQP_KEY: (lambda value: _login(value, AMQP) is not None, "is no amqp or amqps address with user and password"),
    "trunk_mongo_uri": (
        lambda value: _login(value, MONGODB) is not None,
        "is no mongodb address with user and password",
    ),
    "trunk_log_key": (lambda value: LOG_KEY.fullmatch(value) is not None, "is not 32 bytes in hex digits"),
    USERS_KEY: (lambda value: _passwords(value) is not None, "is no JSON object of passwords by user"),
    "alertmanager_page_url": (_is_web_address, "is no http or https address"),
    "alertmanager_desk_url": (_is_web_address, "is no http or https address"),
    "alertmanager_heartbeat_url": (_is_web_address, "is no http or https address"),
}
"""Form by key, and what is said of a value that has another one."""


def judge_values(sources: SourcesSeen) -> list[Finding]:
    """Values that are empty, taken from the docs, or of the wrong form. No value is ever in what is said."""
    named = {(each.kind, each.namespace, each.name): set[str]() for each in sources.named}
    for reference in sources.named:
        named[reference.kind, reference.namespace, reference.name] |= reference.keys
    replaced = {(each.namespace, each.name) for each in sources.brought if each.kind == SECRET and not each.from_vault}
    secrets = [each for each in sources.held if each.kind == SECRET and (each.namespace, each.name) not in replaced]
    findings = [
        Finding(Level.FAILED, f"Secret {each.name} in {each.namespace}: {key} {problem}", "Put the true value there.")
        for each in secrets
        for key in sorted(named.get((each.kind, each.namespace, each.name), set()) & set(each.data))
        if (problem := value_problem(key, each.text(key)))
    ]
    findings += [
        finding for each in secrets if each.name == USERS_SECRET for finding in _judge_passwords(each, secrets)
    ]
    return findings or ok(f"values of {len(secrets)} Secrets have their form, and none is an example of the docs")


def value_problem(key: str, value: str) -> str:
    """What is wrong with a value, without a part of it; empty = nothing."""
    if not value:
        return "is empty"
    if EXAMPLE.search(value):
        return "still holds a word or an address of the docs"
    has_form, problem = FORMS.get(key, (lambda _: True, ""))
    return "" if has_form(value) else problem


def _judge_passwords(users: ConfigSource, secrets: Sequence[ConfigSource]) -> Iterator[Finding]:
    passwords = _passwords(users.text(USERS_KEY))
    if passwords is None:
        return
    for each in secrets:
        user, login = BROKER_USERS.get(each.name), _login(each.text(AMQP_KEY), AMQP)
        if user is None or login is None or each.namespace != users.namespace:
            continue
        name, password = login
        if name != user:
            says = f"Secret {each.name} in {each.namespace}: {AMQP_KEY} is not that of the broker's user {user}"
            yield Finding(Level.FAILED, says, f"Give it the address of user {user}.")
        elif user not in passwords:
            says = f"Secret {users.name} in {users.namespace}: {USERS_KEY} has no password for {user}"
            yield Finding(Level.FAILED, says, "Add it: the topology job would stop.")
        elif passwords[user] != password:
            says = f"the password of {user} is one in Secret {each.name} and another one in {users.name}"
            yield Finding(Level.FAILED, says, "Make them equal: the broker would refuse the service.")


def _login(address: str, schemes: Collection[str]) -> tuple[str, str] | None:
    """User and password; None for what is no such address. Taken apart by hand: no error may show a part of it."""
    scheme, _, rest = address.partition("://")
    name, _, password = (unquote(part) for part in rest.rpartition("@")[0].partition(":"))
    return (name, password) if scheme in schemes and name and password else None


def _passwords(text: str) -> Mapping[str, str] | None:
    try:
        whole = json.loads(text)
    except ValueError:
        return None
    is_right = isinstance(whole, dict) and all(isinstance(each, str) and each for each in whole.values())
    return whole if is_right else None
