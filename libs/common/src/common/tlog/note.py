"""Signed notes (C2SP signed-note) with Ed25519: a text, an empty line, and signatures of named keys.

Keys have the text form of Go's ``sumdb/note``: ``<name>+<key id>+<base64>``, and ``PRIVATE+KEY+`` before that for
private keys.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.tlog.base64_text import decoded, encoded

ED25519 = b"\x01"
KEY_ID_BYTES = 4
SEED_BYTES = 32
PRIVATE = "PRIVATE+KEY+"
DASH = "\N{EM DASH} "
"""The beginning of a signature line."""


class NoteInvalid(ValueError):
    """A note is malformed, or has no valid signature of a trusted key; or a key is malformed."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read ``<name>+<key id>+<base64>``. Raises ``NoteInvalid``."""
        name, key_id, data = _key_parts(text)
        key = cls(name, data)
        if key.key_id.hex() != key_id:
            raise NoteInvalid("the key does not have its id")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encoded(ED25519 + self.public)}"

    @property
    def key_id(self) -> bytes:
        """Four bytes that identify the key in a signature line, besides its name."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_BYTES]

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Whether a signature over a text was made by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SignerKey:
    """A private key with its name."""

    name: str
    seed: bytes

    @classmethod
    def parse(cls, text: str) -> "SignerKey":
        """Read ``PRIVATE+KEY+<name>+<key id>+<base64>``. Raises ``NoteInvalid``."""
        if not text.startswith(PRIVATE):
            raise NoteInvalid("no private key of a note")
        name, key_id, data = _key_parts(text.removeprefix(PRIVATE))
        key = cls(name, data)
        if key.verifier.key_id.hex() != key_id:
            raise NoteInvalid("the key does not have its id")
        return key

    @classmethod
    def of_seed(cls, name: str, hex_digits: str) -> "SignerKey":
        """The key with this name whose seed is given as 64 hex digits. Raises ``NoteInvalid``."""
        _check_name(name)
        try:
            seed = bytes.fromhex(hex_digits)
        except ValueError:
            raise NoteInvalid("a private key is 64 hex digits") from None
        if len(seed) != SEED_BYTES:
            raise NoteInvalid("a private key is 64 hex digits")
        return cls(name, seed)

    @classmethod
    def generate(cls, name: str) -> "SignerKey":
        """A new key. Raises ``NoteInvalid`` for a name that a note cannot have."""
        _check_name(name)
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    def written(self) -> str:
        """The key in the form that ``parse`` reads. It is secret."""
        return f"{PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{encoded(ED25519 + self.seed)}"

    @property
    def verifier(self) -> VerifierKey:
        """The public key."""
        return VerifierKey(self.name, self._key().public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """A note with this text. The same text always gives the same bytes. Raises ``NoteInvalid`` unless the text ends
        with a newline."""
        if not text.endswith("\n"):
            raise NoteInvalid("the text does not end with a newline")
        signature = self.verifier.key_id + self._key().sign(text.encode())
        return f"{text}\n{DASH}{self.name} {encoded(signature)}\n".encode()

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def open_note(note: bytes, keys: Iterable[VerifierKey]) -> str:
    """The text of a note that at least one of these keys has signed. Raises ``NoteInvalid``.

    Signatures of other keys are ignored. If a signature of one of these keys is wrong, the note is invalid.
    """
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteInvalid("the note is no UTF-8") from None
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n") or any(ord(each) < 0x20 and each != "\n" for each in whole):
        raise NoteInvalid("no signed note")
    text += "\n"
    by_name = {(key.name, key.key_id): key for key in keys}
    trusted = [(by_name[named], signature) for named, signature in _signatures(lines) if named in by_name]
    if not trusted:
        raise NoteInvalid("no signature of a trusted key")
    if not all(key.has_signed(text, signature) for key, signature in trusted):
        raise NoteInvalid("a signature is wrong")
    return text


def _signatures(lines: str) -> Iterator[tuple[tuple[str, bytes], bytes]]:
    for line in lines.removesuffix("\n").split("\n"):
        name, _, data = line.removeprefix(DASH).partition(" ")
        signature = _decoded(data)
        if not line.startswith(DASH) or not name or len(signature) <= KEY_ID_BYTES:
            raise NoteInvalid("a line of a signature is malformed")
        yield (name, signature[:KEY_ID_BYTES]), signature[KEY_ID_BYTES:]


def _key_parts(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, written = rest.partition("+")
    data = _decoded(written)
    _check_name(name)
    if data[:1] != ED25519 or len(data) != 33:
        raise NoteInvalid("no Ed25519 key")
    return name, key_id, data[1:]


def _check_name(name: str) -> None:
    if not name or "+" in name or any(each.isspace() for each in name):
        raise NoteInvalid("the name of a key is empty, or has a space or a plus")


def _decoded(text: str) -> bytes:
    try:
        return decoded(text)
    except ValueError:
        raise NoteInvalid("no base64") from None
