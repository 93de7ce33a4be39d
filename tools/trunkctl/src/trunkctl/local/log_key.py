"""The key of the log on this machine: made once, readable by its owner alone."""

import secrets

from common.tlog.note import SEED_BYTES, SignerKey
from trunkctl.local.places import Places

ORIGIN = "localhost/trunk"


def log_key(place: Places) -> SignerKey:
    """The key in the state folder, made if it is missing."""
    if not place.log_key.exists():
        made = place.log_key.with_suffix(".new")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(SEED_BYTES), encoding="ascii")
        made.rename(place.log_key)
    return SignerKey.of_seed(ORIGIN, place.log_key.read_text(encoding="ascii"))
