"""Fusing layers of the tasks' features."""

import numpy as np
import pytest
from keras import ops

from mtl_keras import sharing
from tests.mtl_keras.sharing import small


def test_start_is_near_each_tasks_own_features():
    model = small.build("nddr", tasks=("a", "b", "c"))
    (kernel,) = model.get_layer("b_nddr_1").get_weights()
    identity = np.eye(4)
    expected = np.concatenate(
        [0.05 * identity, 0.9 * identity, 0.05 * identity]
    )
    np.testing.assert_allclose(kernel, expected, atol=1e-7)


def test_identity_equals_separate_trunks():
    model = small.build(
        "nddr", own=1.0, batch_normalization=False, activation=None
    )
    x = small.inputs()
    features = x
    for place in (0, 1):
        features = model.get_layer(f"a_stage_{place}")(features)
    expected = ops.convert_to_numpy(model.get_layer("a")(features))
    np.testing.assert_allclose(
        small.predictions(model, x)["a"], expected, atol=1e-6
    )


def test_one_task_is_the_plain_trunk():
    model = small.build("nddr", tasks=("a",))
    assert small.num_weights(model) == 8 * 6 + 6 + 6 * 4 + 4 + 5


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="activation"):
        sharing.get("nddr", activation=3)
    with pytest.raises(ValueError, match="True or False"):
        sharing.get("nddr", batch_normalization="yes")
