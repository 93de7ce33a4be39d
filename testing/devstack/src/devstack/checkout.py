"""What each server's module is given when it starts its server."""

from dataclasses import dataclass
from pathlib import Path

from devstack.choices import Choices
from devstack.debian_tree import Tree
from devstack.once import Once
from devstack.progress import Progress


@dataclass(frozen=True)
class Checkout:
    """state_dir: absolute; everything that is not shared between checkouts is below it."""

    state_dir: Path
    choices: Choices
    progress: Progress
    tree: Once[Tree]
    """The Debian tree with broker and database; raises DevstackError where it cannot be had."""

    def data(self, server: str) -> Path:
        """The folder for a server's data, made if missing."""
        folder = self.state_dir / server
        folder.mkdir(parents=True, exist_ok=True)
        return folder
