"""``python -m apidocs``: write ``docs/asyncapi/<name>.yaml`` anew."""

from pathlib import Path

from apidocs.documents import NAMES, written

FOLDER = Path(__file__).parent.parent / "docs" / "asyncapi"

if __name__ == "__main__":
    for name in NAMES:
        (FOLDER / f"{name}.yaml").write_text(written(name), encoding="utf-8")
