"""Where no engine can run, one sentence says why, before anything is fetched or started."""

from pathlib import Path

import pytest

from lab import debs, engine
from lab.errors import Missing


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"geteuid": 1000}, "needs root"),
        ({"name": "x" * 120}, "too long for a unix socket"),
        ({"may": False}, "CAP_SYS_ADMIN"),
        ({"obstacle": "apt-get is not on this machine, so no Debian packages can be had"}, "apt-get"),
    ],
)
def test_what_is_missing_is_said(
    broken: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.os, "geteuid", lambda: broken.get("geteuid", 0))
    monkeypatch.setattr(engine, "_may", lambda *_, **__: broken.get("may", True))
    monkeypatch.setattr(debs, "obstacle", lambda: broken.get("obstacle"))
    home = Path("/tmp") / str(broken.get("name", "engine-of-nobody"))
    with pytest.raises(Missing, match=said):
        engine.start(home)
    assert not home.exists()


def test_an_engine_that_was_never_started_does_not_run(tmp_path: Path) -> None:
    assert not engine.running(tmp_path / "nowhere")
    engine.stop(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
