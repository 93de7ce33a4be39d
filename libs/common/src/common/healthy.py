"""``python -m common.healthy``: ends with 0 when the service of this container is ready, for the engine's health check.

Needs the standard library only, so that asking is cheap, and no program besides Python, so that the image needs none.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 5.0


def trouble(port: int) -> str:
    """Why the service on this port of loopback is not ready; empty = it is."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_SECONDS):
            return ""
    except URLError as error:
        told = getattr(error, "read", bytes)()
        return told.decode(errors="replace") or str(error)
    except OSError as error:
        return str(error)


def main() -> None:
    """Print the trouble and end with 1, or end with 0."""
    found = trouble(int(os.environ.get("TRUNK_HTTP_PORT", "9090")))
    print(found or "ready")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
