"""What is kept for all checkouts is built once, whole or not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devstack import cache


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "city-trunk"


def test_key_changes_with_each_pin():
    keys = {cache.key(pins) for pins in (["a", "1"], ["a", "2"], ["b", "1"], ["a1"], ["a"])}
    assert len(keys) == 5


def test_builders_at_the_same_time_build_once():
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("whole")

    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: cache.kept("thing", ["1"], build), range(8)))
    assert len(built) == 1
    assert {(folder / "file").read_text() for folder in folders} == {"whole"}


def test_failed_build_leaves_nothing_and_is_tried_again(root):
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        cache.kept("thing", ["1"], fail)
    assert [path.suffix for path in root.iterdir()] == [".lock"]
    assert cache.kept("thing", ["1"], lambda folder: None).is_dir()


def test_leftover_of_a_killed_build_is_removed(root):
    leftover = root / f".{cache.folder('thing', ['1']).name}-abc"
    leftover.mkdir(parents=True)
    cache.kept("thing", ["1"], lambda folder: None)
    assert not leftover.exists()
