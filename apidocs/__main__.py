"""``python -m apidocs``: write ``docs/asyncapi/<name>.yaml`` and ``docs/asyncapi/facts.md``."""

from pathlib import Path

from apidocs.documents import NAMES, written
from apidocs.flows import page

FOLDER = Path(__file__).parent.parent / "docs" / "asyncapi"

if __name__ == "__main__":
    for name in NAMES:
        (FOLDER / f"{name}.yaml").write_text(written(name), encoding="utf-8")
    (FOLDER / "facts.md").write_text(page(), encoding="utf-8")
