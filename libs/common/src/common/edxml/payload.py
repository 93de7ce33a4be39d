"""Attachment content on its way from base64 text into a file, measured as it passes."""

import binascii
import hashlib
from collections.abc import Callable
from typing import BinaryIO

from common.domain.names import Sha256
from common.domain.reason import Reason
from common.edxml.sniff import HEAD_BYTES
from common.edxml.unreadable import Unreadable

Sink = Callable[[], BinaryIO]
"""Opens an empty file that can be written, read and sought."""

BLANKS = b" \t\r\n"
REPLACEMENT = "\ufffd".encode()
"""What a text decoder leaves where it met bytes it could not read."""


class Measured:
    """A file being written, with its size, digest, first bytes and signs of damage."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self.file = file
        self.size_bytes = 0
        self.head = b""
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._replaced = 0

    def write(self, data: bytes) -> None:
        """Append. Raises ``Unreadable`` (E_SIZE) beyond the limit."""
        self.size_bytes += len(data)
        if self.size_bytes > self._max_bytes:
            raise Unreadable(Reason.E_SIZE, f"An attachment has more than {self._max_bytes} bytes.")
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        self._digest.update(data)
        self._replaced += data.count(REPLACEMENT)
        self.file.write(data)

    @property
    def sha256(self) -> Sha256:
        """Of all bytes so far."""
        return self._digest.hexdigest()

    def was_decoded_as_text(self) -> bool:
        """Whether more than one byte in a hundred belongs to a replacement character.

        In sound binary files the three bytes meet by chance once in sixteen million.
        """
        return self._replaced >= 3 and self._replaced * 3 * 100 > self.size_bytes


class Payload:
    """One attachment's content: base64 text in, bytes out, in pieces of any size."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self.fault: str | None = None
        """Why this is no base64, once it is known; the rest is then dropped."""
        self._rest = b""
        self._padded = False

    def feed(self, text: str) -> None:
        """Decode as many whole groups of four as there are; blanks may stand anywhere."""
        if self.fault:
            return
        try:
            self._decode(text.encode("ascii").translate(None, BLANKS))
        except UnicodeEncodeError:
            self.spoil("it holds a character outside ASCII")
        except binascii.Error as error:
            self.spoil(str(error).lower())

    def close(self) -> None:
        """No more text follows: what is left over must be nothing."""
        if self._rest and not self.fault:
            self.spoil("its length is no multiple of four")

    def spoil(self, fault: str) -> None:
        """Note the first fault."""
        self.fault = self.fault or fault

    def _decode(self, data: bytes) -> None:
        if self._padded and data:
            self.spoil("data follow the padding")
        elif data:
            self._decode_groups(self._rest + data)

    def _decode_groups(self, data: bytes) -> None:
        whole = len(data) // 4 * 4
        self._rest = data[whole:]
        self._padded = data[:whole].endswith(b"=")
        self.measured.write(binascii.a2b_base64(data[:whole], strict_mode=True))
        if self._padded and self._rest:
            self.spoil("data follow the padding")
