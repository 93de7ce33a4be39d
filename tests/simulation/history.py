"""The history of a failed schedule, reduced to the lines that concern the failure."""

import re

IDENTIFIER = re.compile(r"\b[0-9a-f]{8}(?:[0-9a-f]{24})?\b")
ALWAYS = ("fault:", "crash", "cut ", "error ", "healed", "submits", "warning:")
"""What is shown whatever it concerns."""
MOST_LINES = 80


def shortened(history: list[str], violations: list[str]) -> list[str]:
    """The lines about the packages that the violations name, the faults, and the submissions."""
    named = {identifier[:8] for violation in violations for identifier in IDENTIFIER.findall(violation)}
    concerned = [line for line in history if any(word in line for word in ALWAYS) or _names(line) & named]
    if len(concerned) <= MOST_LINES:
        return concerned
    half = MOST_LINES // 2
    return [*concerned[:half], f"… {len(concerned) - MOST_LINES} lines …", *concerned[-half:]]


def _names(line: str) -> set[str]:
    return {identifier[:8] for identifier in IDENTIFIER.findall(line)}
