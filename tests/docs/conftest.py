"""The AsyncAPI specification's own JSON schema, out of its package."""

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from devstack import cache

SPECS, VERSION = "@asyncapi/specs", "6.11.1"
SCHEMA = "schemas/3.0.0-without-$id.json"
SCHEMA_SHA256 = "abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f"


def _fetch(target: Path) -> None:
    subprocess.run(["npm", "pack", "--silent", f"{SPECS}@{VERSION}"], cwd=target, check=True, capture_output=True)
    with tarfile.open(next(target.glob("*.tgz"))) as package:
        schema = package.extractfile(f"package/{SCHEMA}")
        assert schema is not None
        (target / SCHEMA).parent.mkdir()
        (target / SCHEMA).write_bytes(schema.read())


@pytest.fixture(scope="session")
def asyncapi_schema() -> dict[str, Any]:
    """Of AsyncAPI 3.0.0."""
    if shutil.which("npm") is None:
        pytest.skip("validation against the AsyncAPI schema skipped: no npm to fetch it with")
    folder = cache.kept("asyncapi-specs", [VERSION, SCHEMA], _fetch)
    text = (folder / SCHEMA).read_bytes()
    assert hashlib.sha256(text).hexdigest() == SCHEMA_SHA256
    schema: dict[str, Any] = json.loads(text)
    return schema
