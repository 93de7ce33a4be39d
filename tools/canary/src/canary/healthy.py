"""``python -m canary.healthy``: ends with 0 when letters can be made, for the engine's health check."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 5.0


def main() -> None:
    """Print why it is not ready and end with 1, or end with 0."""
    port = int(os.environ.get("TRUNK_HTTP_PORT", "9090"))
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_SECONDS):
            print("ready")
    except (URLError, OSError) as error:
        answer = getattr(error, "read", bytes)()
        print(answer.decode(errors="replace") or str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
