"""The gauge of disabled units names each unit while it is disabled, and no longer."""

from dataclasses import dataclass, field

from common.domain.names import UnitCode
from common.metrics import REGISTRY
from intake.submission import measure_disabled


@dataclass
class Directory:
    """As much of a directory as is asked."""

    is_loaded: bool = False
    disabled: frozenset[UnitCode] = field(default_factory=frozenset)


def value(unit: str) -> float | None:
    return REGISTRY.get_sample_value("trunk_unit_disabled", {"unit": unit})


async def test_disabled_units_are_named_until_they_are_enabled() -> None:
    directory = Directory(disabled=frozenset({UnitCode("H29.1"), UnitCode("H29.2")}))
    await measure_disabled(directory)  # type: ignore[arg-type]
    assert value("H29.1") is None, "nothing is known before a directory is loaded"
    directory.is_loaded = True
    await measure_disabled(directory)  # type: ignore[arg-type]
    assert (value("H29.1"), value("H29.2")) == (1.0, 1.0)
    directory.disabled = frozenset({UnitCode("H29.2")})
    await measure_disabled(directory)  # type: ignore[arg-type]
    assert (value("H29.1"), value("H29.2")) == (None, 1.0)
