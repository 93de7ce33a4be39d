"""The validator's modules as syntax trees, for tests of house rules."""

import ast
from functools import cache
from pathlib import Path

import validator

SOURCE = Path(validator.__file__).parent


def module_name(path: Path) -> str:
    """As it is imported, without ``validator.``."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def trees() -> dict[str, ast.Module]:
    """By the module's name."""
    return {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
