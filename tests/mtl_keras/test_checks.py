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


@pytest.mark.parametrize("value", [1, 3, np.int32(2), np.uint8(3)])
def test_whole_numbers_in_range_become_ints(value):
    checked = checks.integer("depth", value, low=1, high=3)
    assert type(checked) is int
    assert checked == value


@pytest.mark.parametrize("value", [0, 4, 1.0, "2", None, True, [1]])
def test_other_than_whole_numbers_in_range_is_refused(value):
    with pytest.raises(ValueError) as error:
        checks.integer("depth", value, low=1, high=3)
    assert str(error.value) == (
        f"`depth` must be an integer from 1 to 3. Received: depth={value!r}"
    )


def test_half_open_ranges_of_integers_are_named():
    with pytest.raises(ValueError, match="of at least 2. Received"):
        checks.integer("folds", 1, low=2)
    with pytest.raises(ValueError, match="of at most 2. Received"):
        checks.integer("folds", 3, high=2)


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25)])
def test_fractions_become_floats(value):
    checked = checks.fraction("dropout", value, below_one=True)
    assert type(checked) is float
    assert checked == value


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, "0", True, float("nan")])
def test_other_than_a_fraction_below_one_is_refused(value):
    with pytest.raises(ValueError, match=r"must be a number in \[0, 1\)"):
        checks.fraction("dropout", value, below_one=True)
    if value == 1 and value is not True:
        assert checks.fraction("share", value) == 1.0


@pytest.mark.parametrize("value", [True, False, np.bool_(True)])
def test_booleans_pass(value):
    assert checks.boolean("monitor", value) is bool(value)


@pytest.mark.parametrize("value", [0, 1, "yes", None, [True]])
def test_other_than_booleans_is_refused(value):
    with pytest.raises(ValueError, match="must be True or False"):
        checks.boolean("monitor", value)


@pytest.mark.parametrize("value", ["text", "a2", "Aa0_"])
def test_names_as_of_variables_pass(value):
    assert checks.input_name("name", value, is_identifier=True) == value


@pytest.mark.parametrize("value", ["image", "left-eye", "2a", "a.b"])
def test_names_of_inputs_pass(value):
    assert checks.input_name("name", value) == value


@pytest.mark.parametrize("value", [3, "", None, "a b", "a/b", "größe", "self"])
def test_other_names_of_inputs_are_refused(value):
    with pytest.raises(ValueError, match="not 'self'") as error:
        checks.input_name("name", value)
    assert f"Received: name={value!r}" in str(error.value)


@pytest.mark.parametrize(
    "value", [3, "", None, "a b", "2a", "_a", "self", "größe", "a-b", ["x"]]
)
def test_other_names_are_refused(value):
    with pytest.raises(ValueError, match="a string of ASCII letters") as error:
        checks.input_name("name", value, is_identifier=True)
    assert f"Received: name={value!r}" in str(error.value)
