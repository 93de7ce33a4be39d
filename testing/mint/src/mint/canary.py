"""Keys of the demo city's canary, and its two entries for the unit directory."""

import json
from datetime import UTC, datetime
from pathlib import Path

from mint.city import City
from mint.keep import save_identity

SENDER, RECEIVER = "CANARY.1", "CANARY.2"


def write_canary(city: City, folder: Path) -> None:
    """Write ``signer`` and ``unit`` (``.pem`` and ``.key``) and the entries in ``units.json``."""
    day = datetime.now(UTC).date().isoformat()
    names = {SENDER: "Đơn vị dò đường 1", RECEIVER: "Đơn vị dò đường 2"}
    identities = {
        "signer": city.authority.person("Người ký dò đường", names[SENDER]),
        "unit": city.authority.unit(names[SENDER]),
    }
    for role, identity in identities.items():
        save_identity(identity, folder / role)
    certificates = [
        {"sha256": identity.sha256, "role": role, "valid_from": day} for role, identity in identities.items()
    ]
    units = [
        {"code": code, "name": name, "valid_from": day, "certificates": certificates if code == SENDER else []}
        for code, name in names.items()
    ]
    (folder / "units.json").write_text(json.dumps(units, ensure_ascii=False, indent=1), encoding="utf-8")
