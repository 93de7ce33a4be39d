"""What it costs to compare each fact's publisher with the table of who may make it."""

import json
import re
import time
import timeit

import httpx

from common.facts import FACT
from common.service.facts_in import fact_of
from common.service.incoming import Incoming
from trunkctl.trunk_file import TrunkFile

ROUNDS = 30
FACTS_A_ROUND = 2_000

_SENT = {
    "fact": "notification.sent",
    "event_id": "e:1",
    "occurred_at": "2026-11-28T10:00:00+07:00",
    "subject": "0" * 32,
    "lane": "normal",
    "package_id": "0" * 32,
    "sender": "A.01",
    "document_id": "d",
    "kind": "new",
    "unit": "A.01",
    "channel": "email",
    "about_event": "x",
}


def check_seconds() -> float:
    """CPU seconds of the checks of one fact: reading it with them, less reading it without, the best of many rounds."""
    body = json.dumps(_SENT).encode()
    message = Incoming(
        queue="facts.archive.normal",
        exchange="trunk.facts",
        routing_key="notification.sent.normal",
        user_id="notifier",
        body=body,
    )
    checked, plain = (
        min(timeit.repeat(read, repeat=ROUNDS, number=FACTS_A_ROUND, timer=time.process_time)) / FACTS_A_ROUND
        for read in (lambda: fact_of(message), lambda: FACT.validate_json(body))
    )
    return checked - plain


def messages_handled(trunk: TrunkFile) -> float:
    """Messages that all services have finished with since they started."""
    return sum(_handled(service.http_port) for service in trunk.services.values())


def _handled(http_port: int) -> float:
    text = httpx.get(f"http://127.0.0.1:{http_port}/metrics/").raise_for_status().text
    return sum(float(value) for value in re.findall(r"^trunk_messages_total\{.*\} (\S+)$", text, re.MULTILINE))
