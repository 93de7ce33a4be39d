"""Where everything of the trunk on this machine lies, below one state folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Paths below an absolute state folder."""

    state: Path

    @property
    def services(self) -> Path:
        """Records of the services' processes, apart from those of the servers."""
        return self.state / "services"

    @property
    def logs(self) -> Path:
        """One file a program; those of services are JSON lines."""
        return self.state / "logs"

    @property
    def city(self) -> Path:
        """Keys and certificates of the demo city."""
        return self.state / "city"

    @property
    def trust(self) -> Path:
        """Roots, issuing CAs and CRLs, as the validator reads them."""
        return self.state / "trust"

    @property
    def directory(self) -> Path:
        """The unit directory file that was imported."""
        return self.state / "directory.json"

    @property
    def users(self) -> Path:
        """Broker users and their passwords."""
        return self.state / "users.json"

    @property
    def log_key(self) -> Path:
        """Private key of the ledger's log."""
        return self.state / "log.key"

    @property
    def mail(self) -> Path:
        """Every mail, one JSON object a line."""
        return self.state / "mail.jsonl"


def places(state: Path) -> Places:
    """Of a state folder, absolute from here on; made if missing."""
    paths = Places(state.resolve())
    paths.services.mkdir(parents=True, exist_ok=True)
    return paths
