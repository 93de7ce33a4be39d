"""What the broker reports about itself, read as security events (R40): pure.

Two sources: events of the plugin rabbitmq_event_exchange (log-ins that failed; users, permissions and policies that
changed), and lines of the broker's log (operations that it refused). Other reports are none of our concern.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from common.domain.security import SecurityKind
from common.topology import EVENT_EXCHANGE

STAMP = re.compile(r"^\S+ \S+ \[\w+\] <[\d.]+> ", re.MULTILINE)
"""What the broker's log puts before each line of a message."""
CHANNEL = re.compile(
    r"Channel error on connection <[\d.]+> "
    r"\((?P<peer>\S+) -> \S+, vhost: '[^']*', user: '(?P<user>[^']*)'\), channel \d+:"
    r"\s+operation \S+ caused a channel exception (?P<cause>\w+): (?P<what>.+)",
    re.DOTALL,
)
"""Nothing in it before ``what`` is the client's own word."""
CONNECTION = re.compile(r"Error on AMQP connection <[\d.]+> \((?P<peer>\S+) -> (?P<rest>.+)", re.DOTALL)
"""The rest holds the name that the client gave its connection, so it may say anything."""
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
"""What a change of rights is shown by."""


@dataclass(frozen=True, slots=True)
class Report:
    """A security event as the broker reports it."""

    kind: SecurityKind
    actor: str
    origin: str
    detail: str
    at: datetime | None = None

    @property
    def group(self) -> tuple[str, str, str]:
        """Equal for reports that are counted instead of told one by one."""
        return self.kind.value, self.actor, self.origin.rpartition(":")[0] or self.origin


def read(values: Mapping[str, str]) -> Report | None:
    """The security event in a report; None = it is none."""
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
    shown = " ".join(f"{field}={values[field]}" for field in SHOWN if values.get(field))
    actor = values.get("user_who_performed_action", "")
    return Report(SecurityKind.RIGHTS_CHANGED, actor, "broker", f"{name}: {shown}", at)


def _log_line(text: str) -> Report | None:
    """Only messages whose beginning the broker wrote are read, since clients can have their own words logged."""
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
    """Who it was is known only if a single user is named: a client can name another one, but not hide its own."""
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
