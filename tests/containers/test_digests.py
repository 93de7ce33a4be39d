"""``pin-digests.sh`` against a registry: what it writes names bytes that can be pulled."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import registry
from lab.engine import Engine
from lab.errors import Missing
from lab.images import Images
from tests.system.trunk import ROOT

pytestmark = pytest.mark.system


@pytest.fixture
def served(engine: Engine, opened: list[int], tmp_path: Path) -> Iterator[str]:
    try:
        with registry.serving(tmp_path, opened[3]) as place:
            yield place
    except Missing as reason:
        pytest.skip(f"pinning digests skipped: {reason}")


def test_every_public_image_gets_the_digest_that_its_registry_tells(
    engine: Engine, images: Images, served: str
) -> None:
    name = f"{served}/some/image:4.3"
    engine.docker("tag", images.uv, name)
    engine.docker("push", "--quiet", name)
    (told,) = engine.docker("image", "inspect", '--format={{join .RepoDigests " "}}', name).split()
    named = {*re.findall(r"\$\{(\w+_IMAGE):-", (ROOT / "docker-compose.yml").read_text()), "BASE", "UV"}
    done = subprocess.run(
        ["sh", ROOT / "deploy/compose/pin-digests.sh"],
        env={**engine.environment, **dict.fromkeys(named, name)},
        capture_output=True,
        text=True,
        check=True,
    )
    digest = told.rpartition("@")[2]
    assert set(done.stdout.splitlines()) == {f"{each}={name}@{digest}" for each in named}
    engine.docker("image", "rm", name)
    engine.docker("pull", "--quiet", f"{name}@{digest}")
    engine.docker("image", "rm", f"{name}@{digest}")
