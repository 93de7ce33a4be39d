"""What the validator keeps, in memory."""

from validator.store import VerdictRecord


class MemoryVerdicts:
    """The validator's collection in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, VerdictRecord] = {}

    async def find(self, package_id: str) -> VerdictRecord | None:
        return self.rows.get(package_id)

    async def save(self, record: VerdictRecord) -> tuple[VerdictRecord, bool]:
        is_first = record.package_id not in self.rows
        return self.rows.setdefault(record.package_id, record), is_first


class NoEvidence:
    """Verdicts here rest on nothing that has to be kept."""

    async def keep(self, decisions: object) -> dict[str, int]:
        return {}
