"""Pages quote limits and kinds that the code has."""

import re

from common.domain.reason import Reason
from common.domain.security import PAGES, SecurityKind
from common.sentences import sentence
from common.topology import (
    INBOX_BYTES,
    INBOX_LENGTH,
    MIB,
    RETRY_DELAYS_SECONDS,
    SUBMIT_BYTES,
    SUBMIT_LENGTH,
    UNIT_CHANNELS,
    UNIT_CONNECTIONS,
)

from .pages import ROOT

SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
UPSTREAM = (ROOT / "docs" / "upstream.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_kind_of_security_event_is_explained_with_its_alert() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| .+ \| .+ \| (page|desk)", SECURITY, re.MULTILINE)
    assert [kind for kind, _ in rows] == list(dict(rows))
    assert dict(rows) == {kind: "page" if kind in PAGES else "desk" for kind in SecurityKind}


def test_the_limits_of_a_unit_are_those_of_the_topology() -> None:
    submit = f"{SUBMIT_LENGTH:,} messages and {SUBMIT_BYTES // MIB} MiB"
    assert f"limited to {submit}" in SECURITY
    assert f"{UNIT_CONNECTIONS} connections and {UNIT_CHANNELS} channels" in SECURITY
    assert f"{SUBMIT_LENGTH:,} messages or {SUBMIT_BYTES // MIB} MiB" in UPSTREAM
    assert f"{INBOX_LENGTH:,} messages or {INBOX_BYTES // MIB} MiB" in UPSTREAM
    assert f"{UNIT_CONNECTIONS} connections and {UNIT_CHANNELS} channels" in UPSTREAM


def test_the_pauses_are_those_of_the_topology() -> None:
    for lane, (shortest, longest) in RETRY_DELAYS_SECONDS.items():
        assert f"{shortest} s to {longest // 60} min" in ARCHITECTURE, lane


NEVER_TOLD = {Reason.E_FORGED, Reason.E_UNAVAILABLE}
"""Reasons that no unit hears: what is quarantined has no sender, and what is tried again is not refused."""


def test_units_are_told_every_reason_with_its_sentence() -> None:
    sentences = dict(re.findall(r"^\| `(E_\w+)` \| (.+) \|$", UPSTREAM, re.MULTILINE))
    assert sentences == {reason.value: sentence(reason) for reason in Reason if reason not in NEVER_TOLD}
