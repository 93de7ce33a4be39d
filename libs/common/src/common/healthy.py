"""``python -m common.healthy``: ends with 0 when the service of this container is ready, for the engine's health check.

Needs the standard library only, so that asking is cheap, and no program besides Python, so that the image needs none.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 5.0


def why_not_ready(port: int) -> str:
    """Why the service on this port of loopback is not ready; empty = it is."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_SECONDS):
            return ""
    except URLError as error:
        answer = getattr(error, "read", bytes)()
        return answer.decode(errors="replace") or str(error)
    except OSError as error:
        return str(error)


def main() -> None:
    """Print why it is not ready and end with 1, or end with 0."""
    reason = why_not_ready(int(os.environ.get("TRUNK_HTTP_PORT", "9090")))
    print(reason or "ready")
    sys.exit(bool(reason))


if __name__ == "__main__":
    main()
