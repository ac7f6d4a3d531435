"""Labels: missing, filled, illegal, against NumPy; arrays and tensors agree."""

import numpy as np
import pytest

from mtl_keras import LabelSpec
from tests.test_case import to_numpy

CLASSES = LabelSpec(dtype="int32", missing=-1, minimum=0, maximum=2)
MASK = LabelSpec(shape=(2,), dtype="int32", missing=255, minimum=0, maximum=2)
NUMBER = LabelSpec()
BOX = LabelSpec(shape=(4,), minimum=0, maximum=1, rule="box_xyxy")
ONE_HOT = LabelSpec(
    shape=(3,), missing=-1, minimum=0, maximum=1, rule="one_hot"
)
NAN = np.nan

# Spec, labels, which are present, which of these are illegal.
CASES = {
    "int32 classes": (
        CLASSES,
        np.array([0, 2, -1, 3, -2], "int32"),
        [1, 1, 0, 1, 1],
        [0, 0, 0, 1, 1],
    ),
    "int64 classes": (CLASSES, np.array([1, -1]), [1, 0], [0, 0]),
    "float classes": (
        CLASSES,
        np.array([0, -1, NAN, 1.5, 3, np.inf], "float32"),
        [1, 0, 0, 1, 1, 1],
        [0, 0, 0, 1, 1, 1],
    ),
    "uint8 classes": (
        CLASSES,
        np.array([0, 2, 255], "uint8"),
        [1, 1, 1],
        [0, 0, 1],
    ),
    "bool classes": (CLASSES, np.array([True, False]), [1, 1], [0, 0]),
    "uint8 masks": (
        MASK,
        np.array([[0, 255], [255, 255], [2, 3]], "uint8"),
        [[1, 0], [0, 0], [1, 1]],
        [[0, 0], [0, 0], [0, 1]],
    ),
    "numbers": (
        NUMBER,
        np.array([-1e9, NAN, np.inf], "float32"),
        [1, 0, 1],
        [0, 0, 1],
    ),
    "int numbers": (NUMBER, np.array([-1, 7]), [1, 1], [0, 0]),
    "times and events": (
        LabelSpec(shape=(2,), minimum=0, rule="time_event"),
        np.array(
            [[0, 0], [9.5, 1], [NAN, 1], [3, NAN], [-1, 1], [3, 0.5], [3, 2]],
            "float32",
        ),
        [[1, 1], [1, 1], [0, 0], [0, 0], [1, 1], [1, 1], [1, 1]],
        [[0, 0], [0, 0], [0, 0], [0, 0], [1, 1], [1, 1], [1, 1]],
    ),
    "boxes": (
        BOX,
        np.array(
            [
                [0, 0, 1, 1],
                [0.5, 0.5, 0.5, 0.5],
                [NAN, 0, 1, 1],
                [NAN] * 4,
                [0, 0, 1.5, 1],
                [0.5, 0, 0.25, 1],
                [-0.5, NAN, 9, 9],
            ],
            "float32",
        ),
        np.repeat([[1], [1], [0], [0], [1], [1], [0]], 4, axis=1),
        np.repeat([[0], [0], [0], [0], [1], [1], [0]], 4, axis=1),
    ),
    "one-hot": (
        ONE_HOT,
        np.array([[0, 1, 0], [-1, -1, -1], [NAN, 0, 1], [0, 2, 0]], "float32"),
        np.repeat([[1], [0], [0], [1]], 3, axis=1),
        np.repeat([[0], [0], [0], [1]], 3, axis=1),
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_present_and_invalid(what):
    spec, label, present, invalid = CASES[what]
    np.testing.assert_array_equal(
        to_numpy(spec.present(label)), np.array(present, bool)
    )
    np.testing.assert_array_equal(
        to_numpy(spec.invalid(label)), np.array(invalid, bool)
    )


@pytest.mark.parametrize("what", CASES)
def test_fill_keeps_what_is_present_and_is_legal_elsewhere(what):
    spec, label, present, _ = CASES[what]
    present = np.array(present, bool)
    filled = to_numpy(spec.fill(label))
    assert filled.shape == label.shape
    np.testing.assert_array_equal(
        filled[present], label[present].astype(filled.dtype)
    )
    assert np.isfinite(filled[~present]).all()
    replaced = spec.fill(np.full_like(label, spec.fill(label)[:1] * 0))
    assert not to_numpy(spec.invalid(replaced)).any()
    only = np.where(present, filled.flat[0], filled)
    if spec.rule is None:
        assert not to_numpy(spec.invalid(only.astype(filled.dtype))).any()


@pytest.mark.parametrize("what", CASES)
def test_check_of_an_array_agrees_with_the_compiled_check(what):
    spec, label, _, invalid = CASES[what]
    for index in range(len(label)):
        one = label[index : index + 1]
        if np.array(invalid)[index].any():
            with pytest.raises(ValueError, match="'a' expects.*example 0"):
                spec.check_array("a", one)
        else:
            spec.check_array("a", one)


def test_the_first_illegal_label_is_named():
    label = np.array([0, -1, 3, 1, 9], "int32")
    words = "from 0 to 9, dtype int32.*example 2: 3"
    with pytest.raises(ValueError, match=words):
        CLASSES.check_array("a", label)


def test_a_missing_box_is_filled_with_the_whole_image():
    filled = BOX.fill(np.array([[NAN, 0.5, 0.5, 0.5]], "float32"))
    np.testing.assert_array_equal(to_numpy(filled), [[0, 0, 1, 1]])


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected"),
    [(None, None, 0), (2, 5, 2), (-5, -2, -2), (-1, 1, 0)],
)
def test_fill_is_within_the_range(minimum, maximum, expected):
    spec = LabelSpec(minimum=minimum, maximum=maximum)
    filled = to_numpy(spec.fill(np.array([NAN], "float32")))
    assert filled == [expected]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_every_floating_type(dtype):
    import ml_dtypes

    dtype = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    label = np.array([0, 2, NAN, 3], "float32").astype(dtype)
    np.testing.assert_array_equal(
        to_numpy(CLASSES.present(label)), [True, True, False, True]
    )
    np.testing.assert_array_equal(
        to_numpy(CLASSES.invalid(label)), [False, False, False, True]
    )
    CLASSES.check_array("a", label[:3])
    with pytest.raises(ValueError, match="example 3"):
        CLASSES.check_array("a", label)


@pytest.mark.parametrize(
    ("spec", "shape", "fits"),
    [
        (CLASSES, (7,), True),
        (CLASSES, (7, 1), True),
        (CLASSES, (None,), True),
        (CLASSES, (7, 2), False),
        (CLASSES, (), False),
        (LabelSpec(shape=(1,)), (7,), True),
        (LabelSpec(shape=(1,)), (7, 1), True),
        (BOX, (7, 4), True),
        (BOX, (None, None), True),
        (BOX, (7, 3), False),
        (BOX, (4,), False),
        (LabelSpec(shape=(None, 2)), (7, 9, 2), True),
        (LabelSpec(shape=(None, 2)), (7, 9, 3), False),
    ],
)
def test_shapes(spec, shape, fits):
    if fits:
        spec.check_shape("a", shape)
    else:
        with pytest.raises(ValueError, match="'a' expects labels of shape"):
            spec.check_shape("a", shape)


def test_a_box_without_bounds_has_a_message():
    spec = LabelSpec(shape=(4,), rule="box_xyxy")
    assert "[-inf, inf]" in spec.range_message("a")


def test_many_classes_are_written_out():
    spec = LabelSpec(dtype="int32", missing=-1, minimum=0, maximum=1234566)
    assert "[0, 1234567)" in spec.range_message("a")


@pytest.mark.parametrize("spec", [CLASSES, MASK, NUMBER, BOX, ONE_HOT])
def test_config_round_trip(spec):
    import json

    config = json.loads(json.dumps(spec.get_config()))
    assert LabelSpec(**config) == spec
