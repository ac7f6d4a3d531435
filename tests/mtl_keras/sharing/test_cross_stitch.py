"""Linear combinations of the tasks' features after each stage."""

import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import sharing
from tests.mtl_keras.sharing import small


def _alone(model, task, x):
    """A task's own stages and head, as if it were alone."""
    features = x
    for place in (0, 1):
        features = model.get_layer(f"{task}_stage_{place}")(features)
    return ops.convert_to_numpy(model.get_layer(task)(features))


@pytest.mark.parametrize("per", ["channel", "map"])
def test_identity_equals_separate_trunks(per):
    model = small.build("cross_stitch", per=per, own=1.0)
    x = small.inputs()
    for task, output in small.predictions(model, x).items():
        np.testing.assert_allclose(output, _alone(model, task, x), atol=1e-6)
    near = small.build("cross_stitch", per=per)
    difference = small.predictions(near, x)["a"] - _alone(near, "a", x)
    assert np.abs(difference).max() > 1e-3


def test_start_is_near_the_identity():
    model = small.build("cross_stitch", tasks=("a", "b", "c"))
    (alpha,) = model.get_layer("b_stitch_1").get_weights()
    expected = np.repeat([[0.05], [0.9], [0.05]], 4, axis=1)
    np.testing.assert_allclose(alpha, expected, atol=1e-7)


def test_a_unit_weighs_each_channel_of_maps():
    def stage(x):
        return layers.Conv2D(3, 3, padding="same")(x)

    model = small.build("cross_stitch", trunk=[stage, stage], shape=(4, 4, 2))
    unit = model.get_layer("a_stitch_0")
    unit.alpha.assign([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    a, b = (np.random.rand(2, 4, 4, 3).astype("float32") for _ in range(2))
    mixed = ops.convert_to_numpy(unit([a, b]))
    expected = np.stack([a[..., 0], 3 * b[..., 1], 2 * a[..., 2]], axis=-1)
    np.testing.assert_allclose(mixed, expected, atol=1e-6)


def test_one_task_is_the_plain_trunk():
    model = small.build("cross_stitch", tasks=("a",))
    assert small.num_weights(model) == 8 * 6 + 6 + 6 * 4 + 4 + 5
    x = small.inputs()
    np.testing.assert_allclose(
        small.predictions(model, x)["a"], _alone(model, "a", x), atol=1e-6
    )


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="'channel' or 'map'"):
        sharing.get("cross_stitch", per="unit")
    with pytest.raises(ValueError, match="own"):
        sharing.get("cross_stitch", own=1.5)
    with pytest.raises(ValueError, match="returns one tensor"):
        small.build("cross_stitch", trunk=lambda x: [x, x])
