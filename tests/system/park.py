"""``trunkctl park``, as somebody at a shell uses it."""

import subprocess

from .trunk import BIN, ROOT, STATE

OPERATOR, WHY = "Nguyễn Văn A", "đã xem"


def park(*words: str, by: str = OPERATOR, why: str = WHY, code: int | None = 0) -> str:
    """``trunkctl park …`` to its end; what it printed. ``code``: the exit code that it must have, None = any."""
    decides = words[0] in ("replay", "discard", "restore")
    who = ["--by", by, "--why", why, "--wait", "240"] if decides else []
    command = [str(BIN / "trunkctl"), "park", *words, *who, "--state", str(STATE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    output = (done.stdout + done.stderr).strip()
    assert code in (None, done.returncode), f"{words}: {output}"
    return output
