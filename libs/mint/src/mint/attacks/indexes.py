"""Numbers that an index of the file lists twice, so that two readers take different objects for one.

A file has four kinds of index: the rows of a classic table, those of a cross-reference stream, the two tables of a
hybrid file, and the header of an object stream. The attacker needs no key: he appends an update in which one reader
sees what was signed, and another one something else.
"""

import re
from collections.abc import Callable

from common.domain.reason import Reason
from mint.attacks.raw import body_of, object_stream, page, size_of, stream, streamed, text
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
            lambda pdf, order=_order, place=_place: _packed_twice(pdf, order, place),
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
