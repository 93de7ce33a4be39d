"""Records facts as an earlier release makes them, and the schemas by which it reads them.

Runs with the code of that release: ``PYTHONPATH=<its checkout>/libs/common/src python record_former_facts.py <its
checkout> former_facts.json``.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime

from common.facts import BaseFact

EACH = 6
DRAWN = 24
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PRINTABLE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"), max_codepoint=0x1EF9), max_size=24)


def kinds(base: type[Any] = BaseFact) -> Iterator[type[Any]]:
    """Every class of facts that stands for one fact."""
    for kind in base.__subclasses__():
        if "fact" in kind.model_fields and isinstance(kind.model_fields["fact"].default, str):
            yield kind
        yield from kinds(kind)


def drawn(kind: type[Any]) -> list[dict[str, Any]]:
    """Facts of one kind, as they go over the wire, no two alike."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        name: st.integers(0, 10**9).map(lambda seconds: BEGINNING + timedelta(seconds=seconds))
        for name, field in kind.model_fields.items()
        if field.annotation in (datetime, AwareDatetime)
    }
    fields["fact"] = st.just(kind.model_fields["fact"].default)
    for name in ("subject", "event_id", "package_id"):
        if name in kind.model_fields:
            fields[name] = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
    drawn_facts: list[dict[str, Any]] = []

    @seed(7)
    @settings(
        max_examples=DRAWN,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate],
    )
    @given(st.builds(kind, **fields))
    def draw(fact: Any) -> None:
        written = json.loads(fact.model_dump_json(exclude_none=True))
        if written not in drawn_facts:
            drawn_facts.append(written)

    st.register_type_strategy(str, PRINTABLE)
    draw()
    return drawn_facts[-EACH:]


def main() -> None:
    """Console entry point."""
    checkout, out = Path(sys.argv[1]), Path(sys.argv[2])
    schemas: dict[str, Any] = {}
    for file in sorted((checkout / "docs" / "asyncapi").glob("*.yaml")):
        schemas |= yaml.safe_load(file.read_text(encoding="utf-8"))["components"].get("schemas", {})
    facts = [fact for kind in kinds() for fact in drawn(kind)]
    written = json.dumps({"schemas": schemas, "facts": facts}, sort_keys=True, indent=1)
    out.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
