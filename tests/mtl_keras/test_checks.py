import numpy as np
import pytest

from mtl_keras import checks


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_numbers_in_range_become_floats(value):
    checked = checks.number("share", value, low=0, high=1)
    assert type(checked) is float
    assert checked == value


@pytest.mark.parametrize(
    "value", [-1, 2, "1", None, True, [1], float("nan"), float("inf")]
)
def test_anything_else_is_refused(value):
    with pytest.raises(ValueError) as error:
        checks.number("share", value, low=0, high=1)
    assert str(error.value) == (
        "`share` must be a finite number >= 0 and <= 1. "
        f"Received: share={value!r}"
    )


def test_open_bounds_exclude_themselves():
    for value in (0, 1):
        with pytest.raises(ValueError, match="> 0 and < 1"):
            checks.number("share", value, above=0, below=1)
