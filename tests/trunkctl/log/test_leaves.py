"""Leaves in a file answer as a dict does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from common.tlog.audit import Leaves
from trunkctl.log.leaves import LeafTable


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=1)), st.binary(min_size=1, max_size=1))
def test_leaves_in_a_file_answer_as_a_dict_does(leaves: list[bytes], other: bytes) -> None:
    tables: list[Leaves] = [{}, LeafTable()]
    answers = [
        (
            [table.setdefault(leaf, place) for place, leaf in enumerate(leaves)],
            [table.get(leaf) for leaf in (*leaves, other)],
            [*table.values()],
        )
        for table in tables
    ]
    assert answers[0] == answers[1]
