"""Subspaces of the tasks' features, and mixtures of stages."""

import numpy as np
import pytest
from keras import ops

from mtl_keras import sharing
from mtl_keras.sharing.layers.sluice_unit import (
    SluiceUnit,
    SubspaceOrthogonality,
)
from tests.mtl_keras.sharing import small


def test_a_unit_mixes_subspaces_of_all_tasks():
    a, b = (small.inputs(3, (4,)), small.inputs(3, (4,)) * 2)
    unit = SluiceUnit(0, 2, 0.9)
    unit([a, b])
    alpha = np.random.default_rng(1).normal(size=(2, 2, 2)).astype("float32")
    unit.alpha.assign(alpha)
    halves = [a[:, :2], a[:, 2:]], [b[:, :2], b[:, 2:]]
    expected = np.concatenate(
        [
            sum(
                alpha[task, g, h] * halves[task][h]
                for task in (0, 1)
                for h in (0, 1)
            )
            for g in (0, 1)
        ],
        axis=1,
    )
    received = ops.convert_to_numpy(unit([a, b]))
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_identity_equals_separate_trunks():
    model = small.build("sluice", own=1.0, last=1.0)
    x = small.inputs()
    features = x
    for place in (0, 1):
        features = model.get_layer(f"b_stage_{place}")(features)
    expected = ops.convert_to_numpy(model.get_layer("b")(features))
    np.testing.assert_allclose(
        small.predictions(model, x)["b"], expected, atol=1e-6
    )


def test_weights_start_biased_to_oneself_and_to_the_last_stage():
    model = small.build("sluice", trunk=small.dense_stages(4, 4, 4))
    (alpha,) = model.get_layer("b_sluice_0").get_weights()
    assert alpha.sum(axis=(0, 2)) == pytest.approx(1.0)
    np.testing.assert_allclose(np.diag(alpha[1]), 0.9)
    (beta,) = model.get_layer("a_stages").get_weights()
    np.testing.assert_allclose(beta, [0.05, 0.05, 0.9], atol=1e-7)


def test_parameters_are_those_counted_by_hand():
    model = small.build("sluice", trunk=small.dense_stages(4, 4))
    trunk = 8 * 4 + 4 + 4 * 4 + 4
    # Two units of 2 x 2 x 2 a stage, and two stages to mix.
    assert small.num_weights(model) == 2 * (trunk + 2 * 8 + 2 + 5)


def test_orthogonality_is_zero_for_orthogonal_subspaces_and_one_for_equal():
    column = np.array([[1.0], [2.0], [0.0]], "float32")
    other = np.array([[2.0], [-1.0], [5.0]], "float32")
    for second, expected in ((other, 0.0), (column, 1.0), (3 * column, 1.0)):
        layer = SubspaceOrthogonality(2, 0.5)
        layer(np.concatenate([column, second], axis=1), training=True)
        assert float(layer.losses[0]) == pytest.approx(0.5 * expected, abs=1e-6)
        layer = SubspaceOrthogonality(2, 0.5)
        layer(np.concatenate([column, second], axis=1))
        assert not layer.losses


def test_orthogonality_reaches_the_loss():
    model = small.build("sluice", orthogonality=0.5)
    model(small.inputs(), training=True)
    assert len(model.losses) == 2 * 2
    assert all(0 < float(loss) < 0.5 for loss in model.losses)


def test_subspaces_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match="must divide the channels"):
        small.build("sluice", num_subspaces=3)
    with pytest.raises(ValueError, match="at least 1"):
        sharing.get("sluice", num_subspaces=0)
