"""Texts of errors and logs."""

import pytest

from mtl_keras import messages


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 epochs"), (1, "1 epoch"), (2000, "2,000 epochs")],
)
def test_numbers_have_the_right_noun(number, expected):
    assert messages.counted(number, "epoch") == expected
