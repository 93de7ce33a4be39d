"""What is exported, and what was counted since: for tests of everything that measures."""

from common.metrics import REGISTRY

Series = dict[tuple[str, ...], float]


def series(*names: str) -> Series:
    """Samples of these names as they stand, by name without ``trunk_`` and label values in their order."""
    return {
        (sample.name.removeprefix("trunk_"), *sample.labels.values()): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name in names
    }


class Since:
    """What was counted since, by any of these names."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._before = series(*names)

    @property
    def counted(self) -> Series:
        """What moved, and by how much."""
        now = series(*self._names)
        return {key: now[key] - self._before.get(key, 0.0) for key in now if now[key] != self._before.get(key, 0.0)}
