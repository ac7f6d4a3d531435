"""Kernels drawn anew, part by part."""

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import MultiTaskModel
from tests import test_case as case


def drawn(**options):
    model = case.vector_model(hidden=256)
    mtl_keras.initialize(model, **options)
    return case.weights_of(model)


def test_trunk_alone_is_drawn_anew():
    before = case.weights_of(case.vector_model(hidden=256))
    after = drawn(trunk="he_normal")
    changed = [k for k in before if not np.array_equal(before[k], after[k])]
    assert changed == ["trunk/kernel"]
    # He et al. (2015): the variance is 2 / fan_in.
    assert abs(after["trunk/kernel"].var() / (2 / 8) - 1) < 0.1


def test_heads_all_alike_or_one_by_one():
    after = drawn(heads="zeros")
    assert all(not after[f"{n}/kernel"].any() for n in ("cls", "det", "box"))
    assert after["trunk/kernel"].any()
    before = case.weights_of(case.vector_model(hidden=256))
    after = drawn(heads={"box": "ones", "det": None})
    assert (after["box/kernel"] == 1).all()
    for path in ("cls/kernel", "det/kernel", "trunk/kernel", "box/bias"):
        np.testing.assert_array_equal(after[path], before[path])


def test_same_seed_same_kernels_whatever_the_other_parts():
    one = drawn(trunk="he_normal", heads="glorot_uniform", seed=3)
    two = drawn(trunk="he_normal", seed=3)
    three = drawn(trunk="he_normal", heads={"box": "glorot_uniform"}, seed=3)
    other = drawn(trunk="he_normal", heads="glorot_uniform", seed=4)
    np.testing.assert_array_equal(one["trunk/kernel"], two["trunk/kernel"])
    np.testing.assert_array_equal(one["box/kernel"], three["box/kernel"])
    for path in ("trunk/kernel", "box/kernel"):
        assert not np.array_equal(one[path], other[path])


def test_kernels_of_one_shape_differ():
    inputs = keras.Input((6,))
    hidden = inputs
    for index in range(2):
        hidden = keras.layers.Dense(6, name=f"t{index}")(hidden)
    model = MultiTaskModel(
        inputs, {n: keras.layers.Dense(1, name=n)(hidden) for n in "ab"}
    )
    mtl_keras.initialize(
        model, trunk=keras.initializers.HeNormal(seed=1), heads="he_normal"
    )
    weights = case.weights_of(model)
    for one, two in (("t0", "t1"), ("a", "b")):
        assert not np.array_equal(
            weights[f"{one}/kernel"], weights[f"{two}/kernel"]
        )


def test_errors():
    with pytest.raises(ValueError, match="'bx'.*Did you mean 'box'"):
        drawn(heads={"bx": "zeros"})
    with pytest.raises(ValueError, match="`trunk`.*Did you mean 'he_normal'"):
        drawn(trunk="henormal")
    inputs = keras.Input((8,))
    output = keras.layers.Dense(1, name="a")(inputs)
    with pytest.raises(ValueError, match="share no kernel"):
        mtl_keras.initialize(
            MultiTaskModel(inputs, {"a": output}), trunk="zeros"
        )
