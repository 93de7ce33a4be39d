"""docs/validity.md and the code number and name the same things."""

import re
from pathlib import Path

from common.domain.reason import Reason
from validator.fault import Step

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "validity.md").read_text(encoding="utf-8")
CODE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services/validator/src/validator").rglob("*.py"))


def test_steps_are_numbered_alike() -> None:
    rows = re.findall(r"^\| (\d+) (\w+)", TEXT, re.MULTILINE)
    assert [(int(number), name.upper()) for number, name in rows] == [(step.value, step.name) for step in Step]


def test_every_numbered_check_stands_in_both() -> None:
    in_code = set(re.findall(r"\((\d+\.\d+)\)", CODE))
    in_docs = set(re.findall(r"\b(\d+\.\d+)(?=[,)])", TEXT)) | set(re.findall(r"\((\d+\.\d+)\)", TEXT))
    assert {number for number in in_code if int(number.split(".")[0]) in (3, 4, 5, 6, 7, 8, 9, 10)} <= in_docs


def test_every_reason_given_is_documented() -> None:
    steps = TEXT[TEXT.index("## The steps") : TEXT.index("## Choices")]
    given = set(re.findall(r"Reason\.(E_(?:SIG|PDF)_\w+)", CODE)) - {"E_PDF_TIMEOUT", "E_PDF_NONE"}
    assert given <= set(re.findall(r"`(E_\w+)`", steps))
    assert all(token in Reason.__members__ for token in re.findall(r"`(E_\w+)`", TEXT))
