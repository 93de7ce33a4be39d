"""The same things in other letters: names with escapes, keys that stand twice, layout between the tokens.

What one reader takes for the signature's entry, another does not see. The attacker edits what was signed soundly, or
signs such a file himself.
"""

import hashlib
from collections.abc import Callable

from common.domain.reason import Reason
from mint.attacks.forge import message
from mint.attacks.raw import appended, body_of, page, root_of, stream, text, with_entry
from mint.attacks.registry import Class, Scene, add
from mint.attacks.saving import change
from mint.attacks.shadow import shadow
from mint.tamper import BYTE_RANGE, hole

FORMAT = (Reason.E_SIG_FORMAT, Reason.E_PDF_FORMAT, Reason.E_SIG_COVERAGE)
CHANGED = (Reason.E_SIG_CHANGED, Reason.E_PDF_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_SIG_FORMAT)


def _spelled(name: str, kind: Class, patch: Callable[[bytes], bytes]) -> None:
    """The unit's dictionary in other letters of the same length, signed soundly."""

    def make(scene: Scene) -> bytes:
        pdf = scene.signed
        changed = patch(pdf)
        if len(changed) != len(pdf) or changed == pdf:
            raise ValueError("the patch must keep the length")
        start, end = hole(pdf, -1)
        digest = hashlib.sha256(changed[:start] + changed[end:]).digest()
        value = message(scene.member.seal, digest, scene.at).hex().encode()
        return changed[: start + 1] + value.ljust(end - start - 2, b"0") + changed[end - 1 :]

    add(name, kind, make, *FORMAT)


def _entries(pdf: bytes) -> tuple[int, int]:
    """Where the unit's ByteRange and the blanks behind it lie."""
    byte_range = list(BYTE_RANGE.finditer(pdf))[-1]
    behind = pdf[byte_range.end() : byte_range.end() + 200]
    return byte_range.start(), byte_range.end() + len(behind) - len(behind.lstrip(b" "))


