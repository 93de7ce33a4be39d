"""``python -m canary.healthy``: exits with 0 if letters can be made, for the container's health check."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 5.0


def main() -> None:
    """Prints why the canary is not ready and exits with 1, or exits with 0."""
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
