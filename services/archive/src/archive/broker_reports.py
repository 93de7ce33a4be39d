"""Reads security events (R40) out of the broker's reports. Pure.

There are two sources: events of the plugin rabbitmq_event_exchange (failed log-ins; changes of users, permissions and
policies), and lines of the broker's log (refused operations). All other reports are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from common.domain.security import SecurityKind
from common.topology import EVENT_EXCHANGE

STAMP = re.compile(r"^\S+ \S+ \[\w+\] <[\d.]+> ", re.MULTILINE)
"""The prefix of each line in the broker's log."""
CHANNEL = re.compile(
    r"Channel error on connection <[\d.]+> "
    r"\((?P<peer>\S+) -> \S+, vhost: '[^']*', user: '(?P<user>[^']*)'\), channel \d+:"
    r"\s+operation \S+ caused a channel exception (?P<cause>\w+): (?P<what>.+)",
    re.DOTALL,
)
"""A client can influence only ``what``, not the text before it."""
CONNECTION = re.compile(r"Error on AMQP connection <[\d.]+> \((?P<peer>\S+) -> (?P<rest>.+)", re.DOTALL)
"""The rest contains the name that the client gave its connection, so it may contain any text."""
NAMED = re.compile(r", user: '(?P<user>[^']*)', state: (?P<state>\w+)\)")
REFUSED_CONNECTION = re.compile(
    r"(?:access_refused|not_allowed): |connection refused for user |vhost .* not found|access to vhost "
)
DENIED = re.compile(r"HTTP access denied: user '(?P<user>.*)' - (?P<what>.+)", re.DOTALL)
REFUSALS = ("access_refused", "not_allowed")
FOREIGN_USER = "user_id property set to"
CHANGES = ("user.", "permission.", "topic.permission.", "policy.", "parameter.", "vhost.")
SILENT = ("user.authentication.success", "user.authenticated")
SHOWN = ("name", "user", "exchange_name", "configure", "write", "read", "pattern", "tags", "vhost", "component")
"""Fields of a change of rights that its detail shows."""


@dataclass(frozen=True, slots=True)
class Report:
    """A security event that the broker has reported."""

    kind: SecurityKind
    actor: str
    origin: str
    detail: str
    at: datetime | None = None

    @property
    def group(self) -> tuple[str, str, str]:
        """Kind, actor and address without the port. Reports with the same group may be counted together."""
        return self.kind.value, self.actor, self.origin.rpartition(":")[0] or self.origin


def read(values: Mapping[str, str]) -> Report | None:
    """The security event in a report; None = there is none. ``values``: the fields of the report."""
    return _event(values) if values.get("exchange") == EVENT_EXCHANGE else _log_line(values.get("text", ""))


def _event(values: Mapping[str, str]) -> Report | None:
    name, at = values.get("event", ""), _time(values.get("timestamp_in_ms", ""))
    if name == "user.authentication.failure":
        host = _address(values.get("peer_host", ""))
        origin = f"{host}:{values.get('peer_port', '')}"
        detail = f"log-in by {values.get('auth_mechanism', '')} refused"
        return Report(SecurityKind.LOGIN_FAILED, values.get("name", ""), origin, detail, at)
    if not name.startswith(CHANGES) or name in SILENT:
        return None
    fields = " ".join(f"{field}={values[field]}" for field in SHOWN if values.get(field))
    actor = values.get("user_who_performed_action", "")
    return Report(SecurityKind.RIGHTS_CHANGED, actor, "broker", f"{name}: {fields}", at)


def _log_line(text: str) -> Report | None:
    """Reads only messages whose beginning the broker itself has written, because clients can have text logged."""
    message = STAMP.sub("", text).strip()
    if denied := DENIED.match(message):
        return Report(SecurityKind.LOGIN_FAILED, _one_line(denied["user"]), "management", _one_line(denied["what"]))
    if failed := CHANNEL.match(message):
        is_foreign = failed["cause"] == "precondition_failed" and failed["what"].startswith(FOREIGN_USER)
        if failed["cause"] not in REFUSALS and not is_foreign:
            return None
        return Report(SecurityKind.ACCESS_REFUSED, failed["user"], failed["peer"], _one_line(failed["what"]))
    if failed := CONNECTION.match(message):
        return _refused_connection(failed["peer"], failed["rest"])
    return None


def _refused_connection(peer: str, rest: str) -> Report | None:
    """The actor is known only if exactly one user is named: a client can name a second one, but not hide its own."""
    named = list(NAMED.finditer(rest))
    after = rest[named[0].end() :] if named else rest
    if not REFUSED_CONNECTION.search(after):
        return None
    actor = named[0]["user"] if len(named) == 1 else ""
    return Report(SecurityKind.ACCESS_REFUSED, actor, peer, _one_line(after.partition(":")[2]))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _address(erlang: str) -> str:
    """``{127,0,0,1}`` as ``127.0.0.1``; anything else unchanged."""
    digits = re.findall(r"\d+", erlang)
    return ".".join(digits) if erlang.startswith("{") and len(digits) == 4 else erlang


def _time(milliseconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds.isdigit() else None
