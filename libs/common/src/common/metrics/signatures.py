"""Signatures: verdicts, look-ups of revocation, and the age of the material by which signatures are judged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from common.domain.canary import is_canary
from common.domain.names import UnitCode
from common.metrics.registry import REGISTRY, SECONDS

SignatureVerdict = Literal["valid", "invalid", "indeterminate"]
"""TOTAL-PASSED, TOTAL-FAILED, INDETERMINATE of EN 319 102-1."""
RevocationMethod = Literal["crl", "ocsp", "cache"]
RevocationOutcome = Literal["good", "revoked", "unknown"]

_VERDICTS = Counter(
    "trunk_signature_verdicts",
    "Verdicts on signatures, by indication and sub-indication of EN 319 102-1",
    ["verdict", "sub_indication"],
    registry=REGISTRY,
)
_VALIDATION = Histogram(
    "trunk_signature_validation_seconds",
    "Time to examine one PDF, by the answer and the first sub-indication",
    ["verdict", "sub_indication"],
    buckets=SECONDS,
    registry=REGISTRY,
)
_REVOCATION = Counter(
    "trunk_revocation_checks",
    "Certificates whose revocation was looked up, by where and what was found",
    ["method", "outcome"],
    registry=REGISTRY,
)
_UPDATED = Gauge(
    "trunk_trust_last_update_timestamp_seconds",
    "When the newest list of a CA was issued, or trust folder and unit directory were last read",
    ["source"],
    registry=REGISTRY,
)
_NOT_AFTER = Gauge(
    "trunk_trust_not_after_timestamp_seconds",
    "When a pinned root or a CA that we hold expires",
    ["subject"],
    registry=REGISTRY,
)


_ENDS = Gauge(
    "trunk_trust_list_end_timestamp_seconds",
    "Until when the newest list of a CA is in force; 0 = there is none",
    ["source"],
    registry=REGISTRY,
)
_HELD = Gauge(
    "trunk_trust_items",
    "What of the trust folder is in use, by kind",
    ["kind"],
    registry=REGISTRY,
)
_LEFT_OUT = Gauge(
    "trunk_trust_files_left_out",
    "Files of the trust folder that are not used, or only in part, by folder",
    ["folder"],
    registry=REGISTRY,
)


def record_signature_verdict(sender: UnitCode, verdict: SignatureVerdict, sub_indication: str) -> None:
    """Counts one signature that was judged. ``sub_indication``: as in EN 319 102-1; empty for a valid signature."""
    if is_canary(sender):
        return
    _VERDICTS.labels(verdict, sub_indication).inc()


def record_signature_validation(
    sender: UnitCode, verdict: SignatureVerdict, sub_indication: str, seconds: float
) -> None:
    """Counts one PDF that was examined, and the seconds that it took."""
    if is_canary(sender):
        return
    _VALIDATION.labels(verdict, sub_indication).observe(seconds)


def record_revocation_checks(
    sender: UnitCode, method: RevocationMethod, outcome: RevocationOutcome, count: int = 1
) -> None:
    """Counts certificates whose revocation was looked up. Method ``cache``: the answer of an earlier look-up still
    held."""
    if is_canary(sender):
        return
    _REVOCATION.labels(method, outcome).inc(count)


def set_trust_updated(sources: Mapping[str, datetime]) -> None:
    """Sets when the material of each source, such as ``crl/<CA>``, was last updated. Sources not named are removed."""
    _set_times(_UPDATED, sources)


def set_trust_not_after(subjects: Mapping[str, datetime]) -> None:
    """Sets when each certificate expires at which a chain may end. Certificates not named are removed."""
    _set_times(_NOT_AFTER, subjects)


def set_trust_list_ends(sources: Mapping[str, datetime]) -> None:
    """Sets until when the newest list of each source is in force. Sources are named as in ``set_trust_updated``."""
    _set_times(_ENDS, sources)


def set_trust_content(items: Mapping[str, int], left_out: Mapping[str, int]) -> None:
    """Sets how many certificates and lists are in use, by kind, and how many files are not used, by folder."""
    for gauge, numbers in ((_HELD, items), (_LEFT_OUT, left_out)):
        for name, number in numbers.items():
            gauge.labels(name).set(number)


def _set_times(gauge: Gauge, times: Mapping[str, datetime]) -> None:
    gauge.clear()
    for name, at in times.items():
        gauge.labels(name).set(at.timestamp())
