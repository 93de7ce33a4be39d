"""The demo city of this machine: made once, kept with its keys, its CRLs written anew at every start."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mint import keep
from mint.city import City, build_city
from trunkctl.local.places import Places

CRL_DAYS = 7


def have_city(place: Places) -> City:
    """The kept city, or a new one."""
    try:
        return keep.load(place.city)
    except FileNotFoundError:
        city = build_city(datetime.now(UTC).replace(microsecond=0))
        keep.save(city, place.city)
        return city


def write_trust(city: City, folder: Path) -> None:
    """Roots, issuing CAs and CRLs of this minute; each file is replaced whole, so that a reader never sees half."""
    now = datetime.now(UTC).replace(microsecond=0)
    end, number = now + timedelta(days=CRL_DAYS), int(now.timestamp())
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".trust-") as fresh:
        city.authority.write_trust(Path(fresh), this_update=now, next_update=end, number=number)
        for file in Path(fresh).rglob("*.*"):
            target = folder / file.relative_to(fresh)
            target.parent.mkdir(exist_ok=True)
            file.replace(target)
