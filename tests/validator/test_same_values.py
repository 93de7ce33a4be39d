"""Which values an update may write for others: the same ones, and numbers in another form where that means nothing."""

import pytest

from validator.diff.plain_entries import same, same_except
from validator.pdf.values import Ref, Value


@pytest.mark.parametrize(
    ("before", "now", "is_same"),
    [
        (8, 8, True),
        ("8.0", "8.00", True),
        ("-.5", "-0.5", True),
        (8, "8.0", False),
        ([8], ["8.0"], False),
        ({"/Width": 8}, {"/Width": "8.0"}, False),
        ({"/Index": [0, 8]}, {"/Index": [0, "8.0"]}, False),
        ({"/Rect": [0, 0, 8, 9]}, {"/Rect": ["0.0", "0", "8.0", 9]}, True),
        ({"/A": [{"/Matrix": [1, 0, 0, 1, 0, 0]}]}, {"/A": [{"/Matrix": ["1.0", 0, 0, 1, 0, 0]}]}, True),
        ({"/Rect": [0, 0, 8, 9]}, {"/Rect": [0, 0, 8]}, False),
        ({"/Rect": [0, 0, 8, 9]}, {"/Rect": [0, 0, 8, "9.1"]}, False),
        ({"/Rect": 8}, {"/Rect": "8.0"}, False),
        (Ref(8, 0), [8, 0], False),
        ("/8", "8.0", False),
        ("true", "true", True),
    ],
)
def test_same(before: Value, now: Value, is_same: bool) -> None:
    assert same(before, now) is is_same
    assert same(now, before) is is_same
    if isinstance(before, dict) and isinstance(now, dict):
        assert same_except(before, now, ()) is is_same
