"""An operator at a shell, as ``trunkctl units`` and ``trunkctl send`` know one."""

import copy
import json
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .trunk import BIN, ROOT, STATE, Trunk, run

FIRST, SECOND = "Nguyễn Văn A", "Trần Thị B"
SENDER, RECEIVER = "000.00.12.H29", "H29.901.02"
Unit = dict[str, Any]


@dataclass
class Operator:
    """Somebody at a shell."""

    trunk: Trunk
    folder: Path
    added: list[str] = field(default_factory=list)
    done: set[tuple[str, ...]] = field(default_factory=set)
    """Commands that were given, to be undone."""

    def units(self, *words: str, by: str = "", why: str = "kiểm thử") -> "subprocess.CompletedProcess[str]":
        """``trunkctl units …`` to its end."""
        self.done.add(words[:2])
        who = ["--by", by, "--why", why] if by else []
        command = [str(BIN / "trunkctl"), "units", *words, *who, "--state", str(STATE)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def does(self, *words: str, by: str = FIRST, why: str = "kiểm thử") -> str:
        """The same, which must succeed; what it printed."""
        done = self.units(*words, by=by, why=why)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def is_refused(self, *words: str, by: str = FIRST) -> str:
        """The same, which must not succeed; what it said."""
        done = self.units(*words, by=by)
        assert done.returncode == 1, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stderr

    def in_force(self) -> dict[str, Any]:
        """The directory file."""
        return dict(json.loads(self.does("show", by="")))

    def file(self, change: Callable[[list[Unit]], object]) -> str:
        """A file with the units in force, changed."""
        content = self.in_force()
        change(content["units"])
        path = self.folder / f"{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return str(path)

    def pending(self) -> str:
        """The version that waits."""
        listed = self.units("pending")
        assert listed.returncode == 1
        return listed.stdout.split()[1].rstrip(",")

    def confirmed(self, change: Callable[[list[Unit]], object], *options: str) -> None:
        """A change of two persons."""
        self.does("import", self.file(change), *options)
        self.does("confirm", self.pending(), by=SECOND)

    def new_unit(self) -> str:
        """A unit like another one, imported and confirmed; it has neither a user nor an inbox yet."""
        code = f"H29.{secrets.randbelow(900) + 100}.{secrets.token_hex(2)}"
        self.added.append(code)

        def add(units: list[Unit]) -> None:
            unit = copy.deepcopy(next(unit for unit in units if unit["code"] == RECEIVER))
            units.append(unit | {"code": code, "name": "Phường Mới", "broker_user": "", "certificates": []})

        self.confirmed(add)
        return code

    def tidy(self) -> None:
        """Give up and undo what a run that was broken off has left."""
        if (listed := self.units("pending")).returncode == 1 and listed.stdout:
            self.does("withdraw", listed.stdout.split()[1].rstrip(","))
        self.does("enable", SENDER, RECEIVER)

    def put_back(self) -> None:
        """Nobody is disabled, and the city's directory is in force."""
        for code in (SENDER, RECEIVER):
            if ("disable", code) in self.done:
                self.units("enable", code, by=FIRST)
        if any(words[0] == "import" for words in self.done):
            run(BIN / "trunkctl", "up", "--state", STATE)

    def sends(self, *receivers: str) -> str:
        """A signed letter from one unit to others; its package id."""
        pdf = self.folder / "letter.pdf"
        make = "import sys, pathlib; from mint.paper import letter; pathlib.Path(sys.argv[1]).write_bytes(letter())"
        run(BIN / "python", "-c", make, pdf)
        options = [word for receiver in receivers for word in ("--to", receiver)]
        more = ["--subject", "Kiểm tra", "--sign", "--state", STATE]
        sent = run(BIN / "trunkctl", "send", pdf, "--from", SENDER, *options, *more)
        return next(line.split()[1] for line in sent.stdout.splitlines() if line.startswith("package"))