def _byte_range(write: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def patch(pdf: bytes) -> bytes:
        start, end = _entries(pdf)
        numbers = pdf[pdf.index(b"[", start) : pdf.index(b"]", start) + 1]
        return pdf[:start] + write(numbers).ljust(end - start)[: end - start] + pdf[end:]

    return patch


_spelled("byte_range_with_a_comment", Class.USF, _byte_range(lambda n: b"/ByteRange %x\n" + n))
_spelled("byte_range_with_an_escape", Class.USF, _byte_range(lambda n: b"/#42yteRange" + n))
_spelled("byte_range_behind_a_decoy", Class.USF, _byte_range(lambda n: b"/#42yteRange" + n + b"%/ByteRange\n"))
_spelled("byte_range_twice", Class.USF, _byte_range(lambda n: b"/ByteRange [] /ByteRange" + n))
_spelled("subfilter_with_an_escape", Class.USF, lambda pdf: _last(pdf, b"/SubFilter", b"/SubFi#6cter"[:10]))


def _last(pdf: bytes, old: bytes, new: bytes) -> bytes:
    at = pdf.rindex(old)
    return pdf[:at] + new + pdf[at + len(old) :]


def _hole(name: str, write: Callable[[bytes], bytes]) -> None:
    """Something besides digits in the hole: the message is the true one."""

    def make(scene: Scene) -> bytes:
        pdf = scene.signed
        start, end = hole(pdf, -1)
        digits = pdf[start + 1 : end - 1].rstrip(b"0")
        digits += b"0" * (len(digits) % 2)
        return pdf[:start] + write(digits).ljust(end - start - 1, b"0") + b">" + pdf[end:]

    add(name, Class.HOLE, make, *FORMAT)


_hole("hole_with_line_ends", lambda digits: b"<" + digits[:64] + b"\n" + digits[64:])
_hole("hole_with_a_comment", lambda digits: b"<" + digits[:64] + b"%00\n" + digits[64:])
_hole("hole_with_a_second_string", lambda digits: b"<" + digits + b"> <")
_hole("hole_with_another_entry", lambda digits: b"<" + digits + b"> /Reason <")


# keys that stand twice, names with escapes, in an update


@change(Class.OVERRIDE, *CHANGED, only_after=True)
def catalog_with_two_trees(pdf: bytes) -> bytes:
    """The catalog names its pages twice: the true ones last."""
    root = root_of(pdf)
    body = b"<< /Pages 91 0 R " + body_of(pdf, root)[2:]
    return appended(pdf, {root: body, 91: b"<< /Type /Pages /Kids [] /Count 0 >>"})


@change(Class.OVERRIDE, *CHANGED, only_after=True)
def catalog_with_an_escaped_tree(pdf: bytes) -> bytes:
    """The second name is spelled with an escape."""
    root = root_of(pdf)
    body = b"<< /P#61ges 91 0 R " + body_of(pdf, root)[2:]
    return appended(pdf, {root: body, 91: b"<< /Type /Pages /Kids [] /Count 0 >>"})


@change(Class.OVERRIDE, *CHANGED, only_after=True)
def catalog_with_an_escaped_store(pdf: bytes) -> bytes:
    """A key beside the store of validation data which only looks like it."""
    root = root_of(pdf)
    return appended(pdf, {root: with_entry(body_of(pdf, root), b"/DSS#00 91 0 R"), 91: b"<< /Type /DSS >>"})


@change(Class.ISA, *CHANGED, only_after=True)
def object_with_a_comment_in_its_head(pdf: bytes) -> bytes:
    """Content that no table lists, its head broken by a comment, in an update of validation data."""
    root = root_of(pdf)
    grown = appended(pdf, {root: with_entry(body_of(pdf, root), b"/DSS 91 0 R"), 91: b"<< /Type /DSS >>"})
    hidden = b"4 %%\n0 obj\n%s\nendobj\n" % stream(text(b"500 ty"))
    at = grown.rindex(b"xref\n", 0, grown.rindex(b"startxref"))
    start = grown.rindex(b"startxref")
    return grown[:at] + hidden + grown[at:start] + b"startxref\n%d\n%%%%EOF\n" % (at + len(hidden))


@change(Class.ISA, *CHANGED, only_after=True)
def trailer_in_a_comment(pdf: bytes) -> bytes:
    """A trailer that only a reader that mends files finds, in an update of validation data."""
    root = root_of(pdf)
    grown = appended(pdf, {root: with_entry(body_of(pdf, root), b"/DSS 91 0 R"), 91: b"<< /Type /DSS >>"})
    hidden = b"% trailer << /Root 90 0 R /Size 99 >>\n"
    at = grown.rindex(b"xref\n", 0, grown.rindex(b"startxref"))
    start = grown.rindex(b"startxref")
    return grown[:at] + hidden + grown[at:start] + b"startxref\n%d\n%%%%EOF\n" % (at + len(hidden))


# names that show as the same text


def _unnamed(name: bytes) -> bytes:
    """The page draws what the other spelling of ``name`` stands for; the table of its pictures has this one."""
    other = {b"Im#E9": b"Im#C3#A9", b"Im#C3#A9": b"Im#E9"}[name]
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
    drawing = stream(b"BT /F1 14 Tf 72 600 Td (500 ty) Tj ET", form + b" /Resources << /Font << /F1 5 0 R >> >>")
    content = text(b"Chi 5 trieu") + b" /%s Do" % other
    return page(content, resources=b"/XObject 11 0 R", objects={10: drawing, 11: b"<< /%s 10 0 R >>" % name})


for _bytes, _other, _called in ((b"Im#C3#A9", b"Im#E9", "latin_1"), (b"Im#E9", b"Im#C3#A9", "utf_8")):
    shadow(
        f"name_respelled_in_{_called}",
        Class.NAMES,
        lambda name=_bytes: _unnamed(name),  # type: ignore[misc]
        lambda pdf, name=_other: appended(pdf, {11: b"<< /%s 10 0 R >>" % name}),  # type: ignore[misc]
    )


# numbers of another kind


def _covered_by_a_picture() -> bytes:
    picture = b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    return page(
        text(b"Chi 500 ty") + b" q 500 0 0 60 50 680 cm /Che Do Q",
        resources=b"/XObject << /Che 10 0 R >>",
        objects={10: stream(b"\0" * 64, picture)},
    )


def _real(key: bytes) -> Callable[[bytes], bytes]:
    """The picture with a real number, with which some readers do not draw it any more."""

    def later(pdf: bytes) -> bytes:
        start = pdf.index(b"10 0 obj\n") + len(b"10 0 obj\n")
        body = pdf[start : pdf.index(b"\nendobj", start)]
        return appended(pdf, {10: body.replace(key + b" 8", key + b" 8.0")})

    return later


for _key in ("Width", "BitsPerComponent"):
    shadow(f"real_number_as_{_key.lower()}", Class.SHADOW_HIDE, _covered_by_a_picture, _real(_key.encode()))
