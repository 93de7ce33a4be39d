"""Fills every queue of a trunk of the former release, by its own code. Runs in the environment of that release.

``python fill_former_trunk.py <state> <out.json>``: the trunk below ``state`` runs (``trunkctl up`` of that release).
Its services are stopped at the end. ``out.json`` says what was sent, by whom, and what was forged.
"""

import asyncio
import itertools
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import httpx
from common.service.ladder import Ladder
from faststream.rabbit import RabbitMessage

from common import topology
from common.domain.names import Lane
from common.domain.reason import Reason
from common.failure import Permanent, Transient
from common.service import Service
from common.settings import ServiceSettings
from trunkctl import park, trunk_file
from trunkctl.local import services as local
from trunkctl.local.places import places
from trunkctl.settings import ControlSettings

STATE = Path(sys.argv[1]).resolve()
PLACE = places(STATE)
TRUNK = trunk_file.load(STATE)
CONTROL = ControlSettings(**TRUNK.control())
LEVELS = [level.name for level in topology.RETRY_LADDER]
PADDING = "x" * 130_000
DOCUMENT = "document"


def minted(folder: Path, count: int, wrong: int) -> list[dict[str, Any]]:
    """Packages of the demo city."""
    options = ["--city", TRUNK.city_dir, "--out", folder, "--count", count, "--wrong", wrong, "--seed", 41]
    subprocess.run([sys.executable, "-m", "mint", "packages", *map(str, options)], check=True)
    entries = json.loads((folder / "manifest.json").read_text())
    return [{**entry, "bytes": (folder / entry["file"]).read_bytes()} for entry in entries]


def user_of(unit: str) -> str:
    """The broker user of a unit: in the demo city, its code."""
    return unit


async def publish(user: str, exchange: str, key: str, body: bytes, user_id: str | None = "", **more: Any) -> None:
    """As this user; ``user_id`` empty = its own, None = none."""
    named = user if user_id == "" else user_id
    message = aio_pika.Message(
        body, user_id=named, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, timestamp=datetime.now(UTC), **more
    )
    connection = await aio_pika.connect(CONTROL.broker_url(user))
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        await target.publish(message, key, mandatory=True)


async def submit(entry: dict[str, Any], lane: Lane = Lane.NORMAL, **more: Any) -> None:
    """A package, as its sender."""
    unit = entry["sender"]
    key = topology.submit_key(unit, lane)
    await publish(user_of(unit), topology.SUBMIT, key, entry["bytes"], content_type="application/edxml+xml", **more)


def ready(queue: str) -> int:
    """Messages ready, as the queue itself says."""

    async def ask() -> int:
        connection = await aio_pika.connect(CONTROL.broker_url(topology.OPERATOR))
        async with connection:
            channel = await connection.channel()
            answer = (await channel.declare_queue(queue, passive=True)).declaration_result
            return int(answer.message_count or 0)

    return asyncio.run(ask())


def work_off(service: str) -> None:
    """Run one service until its queues are empty, and stop it."""
    port = 25990
    environment = local.environment(PLACE, TRUNK, service, port)
    with (STATE / f"fill-{service}.log").open("ab") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name(f"trunk-{service}")], env=environment, stderr=log, stdout=log
        )
        wait(lambda: is_ready(port), f"{service} ready")
        queues = [*topology.consumed_queues(service), "trunk.retry.10s", "trunk.retry.1m"]
        wait(lambda: not any(map(ready, queues)), f"{service}'s queues empty")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def is_ready(port: int) -> bool:
    """Whether a service answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def wait(condition: Any, what: str) -> None:
    """Until it is true."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


async def fail(service: str) -> None:
    """The former chassis with a handler that fails: one message on each retry queue, one parked, the rest left."""
    settings = ServiceSettings(amqp_url=CONTROL.broker_url(service), prefetch=1, drain_seconds=1)
    chassis = Service(service, settings)
    attempts, done = itertools.count(1), asyncio.Event()
    Ladder._history = lambda self, message, now: (next(attempts), now)

    handled = itertools.count()

    async def handle() -> None:
        number = next(handled)
        if number < len(LEVELS):
            raise Transient(Reason.E_UNAVAILABLE, f"number {number}")
        if number == len(LEVELS):
            asyncio.get_running_loop().call_later(2.0, done.set)
            raise Permanent(Reason.E_OBJECT, "the object is gone")
        await asyncio.Event().wait()

    async def handle_submission(body: bytes, message: RabbitMessage) -> None:
        await handle()

    async def handle_fact(fact: dict[str, Any]) -> None:
        await handle()

    if service == "intake":
        chassis.on_submissions(handle_submission)
    else:
        chassis.on_facts(handle_fact)
    await chassis.publish_broker.connect()
    await chassis.consume_broker.start()
    await asyncio.wait_for(done.wait(), 60)
    await chassis.consume_broker.stop()
    await chassis.publish_broker.stop()


