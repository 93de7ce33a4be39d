"""Makes the folder ``city``: directory, trust material and signed letters, which the simulation reads.

They are kept, not made for each run: signatures differ from run to run, and a seed has to lead to the same bytes for
good. Virtual time begins on the day on which they were signed.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from mint import paper
from mint.city import build_city

CITY = Path(__file__).parent / "city"
DAY = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
MEMBERS = ("000.00.00.H29", "000.00.12.H29", "H29.901.01", "H29.901.02")
"""Units that take part; few, so that a schedule is cheap."""
WEBHOOK = {"webhook_url": "https://don-vi.demo.invalid/hook", "webhook_secret": "s" * 32}
CONTACTS = ({"email": "van-thu@demo.invalid", **WEBHOOK}, WEBHOOK, {}, WEBHOOK)
"""Where the units are notified."""


def main() -> None:
    """Write the folder anew. Every seed means another history afterwards."""
    shutil.rmtree(CITY, ignore_errors=True)
    city = build_city(DAY, kind="p256")
    city.write_trust(CITY / "trust", days=3650)
    city.write_directory(CITY / "directory.json")
    units = json.loads((CITY / "directory.json").read_text())
    units["units"] = [unit for unit in units["units"] if unit["code"] in MEMBERS]
    for unit in units["units"]:
        unit["parent"] = None if unit["code"] == MEMBERS[0] else MEMBERS[0]
        unit["contact"] = CONTACTS[MEMBERS.index(unit["code"])]
    (CITY / "directory.json").write_text(json.dumps(units, ensure_ascii=False, indent=1) + "\n")
    letters = CITY / "letters"
    letters.mkdir()
    for code in MEMBERS:
        (letters / f"{code}.pdf").write_bytes(city.signed(code, paper.letter()))
    valid = (letters / f"{MEMBERS[0]}.pdf").read_bytes()
    box = valid.index(b"/MediaBox [0 0 5")
    (letters / "altered.pdf").write_bytes(valid[: box + 15] + b"6" + valid[box + 16 :])


if __name__ == "__main__":
    main()
