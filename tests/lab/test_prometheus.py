"""What the lab puts beside the system for Alertmanager, while other processes look for it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lab import prometheus
from lab.prometheus import Tools


def test_templates_are_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked, shared = tmp_path / "share" / "prometheus" / "alertmanager", tmp_path / "usr" / "share" / "alertmanager"
    unpacked.mkdir(parents=True)
    (unpacked / "default.tmpl").write_text("whole")
    monkeypatch.setattr(prometheus, "tools", lambda _: Tools(tmp_path / "bin"))
    monkeypatch.setattr(prometheus, "SHARED", shared)
    copy = shutil.copytree

    def breaks_off(*arguments: Any, **more: Any) -> None:
        copy(*arguments, **more)
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", breaks_off)
        with pytest.raises(OSError, match="no space"):
            prometheus._have_templates()
    assert not shared.exists()
    prometheus._have_templates()
    assert (shared / "default.tmpl").read_text() == "whole"