async def reject(user: str, queue: str) -> None:
    """Take the first message of a queue, as a user that may, and let the broker dead-letter it."""
    connection = await aio_pika.connect(CONTROL.broker_url(user))
    async with connection:
        channel = await connection.channel()
        message = await (await channel.get_queue(queue, ensure=False)).get(timeout=5)
        await message.reject(requeue=False)


def main() -> None:
    """See the module."""
    entries = minted(STATE / "fill", 44, 2)
    right = [entry for entry in entries if entry["expected"] == "delivered"]
    wrong = [e for e in entries if e not in right]
    batches = [right[:4], right[4:12] + wrong, right[12:22], right[22:32], right[32:40]]
    summary: dict[str, Any] = {"manifest": [{k: v for k, v in e.items() if k != "bytes"} for e in entries]}
    sent = summary["sent"] = {}

    for number, batch in enumerate(batches):
        sent[f"batch{number}"] = [entry["file"] for entry in batch]

    # 0: everything runs.
    for entry in batches[0]:
        asyncio.run(submit(entry))
    wait(lambda: not any(ready(q) for s in topology.SERVICES for q in topology.consumed_queues(s)), "batch 0")
    time.sleep(5)
    local.stop(PLACE)

    # 1 goes through intake, validator and router; 2 stops before the router, 3 before the validator, 4 before intake.
    for number, names in (
        (1, ("intake", "validator", "router")),
        (2, ("intake", "validator")),
        (3, ("intake",)),
        (4, ()),
    ):
        for index, entry in enumerate(batches[number]):
            asyncio.run(submit(entry, Lane.URGENT if index == 0 else Lane.NORMAL))
        for name in names:
            work_off(name)

    units = sorted({entry["sender"] for entry in right})
    victim, attacker = units[0], units[1]
    summary["victim"], summary["attacker"] = victim, attacker
    forge(summary, victim, attacker, right[40:44])
    for service in topology.SERVICES:
        asyncio.run(fail(service))
    summary["recorded"] = asyncio.run(recorded())
    Path(sys.argv[2]).write_text(json.dumps(summary, indent=1, default=str))


def forge(summary: dict[str, Any], victim: str, attacker: str, spare: list[dict[str, Any]]) -> None:
    """What an attacker could leave behind: as a unit, and with the password of one service."""
    bodies = summary["forged"] = {}

    def body(name: str) -> bytes:
        bodies[name] = f"<forged {name}/>"
        return bodies[name].encode()

    normal, urgent = (topology.submit_key(attacker, lane) for lane in (Lane.NORMAL, Lane.URGENT))
    queue = topology.submit_queue(Lane.URGENT)
    asyncio.run(send_again_as_normal(queue))
    # A unit under its own name, with every header that the trunk ever wrote.
    lies = {"x-user-id": victim, "x-park-queue": f"inbox.{victim}", "x-park-service": "router", "x-replay": 0}
    unit = user_of(attacker)
    asyncio.run(publish(unit, topology.SUBMIT, normal, body("own name, lying headers"), headers=lies))
    asyncio.run(publish(unit, topology.SUBMIT, urgent, body("own name, parked by the broker"), headers=lies))
    asyncio.run(reject("intake", queue))
    summary["own_name"] = sorted(bodies.values())
    # A unit names another in a header and hides its own name; an operator replays it, and it fails again.
    as_victim = {"x-user-id": victim}
    asyncio.run(publish(unit, topology.SUBMIT, urgent, body("anonymous, replayed"), None, headers=as_victim))
    asyncio.run(reject("intake", queue))
    asyncio.run(replay_anonymous())
    # The same, and the broker parks it.
    padded = as_victim | {"x-padding": PADDING}
    asyncio.run(publish(unit, topology.SUBMIT, normal, body("anonymous, parked by the broker"), None, headers=padded))
    asyncio.run(reject_last("intake", topology.submit_queue(Lane.NORMAL)))
    # A unit gives a document back.
    summary["returned_inbox"] = next(f"inbox.{each['sender']}" for each in spare if ready(f"inbox.{each['sender']}"))
    asyncio.run(reject(user_of(summary["returned_inbox"].removeprefix("inbox.")), summary["returned_inbox"]))
    # With the password of the notifier.
    asyncio.run(forge_fact(summary))
    fact = {"x-user-id": "validator", "x-park-queue": "trunk.router.normal", "x-park-service": "router"}
    as_intake = {"x-user-id": victim, "x-park-queue": "trunk.intake.normal", "x-park-service": "intake"}
    death = [
        {
            "queue": "trunk.intake.normal",
            "exchange": "trunk.submit",
            "routing-keys": [normal],
            "reason": "rejected",
            "count": 1,
        }
    ]
    asyncio.run(publish("notifier", topology.PARK, "trunk.router.normal", body("notifier parks a fact"), headers=fact))
    asyncio.run(
        publish(
            "notifier", topology.PARK, "trunk.intake.normal", body("notifier parks a submission"), headers=as_intake
        )
    )
    asyncio.run(
        publish(
            "notifier",
            topology.PARK,
            "trunk.intake.normal",
            body("notifier forges a death"),
            headers={"x-death": death, "x-user-id": victim},
        )
    )
    asyncio.run(
        publish(
            "notifier", topology.PARK, "trunk.intake.normal", body("nobody parks a submission"), None, headers=as_intake
        )
    )
    asyncio.run(publish("notifier", "trunk.retry.1h", f"inbox.{victim}", body("to an inbox after a pause")))
    asyncio.run(
        publish("notifier", "trunk.retry.1h", "trunk.intake.normal", body("to intake after a pause"), headers=as_intake)
    )
    asyncio.run(
        publish("notifier", "trunk.retry.1h", "trunk.router.normal", body("to the router after a pause"), headers=fact)
    )


