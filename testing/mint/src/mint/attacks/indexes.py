"""Numbers that an index of the file lists twice, so that two readers take different objects for one.

A file has four kinds of index: the rows of a classic table, those of a cross-reference stream, the two tables of a
hybrid file, and the header of an object stream. The attacker needs no key: he appends an update in which one reader
sees what was signed, and another one something else.
"""

import re
from collections.abc import Callable

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, last_table, object_stream, page, size_of, stream, streamed, text
from mint.attacks.registry import Class, add
from mint.attacks.shadow import shadow

BROKEN = (Reason.E_PDF_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_SIG_CHANGED)
OTHER = stream(text(b"Chi 500 ty dong"))
Order = Callable[[tuple[int, bytes], tuple[int, bytes]], list[tuple[int, bytes]]]


def _other_page(pdf: bytes, content: int) -> bytes:
    """The page with another content."""
    return re.sub(rb"/Contents \d+ 0 R", b"/Contents %d 0 R" % content, body_of(pdf, 3))


def _packed_twice(pdf: bytes, order: Order, place: int) -> bytes:
    """The page stands twice in one object stream: as it was, and with another content."""
    container, content, own = (size_of(pdf) + each for each in range(3))
    pages = order((3, body_of(pdf, 3)), (3, _other_page(pdf, content)))
    objects = {container: object_stream(pages), content: OTHER}
    return streamed(pdf, objects, {3: (container, place)}, own)


for _name, _order in {
    "true_page_first": lambda true, other: [true, other],
    "true_page_last": lambda true, other: [other, true],
}.items():
    for _place in (0, 1):
        shadow(
            f"packed_twice_{_name}_listed_at_{_place}",
            Class.SHADOW_BOTH,
            page,
            lambda pdf, order=_order, place=_place: _packed_twice(pdf, order, place),  # type: ignore[misc]
            *BROKEN,
            only_after=True,
        )


def _packed_twice_in_a_letter(pdf: bytes) -> bytes:
    return _packed_twice(pdf, lambda true, other: [true, other], 0)


add(
    "packed_twice_in_a_letter_nobody_prepared",
    Class.ISA,
    lambda scene: _packed_twice_in_a_letter(scene.signed),
    *BROKEN,
)
add(
    "packed_twice_between",
    Class.ISA,
    lambda scene: scene.between(scene.letter, _packed_twice_in_a_letter),
    *BROKEN,
)


# tables


def _two_in_one() -> bytes:
    """Object 4 twice: the table lists the harmless one."""
    other = b"4 0 obj\n%s\nendobj\n" % OTHER
    return page(objects={10: b"<< /Note (x) >>\nendobj\n" + other + b"11 0 obj\n<< >>"})


def _both(pdf: bytes) -> tuple[int, int]:
    """Offsets of the content that was signed, and of the other one."""
    return pdf.index(b"4 0 obj\n<< /Length"), pdf.rindex(b"4 0 obj\n<< /Length")


def _rows(*rows: bytes, blanks: bytes = b"") -> Callable[[bytes], bytes]:
    """An update whose table has these rows for object 4; ``blanks`` make it one that is not read at once."""

    def later(pdf: bytes) -> bytes:
        true, other = _both(pdf)
        update = appended(pdf, {}, at={4: other})
        known = b"4 1\n%010d 00000 n \n" % other
        table = b"".join(b"4 1\n%s\n" % row.replace(b"TRUE", b"%010d" % true).replace(b"OTHER", b"%010d" % other)
                         for row in rows)  # fmt: skip
        return update.replace(b"xref\n" + known, b"xref\n" + blanks + table)

    return later


TRUE, WRONG, FREE = b"TRUE 00000 n ", b"OTHER 00000 n ", b"0000000000 00001 f "
for _name, _listed in {
    "other_first": (WRONG, TRUE),
    "other_last": (TRUE, WRONG),
    "free_first": (FREE, TRUE),
    "free_last": (TRUE, FREE),
    "other_in_the_middle": (TRUE, WRONG, TRUE),
}.items():
    shadow(f"listed_twice_{_name}", Class.SHADOW_BOTH, _two_in_one, _rows(*_listed), *BROKEN)
    shadow(
        f"listed_twice_{_name}_in_an_odd_table",
        Class.SHADOW_BOTH,
        _two_in_one,
        _rows(*_listed, blanks=b"\n"),
        *BROKEN,
    )


def _index_twice(pdf: bytes) -> bytes:
    """The ranges of a cross-reference stream overlap: object 4 is what was signed, and then the other content."""
    content, own = size_of(pdf), size_of(pdf) + 1
    update = streamed(pdf, {content: OTHER, 4: stream(text(b"Chi 5 trieu dong"))}, {}, own, index=[4, 4, content, own])
    at = update.rindex(b"stream\n", 0, update.rindex(b"endstream"))
    first = update[at + 7 : at + 13]
    other = b"\x01" + update.rindex(b"%d 0 obj" % content, 0, at).to_bytes(4, "big") + b"\0"
    return update.replace(first + first, first + other)


shadow("ranges_overlap", Class.SHADOW_BOTH, page, _index_twice, *BROKEN, only_after=True)


def _beside(row: bytes) -> Callable[[bytes], bytes]:
    """A hybrid update: the table lists the page that was signed, and the stream beside it something else.

    ``row``: kind and generation of the page in the stream.
    """

    def later(pdf: bytes) -> bytes:
        true = pdf.index(b"\n3 0 obj") + 1
        content, own = size_of(pdf), size_of(pdf) + 1
        out = pdf + b"%d 0 obj\n%s\nendobj\n" % (content, OTHER)
        other = len(out)
        out += b"3 0 obj\n%s\nendobj\n" % _other_page(pdf, content)
        start = len(out)
        rows = row[:1] + other.to_bytes(4, "big") + row[1:]
        entries = b"/Type /XRef /Size %d /W [1 4 1] /Index [3 1]" % (own + 1)
        out += b"%d 0 obj\n%s\nendobj\n" % (own, stream(rows, entries))
        at = {3: true, content: len(pdf), own: start}
        return appended(out, {}, at=at, more=b"/XRefStm %d" % start, previous=last_table(pdf))

    return later


for _name, _row in {"in_use": b"\x01\0", "free": b"\0\1", "packed": b"\2\0"}.items():
    shadow(f"page_in_both_tables_{_name}", Class.SHADOW_BOTH, page, _beside(_row), *BROKEN, only_after=True)
