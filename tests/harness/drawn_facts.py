"""Facts drawn at random, for properties that hold for every one of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from pydantic import AwareDatetime

from common.domain.reason import Reason
from common.facts import BaseFact


def facts_of(kind: type[BaseFact], reasons: Sequence[Reason] = tuple(Reason)) -> st.SearchStrategy[BaseFact]:
    """Facts of a kind with every field drawn; times bear a zone, and constraints of the fields hold.

    ``reasons``: those that a fact may give.
    """
    fields: dict[str, st.SearchStrategy[Any]] = {
        name: st.datetimes(timezones=st.just(UTC))
        for name, field in kind.model_fields.items()
        if field.annotation in (datetime, AwareDatetime)
    }
    for name, field in kind.model_fields.items():
        if field.annotation in (Reason, Reason | None):
            fields[name] = st.sampled_from(reasons)
    fields["fact"] = st.just(kind.model_fields["fact"].default)
    fields["subject"] = st.from_regex(r"[A-Za-z0-9_.-]{1,128}", fullmatch=True)
    if "count" in kind.model_fields:
        fields["count"] = st.integers(1, 1_000_000)
    for name in ("event_id", "package_id", "record_id"):
        if name in kind.model_fields:
            fields[name] = st.text(max_size=255)
    return st.builds(kind, **{name: each for name, each in fields.items() if name in kind.model_fields})
