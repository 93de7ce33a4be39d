"""``restore check`` names an object that the store does not give, and goes on."""

import hashlib
from typing import Any

import pytest

from common.objects import CONTENT, content_ref
from trunkctl import store_patience
from trunkctl.backup.inventory import Inventory
from trunkctl.command_error import CommandError
from trunkctl.restore.objects import Named, ObjectCheck

from .memory_store import MemoryStore, refusal


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_patience.time, "sleep", lambda _: None)


def test_an_object_that_cannot_be_read_is_a_fault_and_a_store_that_is_away_is_not() -> None:
    memory = MemoryStore()
    store: Any = memory
    refs = [content_ref(hashlib.sha256(data).hexdigest(), 1) for data in (b"a", b"b", b"c")]
    for ref, data in zip(refs, (b"a", b"b", b"x"), strict=True):
        memory.put(CONTENT, ref.key, data)
    memory.failing[CONTENT, refs[0].key] = refusal("InternalError", CONTENT, refs[0].key)
    nobody: Any = None
    with Inventory.of(()) as seen:
        check = ObjectCheck(nobody, store, seen)
        faults = [check._judge(Named(ref, is_envelope=False))[0] for ref in refs]
        assert faults[0] == f"{CONTENT}/{refs[0].key}: cannot be read: InternalError"
        assert faults[1] == ""
        assert faults[2].startswith(f"{CONTENT}/{refs[2].key}: other bytes")
        memory.is_away = True
        with pytest.raises(CommandError, match="does not answer"):
            check._judge(Named(refs[1], is_envelope=False))
