"""The time that the files of one package may take together."""

from dataclasses import dataclass

from common.domain.outcome import Refused
from common.domain.reason import Reason


@dataclass(slots=True)
class PackageBudget:
    """CPU time of workers for one package, search for marks of secrecy included. Time spent in a queue is not in it."""

    cpu_seconds: float
    spent_seconds: float = 0.0

    def spend(self, seconds: float) -> None:
        """Add the CPU seconds of one more file."""
        self.spent_seconds += seconds

    def refused(self) -> Refused | None:
        """The refusal of a package that has used up its time, else None. Its remaining files are not examined."""
        if self.spent_seconds < self.cpu_seconds:
            return None
        return Refused(Reason.E_PDF_TIMEOUT, f"its files together took more than {self.cpu_seconds:.0f} s")
