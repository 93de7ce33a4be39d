"""Keys of the two test units, made once, with what the validator needs to judge their letters."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mint.keep import save_identity
from mint.pki import Authority, Identity

NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Keys:
    """A folder as the canary reads it, and who issued what lies in it."""

    folder: Path
    authority: Authority
    signer: Identity
    unit: Identity


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    authority = Authority(now=NOW, kind="p256")
    signer, unit = authority.person("Người ký thử"), authority.unit("Đơn vị thử 1")
    for identity, role in ((signer, "signer"), (unit, "unit")):
        save_identity(identity, folder / role)
    return Keys(folder, authority, signer, unit)
