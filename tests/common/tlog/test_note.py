"""Notes, checkpoints and proofs against published ones, and everything that is none."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tlog.checkpoint import Checkpoint, open_checkpoint
from common.tlog.merkle import ProofInvalid, leaf_hash
from common.tlog.note import NoteInvalid, SignerKey, VerifierKey, open_note
from common.tlog.proof import InclusionProof, parse_proof
from tests.common.tlog.written import Written

SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The example in the documentation of Go's ``sumdb/note``."""
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n".encode()

KEY = SignerKey.generate("log.example/trunk")
OTHER = SignerKey.generate("log.example/trunk")
WRITTEN = Written([b"a", b"b", b"c"])
CHECKPOINT = Checkpoint(KEY.name, WRITTEN.size, WRITTEN.root)


def test_the_published_note() -> None:
    assert open_note(NOTE, [VerifierKey.parse(PUBLIC)]) == TEXT
    assert SignerKey.parse(SECRET).sign(TEXT) == NOTE


@pytest.mark.parametrize("key", [SignerKey.parse(SECRET), KEY])
def test_keys_are_written_as_they_are_read(key: SignerKey) -> None:
    assert SignerKey.parse(key.written()) == key
    assert VerifierKey.parse(str(key.verifier)) == key.verifier
    assert base64.b64encode(b"\x01" + key.seed).decode() not in repr(key)


def test_a_key_is_made_of_its_seed() -> None:
    assert SignerKey.of_seed(KEY.name, KEY.seed.hex()) == KEY
    for digits in ("", "00" * 31, "00" * 33, "0g" * 32):
        with pytest.raises(NoteInvalid):
            SignerKey.of_seed(KEY.name, digits)


def test_the_published_keys_belong_together() -> None:
    assert str(SignerKey.parse(SECRET).verifier) == PUBLIC


@pytest.mark.parametrize(
    "text",
    ["", "PeterNeumann", PUBLIC.replace("c74f", "c74e"), PUBLIC[:-4], PUBLIC.replace("+ARpc", "+BBpc"), "+" + PUBLIC,
     PUBLIC.replace("Peter", "Peter ")],
)  # fmt: skip
def test_public_keys_that_are_none(text: str) -> None:
    with pytest.raises(NoteInvalid):
        VerifierKey.parse(text)


@pytest.mark.parametrize("text", ["", PUBLIC, SECRET[:-2], SECRET.replace("c74f", "c74e")])
def test_private_keys_that_are_none(text: str) -> None:
    with pytest.raises(NoteInvalid):
        SignerKey.parse(text)


def test_signatures_of_others_are_ignored_and_a_wrong_one_of_a_trusted_key_is_not() -> None:
    trusted = [VerifierKey.parse(PUBLIC)]
    stranger = KEY.sign(TEXT).decode().rpartition("\n\n")[2]
    assert open_note(NOTE + stranger.encode(), trusted) == TEXT
    wrong = NOTE.replace(b"JnAM=", b"JnAE=")
    for note in (wrong, NOTE + wrong.decode().rpartition("\n\n")[2].encode(), KEY.sign(TEXT), OTHER.sign(TEXT)):
        with pytest.raises(NoteInvalid):
            open_note(note, trusted)


def test_after_a_change_of_keys_both_are_trusted() -> None:
    for key in (KEY, OTHER):
        assert open_checkpoint(CHECKPOINT.signed(key), [KEY.verifier, OTHER.verifier]) == CHECKPOINT


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 7))
def test_no_flipped_bit_passes(at: int, bit: int) -> None:
    altered = bytearray(NOTE)
    altered[at] ^= 1 << bit
    with pytest.raises(NoteInvalid):
        open_note(bytes(altered), [VerifierKey.parse(PUBLIC)])


def test_a_checkpoint_comes_back() -> None:
    note = CHECKPOINT.signed(KEY)
    assert note == CHECKPOINT.signed(KEY)
    assert open_checkpoint(note, [KEY.verifier]) == CHECKPOINT


@pytest.mark.parametrize(
    "text",
    ["log.example/trunk\n3\n", "log.example/trunk\n03\n{root}\n", "log.example/trunk\n-3\n{root}\n",
     "log.example/trunk\n٣\n{root}\n", "log.example/trunk\n3\nAAAA\n", "log.example/trunk\n3\n*\n",
     "log.example/other\n3\n{root}\n", "log.example/trunk\n3\n{root}\n\nmore\n",
     f"log.example/trunk\n{'9' * 40}\n{{root}}\n"],
)  # fmt: skip
def test_signed_notes_that_are_no_checkpoint_of_the_log(text: str) -> None:
    root = base64.b64encode(WRITTEN.root).decode()
    with pytest.raises(NoteInvalid):
        open_checkpoint(KEY.sign(text.format(root=root)), [KEY.verifier])


def test_names_that_no_key_may_have() -> None:
    for name in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(NoteInvalid):
            SignerKey.generate(name)


def proof(index: int, extra: bytes = b"") -> InclusionProof:
    return InclusionProof(index, tuple(WRITTEN.tree().inclusion(index)), CHECKPOINT.signed(KEY), extra)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("extra", [b"", b"{}"])
def test_a_proof_comes_back_and_holds(index: int, extra: bytes) -> None:
    text = proof(index, extra).written()
    assert parse_proof(text) == proof(index, extra)
    assert parse_proof(text).check(leaf_hash(b"abc"[index : index + 1]), [KEY.verifier]) == CHECKPOINT


def test_a_proof_of_another_leaf_or_key_does_not_hold() -> None:
    with pytest.raises(ProofInvalid):
        proof(1).check(leaf_hash(b"a"), [KEY.verifier])
    with pytest.raises(NoteInvalid):
        proof(0).check(leaf_hash(b"a"), [OTHER.verifier])


WHOLE = proof(1, b"x").written()


@pytest.mark.parametrize(
    "text",
    ["", WHOLE.replace("@v1", "@v2"), WHOLE.replace("index 1", "index 01"), WHOLE.replace("index 1", "at 1"),
     WHOLE.replace("\n\n", "\n", 1).replace("\n\n", "\n"), WHOLE.replace("extra eA==", "extra *"),
     "c2sp.org/tlog-proof@v1\n\n",
     WHOLE.replace("index 1\n", "index 1\nAAAA\n")],
)  # fmt: skip
def test_texts_that_are_no_proof(text: str) -> None:
    with pytest.raises(ProofInvalid):
        parse_proof(text)
