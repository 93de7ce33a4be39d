"""What a build of an image may see."""

from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lets_in(path: str) -> bool:
    """Whether .dockerignore lets that path into a build; the last matching line counts, as for the engine."""
    let = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, keeps = (line[1:], True) if line.startswith("!") else (line, False)
        if _matches(pattern, path):
            let = keeps
    return let


def _matches(pattern: str, path: str) -> bool:
    """Whether the pattern names the path or a folder above it."""
    parts = Path(path).parts
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    if pattern.startswith("**/"):
        return any(fnmatch(part, pattern[3:]) for part in parts)
    return any(fnmatch(each, pattern) and each.count("/") == pattern.count("/") for each in above)