async def forge_fact(summary: dict[str, Any]) -> None:
    """A fact that only the validator may make, in the notifier's own name: a real one under another event id."""
    connection = await aio_pika.connect(CONTROL.broker_url("router"))
    async with connection:
        channel = await connection.channel()
        source = await channel.get_queue("trunk.router.normal", ensure=False)
        taken = []
        while (message := await source.get(fail=False, timeout=5)) and message.type != "document.verified":
            taken.append(message)
        assert message, "no verified document waits for the router"
        forged = json.loads(message.body) | {"event_id": "forged-by-the-notifier"}
        for each in (*taken, message):
            await each.nack(requeue=True)
    summary["forged"]["notifier's fact"] = json.dumps(forged)
    body = summary["forged"]["notifier's fact"].encode()
    await publish("notifier", topology.FACTS, "document.verified.normal", body, type="document.verified")


async def replay_anonymous() -> None:
    """What the operator's ``trunkctl park replay`` did, for the one message without a user."""
    connection = await aio_pika.connect(CONTROL.broker_url(topology.OPERATOR))
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        source = await channel.get_queue(topology.PARK, ensure=False)
        taken = []
        while (message := await source.get(fail=False, timeout=5)) and message.user_id:
            taken.append(message)
        assert message, "no anonymous message is parked"
        parked = park._parked(message)
        await park.broker.publish(channel, "", parked.queue, park._copy(message))
        await message.ack()
        for each in taken:
            await each.nack(requeue=True)


async def send_again_as_normal(queue: str) -> None:
    """Empty the urgent queue of intake: its units send the same in the other lane."""
    connection = await aio_pika.connect(CONTROL.broker_url("intake"))
    async with connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)
        while message := await source.get(fail=False, timeout=5):
            key = message.routing_key.removesuffix(".urgent")
            await publish(message.user_id, topology.SUBMIT, key, message.body, content_type=message.content_type)
            await message.ack()


async def reject_last(user: str, queue: str) -> None:
    """Let the broker dead-letter the last message of a queue."""
    connection = await aio_pika.connect(CONTROL.broker_url(user))
    async with connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)
        taken = []
        while message := await source.get(fail=False, timeout=5):
            taken.append(message)
        for message in taken[:-1]:
            await message.nack(requeue=True)
        await taken[-1].reject(requeue=False)


async def recorded() -> list[dict[str, Any]]:
    """Every message of the queues of the services: where it lies, and what stands beside its body."""
    shapes = []
    names = [name for service in topology.SERVICES for name in topology.consumed_queues(service)]
    connection = await aio_pika.connect(CONTROL.broker_url(topology.OPERATOR))
    async with connection:
        channel = await connection.channel()
        for name in (*names, *(level.exchange for level in topology.RETRY_LADDER), topology.PARK):
            source = await channel.get_queue(name, ensure=False)
            taken = []
            while message := await source.get(fail=False, timeout=5):
                taken.append(message)
            for message in taken:
                shapes.append(
                    {
                        "queue": name,
                        "exchange": message.exchange,
                        "routing_key": message.routing_key,
                        "user_id": message.user_id,
                        "type": message.type,
                        "headers": {k: v if k != "x-padding" else "" for k, v in message.headers.items()},
                        "body": message.body.decode(errors="replace")[:60],
                    }
                )
                await message.nack(requeue=True)
    return shapes


if __name__ == "__main__":
    main()
