"""``python -m common.healthy``: the health check of a container. Exits with 0 if its service is ready.

It imports only the standard library, so that it is cheap, and needs no program besides Python in the image.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 5.0


def why_not_ready(port: int) -> str:
    """Why the service on a port of the loopback address is not ready; empty = it is."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_SECONDS):
            return ""
    except URLError as error:
        answer = getattr(error, "read", bytes)()
        return answer.decode(errors="replace") or str(error)
    except OSError as error:
        return str(error)


def main() -> None:
    """Print why the service is not ready and exit with 1, or exit with 0."""
    reason = why_not_ready(int(os.environ.get("TRUNK_HTTP_PORT", "9090")))
    print(reason or "ready")
    sys.exit(bool(reason))


if __name__ == "__main__":
    main()
