"""Masks of one trunk's features for each task."""

import numpy as np
import pytest
from keras import layers, ops

from tests.mtl_keras.sharing import small


def conv(filters, strides=1, padding="same"):
    return lambda x: layers.Conv2D(filters, 3, strides, padding)(x)


def test_open_masks_leave_the_plain_trunk():
    model = small.build("mtan", batch_normalization=False)
    for task in ("a", "b"):
        for place in (0, 1):
            mask = model.get_layer(f"{task}_attention_{place}_mask")
            mask.bias.assign(np.full(mask.bias.shape, 50.0))
    x = small.inputs()
    features = x
    for place in (0, 1):
        features = model.get_layer(f"stage_{place}")(features)
    for task, output in small.predictions(model, x).items():
        expected = ops.convert_to_numpy(model.get_layer(task)(features))
        np.testing.assert_allclose(output, expected, atol=1e-5)


def test_closed_masks_leave_the_heads_bias():
    model = small.build("mtan", batch_normalization=False)
    mask = model.get_layer("b_attention_1_mask")
    mask.bias.assign(np.full(mask.bias.shape, -50.0))
    output = small.predictions(model, small.inputs())["b"]
    bias = model.get_layer("b").get_weights()[1]
    np.testing.assert_allclose(output, np.broadcast_to(bias, (5, 1)), atol=1e-6)


def test_transitions_follow_the_strides_of_the_stages():
    model = small.build(
        "mtan", trunk=[conv(4, 2), conv(6, 3)], shape=(12, 6, 2)
    )
    transition = model.get_layer("transition_1")
    assert transition.strides == (3, 3)
    # One for both tasks.
    assert transition.kernel.shape == (3, 3, 4, 6)
    assert model(small.inputs(2, (12, 6, 2)))["a"].shape == (2, 1)


def test_parameters_are_those_counted_by_hand():
    model = small.build("mtan", batch_normalization=False)
    trunk = 8 * 6 + 6 + 6 * 4 + 4
    masks = (6 * 6 + 6) * 2 + (8 * 4 + 4) + (4 * 4 + 4)
    expected = trunk + (6 * 4 + 4) + 2 * (masks + 5)
    assert small.num_weights(model) == expected


def test_stages_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="whole factor"):
        small.build(
            "mtan", trunk=[conv(4), conv(4, padding="valid")], shape=(9, 9, 1)
        )
    with pytest.raises(ValueError, match="of one rank"):
        small.build(
            "mtan",
            trunk=[conv(4), lambda x: layers.GlobalAveragePooling2D()(x)],
            shape=(6, 6, 1),
        )
