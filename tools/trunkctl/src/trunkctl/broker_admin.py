"""RabbitMQ's management API: declares a ``Topology`` and tells how a broker differs from it."""

from typing import Any
from urllib.parse import quote

import httpx

from common.topology import OPERATOR, VHOST, Binding, Exchange, Queue, Topology, User

TIMEOUT_SECONDS = 30.0


class Refused(Exception):
    """The broker refused a declaration, for instance a queue that exists with other arguments."""


class BrokerAdmin:
    """An administrator's session at the broker's management API."""

    def __init__(self, url: str, user: str, password: str, vhost: str = VHOST) -> None:
        self._vhost = quote(vhost, safe="")
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/api", auth=(user, password), timeout=TIMEOUT_SECONDS)

    def apply(self, topology: Topology, passwords: dict[str, str]) -> None:
        """Declare everything; what exists as described stays untouched."""
        self._put(f"/vhosts/{self._vhost}", {})
        for exchange in topology.exchanges:
            self._put(f"/exchanges/{self._vhost}/{quote(exchange.name)}", _exchange_body(exchange))
        for queue in topology.queues:
            self._put(f"/queues/{self._vhost}/{quote(queue.name)}", _queue_body(queue))
        for binding in topology.bindings:
            self._post(self._binding_path(binding), {"routing_key": binding.key, "arguments": {}})
        for user in topology.users:
            self._apply_user(user, passwords[user.name])

    def differences(self, topology: Topology) -> list[str]:
        """One line for each object that is missing or other than described."""
        return [
            *self._exchange_differences(topology),
            *self._queue_differences(topology),
            *self._binding_differences(topology),
            *self._user_differences(topology),
        ]

    def set_password(self, user: str, password: str) -> None:
        """From now on this password opens sessions; those that are open stay open."""
        tags = "monitoring" if user == OPERATOR else ""
        self._put(f"/users/{quote(user, safe='')}", {"password": password, "tags": tags})

    def end_sessions(self, user: str) -> int:
        """Close every connection of a user. Returns how many there were."""
        found = [each["name"] for each in self._get("/connections") if each.get("user") == user]
        for name in found:
            answer = self._http.delete(f"/connections/{quote(name, safe='')}", headers={"X-Reason": "password changed"})
            if answer.status_code != httpx.codes.NOT_FOUND:  # gone by itself
                _expect_success(answer)
        return len(found)

    def _apply_user(self, user: User, password: str) -> None:
        name = quote(user.name, safe="")
        self.set_password(user.name, password)
        self._put(f"/permissions/{self._vhost}/{name}", _permission(user))
        if user.topic_exchange:
            self._put(f"/topic-permissions/{self._vhost}/{name}", _topic_permission(user))

    def _exchange_differences(self, topology: Topology) -> list[str]:
        found = {e["name"]: e for e in self._get(f"/exchanges/{self._vhost}")}
        wanted = {e.name: _exchange_body(e) for e in topology.exchanges}
        return _differences("exchange", wanted, found)

    def _queue_differences(self, topology: Topology) -> list[str]:
        found = {q["name"]: q for q in self._get(f"/queues/{self._vhost}")}
        wanted = {q.name: _queue_body(q) for q in topology.queues}
        return _differences("queue", wanted, found)

    def _binding_differences(self, topology: Topology) -> list[str]:
        found = {(b["source"], b["destination"], b["routing_key"]) for b in self._get(f"/bindings/{self._vhost}")}
        return [
            f"binding {b.exchange} -{b.key}-> {b.queue}: missing"
            for b in topology.bindings
            if (b.exchange, b.queue, b.key) not in found
        ]

    def _user_differences(self, topology: Topology) -> list[str]:
        permissions = {p["user"]: p for p in self._get(f"/vhosts/{self._vhost}/permissions")}
        topic = {p["user"]: p for p in self._get(f"/vhosts/{self._vhost}/topic-permissions")}
        wanted = {u.name: _permission(u) for u in topology.users}
        wanted_topic = {u.name: _topic_permission(u) for u in topology.users if u.topic_exchange}
        return _differences("user", wanted, permissions) + _differences("topic permission", wanted_topic, topic)

    def _binding_path(self, binding: Binding) -> str:
        return f"/bindings/{self._vhost}/e/{quote(binding.exchange)}/q/{quote(binding.queue)}"

    def _get(self, path: str) -> list[dict[str, Any]]:
        response = self._http.get(path)
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()
        return found

    def _put(self, path: str, body: dict[str, Any]) -> None:
        _expect_success(self._http.put(path, json=body))

    def _post(self, path: str, body: dict[str, Any]) -> None:
        _expect_success(self._http.post(path, json=body))


def _expect_success(response: httpx.Response) -> None:
    if response.is_error:
        raise Refused(f"{response.request.method} {response.request.url.path}: {response.text[:300]}")


def _differences(kind: str, wanted: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for name, body in wanted.items():
        if name not in found:
            lines.append(f"{kind} {name}: missing")
        elif other := [k for k, v in body.items() if found[name].get(k) != v]:
            lines.append(f"{kind} {name}: other {', '.join(f'{k}={found[name].get(k)!r}' for k in other)}")
    return lines


def _exchange_body(exchange: Exchange) -> dict[str, Any]:
    return {"type": exchange.kind, "durable": True, "auto_delete": False}


def _queue_body(queue: Queue) -> dict[str, Any]:
    return {"durable": True, "auto_delete": False, "arguments": queue.arguments}


def _permission(user: User) -> dict[str, Any]:
    return {"configure": user.configure, "write": user.write, "read": user.read}


def _topic_permission(user: User) -> dict[str, Any]:
    return {"exchange": user.topic_exchange, "write": user.topic_write, "read": ".*"}
