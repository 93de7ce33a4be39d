"""RabbitMQ's management API: declares a ``Topology`` and lists how a broker differs from it."""

import base64
import hashlib
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from common.topology import OLDEST_RABBITMQ, VHOST, Binding, Policy, Queue, TopicPermission, Topology, User

TIMEOUT_SECONDS = 30.0
CLOSING_SECONDS = 20.0
"""How long to wait until a user has no sessions any more; usually it takes tenths of a second."""
CLOSING_HERE_SECONDS = 60.0
"""The same for the sessions in one virtual host: the broker closes one by its name some seconds after it was opened."""
ASKING_AGAIN_SECONDS = 0.2
LEADERS_SECONDS = 7.0
"""How long the broker may take to ask all leaders: it waits up to five seconds for each, for all at once."""
SALT_BYTES = 4

Row = dict[str, Any]
Password = str | None
"""None: the user logs in with a client certificate."""


class Refused(Exception):
    """The broker refused a declaration, for instance a queue that exists with other arguments."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The users, and the permissions of each."""

    users: dict[str, Row]
    permissions: dict[str, Row]
    topics: dict[tuple[str, str], Row]
    limits: dict[str, dict[str, int]]


class BrokerAdmin:
    """An administrator's session at the broker's management API."""

    def __init__(
        self, url: str, user: str, password: str, vhost: str = VHOST, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.vhost = vhost
        self._quoted = quote(vhost, safe="")
        self._admin = user
        self.http = httpx.Client(base_url=f"{url.rstrip('/')}/api", auth=(user, password), timeout=timeout_seconds)

    def version(self) -> str:
        """The broker's version. Raises ``Refused`` for one that is too old."""
        version = str(self.get("/overview")["rabbitmq_version"])
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_RABBITMQ:
            oldest = ".".join(map(str, OLDEST_RABBITMQ))
            raise Refused(f"RabbitMQ {version} is too old: the trunk needs {oldest} or later")
        return version

    def apply(self, topology: Topology, passwords: Mapping[str, Password]) -> None:
        """Declares everything; objects that exist as described are not touched. Raises ``Refused``."""
        self.make_vhost()
        self.declare(topology)
        for policy in topology.policies:
            self.put(f"/policies/{self._quoted}/{quote(policy.name)}", _policy_body(policy))
        existing = self.rights()
        for user in topology.users:
            self.apply_user(user, passwords[user.name], existing)

    def make_vhost(self) -> None:
        """Make the virtual host unless it exists. Raises ``Refused`` on a broker that is too old."""
        self.version()
        self.put(f"/vhosts/{self._quoted}", {})

    def declare(self, topology: Topology) -> None:
        """Exchanges, queues and bindings only. What exists already costs one request for all, not one each."""
        exchanges, queues, bindings = self.exchanges(), self.queues(), self.bindings()
        for exchange in topology.exchanges:
            if exchange.name not in exchanges:
                self.put(f"/exchanges/{self._quoted}/{quote(exchange.name)}", _exchange_body(exchange.kind))
        for queue in topology.queues:
            if not _is_same(queues.get(queue.name), _queue_body(queue)):
                self.put(f"/queues/{self._quoted}/{quote(queue.name)}", _queue_body(queue))
        for binding in topology.bindings:
            if (binding.exchange, binding.queue, binding.key) not in bindings:
                self.bind(binding)

    def apply_user(self, user: User, password: Password, existing: "Rights | None" = None) -> None:
        """Makes or changes a user as described. Skips permissions in effect: setting them is logged as a change."""
        name, existing = quote(user.name, safe=""), existing or self.rights()
        row = existing.users.get(user.name)
        if row is None or not _has_password(row, password) or _tags(row) != user.tags:
            self.set_password(user.name, password, user.tags)
        if not _is_same(existing.permissions.get(user.name), permission_body(user)):
            self.put(f"/permissions/{self._quoted}/{name}", permission_body(user))
        for topic in user.topics:
            body = topic_body(topic)
            if not _is_same(existing.topics.get((user.name, topic.exchange)), body):
                self.put(f"/topic-permissions/{self._quoted}/{name}", {"exchange": topic.exchange, **body})
        for limit, value in user.limits.items():
            if existing.limits.get(user.name, {}).get(limit) != value:
                self.put(f"/user-limits/{name}/{limit}", {"value": value})

    def rights(self) -> "Rights":
        """All users of the broker and what they may do in the virtual host."""
        topics = self.get(f"/vhosts/{self._quoted}/topic-permissions")
        return Rights(
            users={row["name"]: row for row in self.get("/users")},
            permissions={row["user"]: row for row in self.get(f"/vhosts/{self._quoted}/permissions")},
            topics={(row["user"], row["exchange"]): row for row in topics},
            limits={row["user"]: row["value"] for row in self.get("/user-limits")},
        )

    def set_password(self, user: str, password: Password, tags: str) -> None:
        """From now on this password opens sessions, or with None only a certificate; open sessions stay open."""
        secret = {"password_hash": ""} if password is None else {"password": password}
        self.put(f"/users/{quote(user, safe='')}", {**secret, "tags": tags})

    def remove_user(self, user: str) -> None:
        """Removes the user; its sessions stay open until they are closed."""
        self.delete(f"/users/{quote(user, safe='')}")

    def end_sessions(self, user: str, why: str) -> int:
        """Close every connection of a user, whatever the virtual host.

        Returns how many there were once the broker lists none any more. Asked by user name, the broker lists
        connections at once; its list of all connections lags by seconds.
        Raises ``Refused`` when new ones come as fast as they are closed: the user still has the right to connect.
        """
        path, ended = f"/connections/username/{quote(user, safe='')}", set()
        deadline = time.monotonic() + CLOSING_SECONDS
        while names := {row["name"] for row in self.get(path)}:
            if time.monotonic() > deadline:
                raise Refused(f"{len(names)} connections of {user} are still open")
            ended |= names
            self.delete(path, {"X-Reason": why})
        return len(ended)

    def end_sessions_here(self, users: Collection[str], why: str) -> None:
        """Close the connections of these users in this virtual host, and leave those in others open.

        Returns once the broker lists none any more. Raises ``Refused`` as ``end_sessions`` does.
        """
        deadline = time.monotonic() + CLOSING_HERE_SECONDS
        while names := [name for user in users for name in self._sessions_here(user)]:
            if time.monotonic() > deadline:
                raise Refused(f"{len(names)} connections of {', '.join(users)} in {self.vhost} are still open")
            for name in names:
                self.delete(f"/connections/{quote(name, safe='')}", {"X-Reason": why})
            time.sleep(ASKING_AGAIN_SECONDS)

    def _sessions_here(self, user: str) -> list[str]:
        listed = self.get(f"/connections/username/{quote(user, safe='')}")
        return [row["name"] for row in listed if row["vhost"] == self.vhost]

    def differences(self, topology: Topology) -> list[str]:
        """One line for each object that is missing, differs from its description, or is not described."""
        return [
            *self.object_differences(topology),
            *self.policy_differences(topology),
            *self.user_differences(topology),
        ]

    def object_differences(self, topology: Topology) -> list[str]:
        """The same for exchanges, queues and bindings; needs only access to the virtual host."""
        return [
            *_differences("exchange", {e.name: _exchange_body(e.kind) for e in topology.exchanges}, self.exchanges()),
            *_differences("queue", {q.name: _queue_body(q) for q in topology.queues}, self.queues()),
            *self._binding_differences(topology),
        ]

    def _binding_differences(self, topology: Topology) -> list[str]:
        existing = self.bindings()
        described = {(b.exchange, b.queue, b.key) for b in topology.bindings}
        ours = {exchange.name for exchange in topology.exchanges}
        foreign = {binding for binding in existing - described if binding[0] in ours}
        return [
            *(f"binding {source} -{key}-> {queue}: missing" for source, queue, key in sorted(described - existing)),
            *(f"binding {source} -{key}-> {queue}: not described" for source, queue, key in sorted(foreign)),
        ]

    def policy_differences(self, topology: Topology) -> list[str]:
        """The same for policies, and for queues to which another policy applies instead of the trunk's."""
        queues = self.queues()
        bodies = {policy.name: _policy_body(policy) for policy in topology.policies}
        existing = {row["name"]: row for row in self.get(f"/policies/{self._quoted}")}
        lines = _differences("policy", bodies, existing)
        for queue in topology.queues:
            expected = next((p.name for p in topology.policies if re.search(p.pattern, queue.name)), None)
            actual = (queues.get(queue.name) or {}).get("policy") or None
            if "messages" in queues.get(queue.name, {}) and actual != expected:
                lines.append(f"queue {queue.name}: policy {actual} holds instead of {expected}")
        return lines

    def user_differences(self, topology: Topology) -> list[str]:
        """The same for users, permissions and limits; needs an administrator of the broker."""
        existing, users = self.rights(), topology.users
        topics = {(user.name, topic.exchange): topic_body(topic) for user in users for topic in user.topics}
        tags = {name: {"tags": _tags(row)} for name, row in existing.users.items()}
        described = {user.name for user in users} | {self._admin}
        foreign_topics = [key for key in existing.topics if key not in topics and key[0] in described - {self._admin}]
        return [
            *_differences("permissions of user", {u.name: permission_body(u) for u in users}, existing.permissions),
            *_differences("topic permission of", topics, existing.topics),
            *_differences("user", {u.name: {"tags": u.tags} for u in users}, tags),
            *(f"user {u.name}: has a password, and must not" for u in users if _has_needless_password(u, existing)),
            *_differences("limits of user", {u.name: u.limits for u in users if u.limits}, existing.limits),
            *(f"permissions of user {name}: not described" for name in sorted(set(existing.permissions) - described)),
            *(f"topic permission of {user} at {exchange}: not described" for user, exchange in sorted(foreign_topics)),
        ]

    def exchanges(self) -> dict[str, Row]:
        """All exchanges by name."""
        return {row["name"]: row for row in self.get(f"/exchanges/{self._quoted}")}

    def queues(self) -> dict[str, Row]:
        """All queues by name, with ``messages`` and ``messages_ready``, which are up to five seconds old.

        The list with these numbers leaves out queues whose last leader was on a node that does not run: their rows are
        of the other list, without numbers and without ``policy``.
        """
        path = f"/queues/{self._quoted}?disable_stats=true"
        every = {row["name"]: row for row in self.get(path)}
        return every | {row["name"]: row for row in self.get(f"{path}&enable_queue_totals=true")}

    def queues_without_leader(self) -> list[str]:
        """Names of the quorum queues whose leader does not answer as such when the broker asks it.

        A leader that has lost its majority still answers: ``state`` of ``queues`` is then ``minority``.
        """
        path = f"/health/checks/quorum-queues-without-elected-leaders/vhost/{self._quoted}/pattern/.*"
        response = self.http.get(path, timeout=LEADERS_SECONDS)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            response.raise_for_status()
            return []
        return [queue["name"] for queue in response.json()["queues"]]

    def bindings(self) -> set[tuple[str, str, str]]:
        """All bindings: exchange, queue, key."""
        rows = self.get(f"/bindings/{self._quoted}")
        return {(row["source"], row["destination"], row["routing_key"]) for row in rows}

    def bind(self, binding: Binding) -> None:
        """Make a binding; one that exists stays. Raises ``Refused``."""
        self.post(self.binding_path(binding), {"routing_key": binding.key, "arguments": {}})

    def unbind(self, binding: Binding) -> None:
        """Remove a binding; one that is gone already is no fault."""
        path = self.binding_path(binding)
        for row in self.get(path):
            if row["routing_key"] == binding.key:
                self.delete(f"{path}/{quote(row['properties_key'], safe='')}")

    def delete_queue(self, name: str) -> None:
        """Remove a queue with all that is in it; one that is gone already is no fault."""
        self.delete(f"/queues/{self._quoted}/{quote(name, safe='')}")

    def delete_exchange(self, name: str) -> None:
        """Remove an exchange; one that is gone already is no fault."""
        self.delete(f"/exchanges/{self._quoted}/{quote(name, safe='')}")

    def delete_policy(self, name: str) -> None:
        """Remove a policy; one that is gone already is no fault."""
        self.delete(f"/policies/{self._quoted}/{quote(name, safe='')}")

    def binding_path(self, binding: Binding) -> str:
        """Where bindings between these two are made and listed."""
        return f"/bindings/{self._quoted}/e/{quote(binding.exchange)}/q/{quote(binding.queue)}"

    def get(self, path: str) -> Any:
        """The API's answer as JSON."""
        response = self.http.get(path)
        response.raise_for_status()
        return response.json()

    def put(self, path: str, body: Row) -> None:
        """Raises ``Refused``."""
        _expect_success(self.http.put(path, json=body))

    def post(self, path: str, body: Row) -> None:
        """Raises ``Refused``."""
        _expect_success(self.http.post(path, json=body))

    def delete(self, path: str, headers: Mapping[str, str] | None = None) -> None:
        """What is gone already is no fault. Raises ``Refused``."""
        response = self.http.delete(path, headers=headers)
        if response.status_code != httpx.codes.NOT_FOUND:
            _expect_success(response)


def permission_body(user: User) -> Row:
    """Permissions in the form of the management API."""
    return {"configure": user.configure, "write": user.write, "read": user.read}


def topic_body(topic: TopicPermission) -> Row:
    """What a topic permission allows; nobody binds queues, so nobody may read."""
    return {"write": topic.write, "read": "^$"}


def password_hash(password: str, salt: bytes) -> str:
    """RabbitMQ's salted SHA-256 (rabbit_password_hashing_sha256)."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _has_password(row: Row, password: Password) -> bool:
    stored = str(row.get("password_hash", ""))
    if password is None or not stored:
        return not stored and password is None
    if row.get("hashing_algorithm") != "rabbit_password_hashing_sha256":
        return False
    return stored == password_hash(password, base64.b64decode(stored)[:SALT_BYTES])


def _has_needless_password(user: User, existing: Rights) -> bool:
    return not user.has_password and bool(existing.users.get(user.name, {}).get("password_hash"))


def _tags(row: Row) -> str:
    tags = row.get("tags", "")
    return ",".join(tags) if isinstance(tags, list) else str(tags)


def _expect_success(response: httpx.Response) -> None:
    if response.is_error:
        raise Refused(f"{response.request.method} {response.request.url.path}: {response.text[:300]}")


def _is_same(row: Row | None, body: Row) -> bool:
    return row is not None and all(row.get(name) == value for name, value in body.items())


def _differences(kind: str, described: Mapping[Any, Row], existing: Mapping[Any, Row]) -> list[str]:
    lines = []
    for name, body in described.items():
        shown = " at ".join(name) if isinstance(name, tuple) else name
        if name not in existing:
            lines.append(f"{kind} {shown}: missing")
        elif other := [key for key, value in body.items() if existing[name].get(key) != value]:
            values = ", ".join(f"{key}={existing[name].get(key)!r}" for key in other)
            lines.append(f"{kind} {shown}: other {values}")
    return lines


def _exchange_body(kind: str) -> Row:
    return {"type": kind, "durable": True, "auto_delete": False}


def _queue_body(queue: Queue) -> Row:
    return {"durable": True, "auto_delete": False, "arguments": queue.arguments}


def _policy_body(policy: Policy) -> Row:
    return {
        "pattern": policy.pattern,
        "definition": policy.definition,
        "priority": policy.priority,
        "apply-to": "quorum_queues",
    }
