"""An SMTP server that delivers nowhere: every mail becomes one JSON line in a file.

``python -m trunkctl.local.mail_sink PORT FILE``
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

MAX_MAIL_BYTES = 1024 * 1024


class Sink:
    """Appends what it is handed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        """Called by the server for each mail."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line_of(envelope), ensure_ascii=False) + "\n")
        return "250 kept"


def line_of(envelope: Any) -> dict[str, Any]:
    """Who, to whom, what: the parts of a mail that a test or a person wants to see."""
    mail = message_from_bytes(envelope.content, policy=policy.default)
    body = mail.get_body(("plain",)) if isinstance(mail, EmailMessage) else None
    return {
        "at": datetime.now(UTC).isoformat(),
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "subject": mail["subject"],
        "message_id": mail["message-id"],
        "text": body.get_content() if body else "",
    }


async def serve(port: int, file: Path) -> None:
    """Serve on loopback until the process ends."""
    sink = Sink(file)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
