"""Signature messages (CMS) that look right from outside: made by hand over the true digest of the true bytes."""

import hashlib
from collections.abc import Callable
from typing import Any

from asn1crypto import cms

from common.domain.reason import Reason
from mint.attacks.forge import Attributes, message, resigned, without_attribute
from mint.attacks.raw import appended, stream, text
from mint.attacks.registry import Class, Scene, add

SIG_FORMAT = Reason.E_SIG_FORMAT


def _cms(name: str, *reasons: Reason, sub: str = "FORMAT_FAILURE", **options: Any) -> None:
    """The unit's message made anew; an option that is a function gets the scene."""

    def make(scene: Scene) -> bytes:
        arguments = {key: value(scene) if key in BY_SCENE else value for key, value in options.items()}
        return resigned(scene.signed, lambda digest: message(scene.member.seal, digest, scene.at, **arguments))

    add(name, Class.CMS, make, *reasons, sub=sub)


BY_SCENE = {"certificates", "names", "key_of"}


def _changed(kind: str, *values: Any) -> Callable[[Attributes], Attributes]:
    """One signed attribute with other values."""

    def change(attributes: Attributes) -> Attributes:
        new = cms.CMSAttribute({"type": kind, "values": list(values)})
        return [new if each["type"].native == kind else each for each in attributes]

    return change


def _twice(kind: str) -> Callable[[Attributes], Attributes]:
    return lambda attributes: attributes + [each for each in attributes if each["type"].native == kind]


def _stranger(scene: Scene) -> Any:
    return scene.city.authority.person("Nguyễn Xa Lạ")


OTHER = hashlib.sha256(b"another document").digest()

_cms("no_certificate", SIG_FORMAT, sub="NO_SIGNING_CERTIFICATE_FOUND", certificates=lambda _: [])
_cms("another_certificate", SIG_FORMAT, sub="NO_SIGNING_CERTIFICATE_FOUND", certificates=lambda s: [s.member.signer])
_cms("two_signers", SIG_FORMAT, signers=2)
_cms("no_signers", SIG_FORMAT, signers=0)
_cms("encapsulated_content", SIG_FORMAT, content=b"another document")
_cms("no_signed_attributes", SIG_FORMAT, sub="SIG_CONSTRAINTS_FAILURE", signed_attributes=False)
_cms("no_message_digest", SIG_FORMAT, change=without_attribute("message_digest"))
_cms("no_content_type", SIG_FORMAT, change=without_attribute("content_type"))
_cms("two_message_digests", SIG_FORMAT, change=_twice("message_digest"))
_cms("content_type_of_a_timestamp", SIG_FORMAT, content_type="tst_info")
_cms("digest_of_another_document", Reason.E_SIG_DIGEST, sub="HASH_FAILURE", change=_changed("message_digest", OTHER))
_cms(
    "digest_cut_short",
    Reason.E_SIG_DIGEST,
    SIG_FORMAT,
    sub="HASH_FAILURE",
    change=_changed("message_digest", OTHER[:4]),
)
_cms("signed_by_another_key", Reason.E_SIG_VALUE, sub="SIG_CRYPTO_FAILURE", key_of=lambda s: s.member.signer)
_cms(
    "digest_of_another_algorithm",
    Reason.E_SIG_DIGEST,
    sub="HASH_FAILURE",
    signer_digest_name="md5",
)
_cms("algorithm_of_another_key", Reason.E_SIG_VALUE, sub="SIG_CRYPTO_FAILURE", algorithm="sha256_rsa")
_cms("algorithms_disagree", Reason.E_SIG_VALUE, sub="SIG_CRYPTO_FAILURE", algorithm="sha512_ecdsa")


def _names_another(scene: Scene) -> bytes:
    """The signed reference names another certificate than the one that signs."""

    def make(digest: bytes) -> bytes:
        taken: list[Any] = []

        def take(attributes: Attributes) -> Attributes:
            taken.extend(attributes)
            return attributes

        message(_stranger(scene), digest, scene.at, change=take)
        return message(scene.member.seal, digest, scene.at, change=lambda _: taken)

    return resigned(scene.signed, make)


def _bytes_of(name: str, change: Callable[[bytes], bytes], *reasons: Reason, sub: str = "FORMAT_FAILURE") -> None:
    def make(scene: Scene) -> bytes:
        return resigned(scene.signed, lambda digest: change(message(scene.member.seal, digest, scene.at)))

    add(name, Class.CMS, make, *reasons, sub=sub)


def _as_data(der: bytes) -> bytes:
    return bytes(cms.ContentInfo({"content_type": "data", "content": der}).dump())


def _nested(_: bytes) -> bytes:
    """A thousand sequences inside each other."""
    inner = b""
    for _step in range(600):
        size = len(inner)
        inner = b"\x30" + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + inner
    return inner


def _huge_length(der: bytes) -> bytes:
    return b"\x30\x84\x7f\xff\xff\xff" + der[4:]


add("reference_names_another_certificate", Class.CMS, _names_another, SIG_FORMAT)
_bytes_of("message_is_no_signature", _as_data, SIG_FORMAT)
_bytes_of("message_cut_short", lambda der: der[: len(der) // 2], SIG_FORMAT)
_bytes_of("message_of_nested_sequences", _nested, SIG_FORMAT, Reason.E_PDF_FORMAT)
_bytes_of("message_longer_than_the_hole", _huge_length, SIG_FORMAT)
_bytes_of("bytes_behind_the_message", lambda der: der + b"hidden", SIG_FORMAT)
_bytes_of("two_messages", lambda der: der + der, SIG_FORMAT)


def _replayed(scene: Scene) -> bytes:
    """The unit's true message from another letter."""
    other = scene.by_unit(scene.by_signer(appended(scene.letter, {4: stream(text(b"Van ban khac"))})))
    start = other.rindex(b"/Contents <") + len(b"/Contents <")
    value = bytes.fromhex(other[start : other.index(b">", start)].decode())
    return resigned(scene.signed, lambda _: value[: 4 + int.from_bytes(value[2:4], "big")])


add("message_of_another_letter", Class.CMS, _replayed, Reason.E_SIG_DIGEST, sub="HASH_FAILURE")
