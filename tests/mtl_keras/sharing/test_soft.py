"""Soft sharing: its penalties, and their two limits."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import mtl_keras
from mtl_keras.sharing.soft import trace_norm
from tests.mtl_keras.sharing import cases


def _kernels(model, task):
    names = ("kernel",)
    variables = model.get_layer(f"{task}_trunk").trainable_variables
    return [ops.convert_to_numpy(v) for v in variables if v.name in names]


@pytest.mark.parametrize("norm", ["l2", "trace"])
def test_penalty_is_that_of_the_paper(norm):
    model = cases.build("soft", norm=norm, strength=0.3)
    received = sum(float(p) for p in model.sharing.penalties(model))
    expected = 0.0
    pairs = zip(_kernels(model, "a"), _kernels(model, "b"), strict=True)
    for first, second in pairs:
        if norm == "l2":
            # Of two, each is half their difference from the mean.
            expected += np.sum((first - second) ** 2) / 2
        else:
            rows = np.stack([first.ravel(), second.ravel()])
            expected += np.linalg.svd(rows, compute_uv=False).sum()
    assert received == pytest.approx(0.3 * expected, rel=1e-5)


def _gradient_of_trace_norm(rows):
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(trace_norm)(rows)
    import tensorflow as tf

    rows = tf.convert_to_tensor(rows)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        norm = trace_norm(rows)
    return tape.gradient(norm, rows)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gradient_of_the_trace_norm_is_that_of_the_decomposition(scale):
    rows = np.random.default_rng(0).normal(size=(3, 7)).astype("float32")
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    received = _gradient_of_trace_norm((scale * rows).astype("float32"))
    np.testing.assert_allclose(received, left @ right, atol=2e-4)


def test_gradient_is_finite_where_singular_values_are_equal_or_zero():
    for rows in (np.eye(3, 5), np.ones((3, 5)), np.zeros((3, 5))):
        gradient = _gradient_of_trace_norm(rows.astype("float32"))
        assert np.all(np.isfinite(gradient))


def test_a_strength_of_zero_trains_separate_models():
    soft = cases.build("soft", strength=0.0)
    assert soft.sharing.penalties(soft) == []
    before = soft.get_weights()
    cases.step(soft, "soft")
    x, labels = cases.data("soft", num_examples=8)
    alone = cases.build("soft", strength=0.0)
    alone.set_weights(before)
    only = {"a": labels["a"], "b": np.full(8, -1, "int32")}
    alone.compile(keras.optimizers.SGD(0.1))
    alone.fit(x, only, batch_size=8, shuffle=False, verbose=0)
    for ours, theirs in zip(
        _kernels(soft, "a"), _kernels(alone, "a"), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_penalty_pulls_the_trunks_together():
    def distance(strength):
        model = cases.build("soft", strength=strength)
        before = _kernels(model, "a")[0] - _kernels(model, "b")[0]
        cases.step(model, "soft")
        after = _kernels(model, "a")[0] - _kernels(model, "b")[0]
        return np.linalg.norm(after) / np.linalg.norm(before)

    # A step of 0.1 along -2 * 4 * (W - mean) takes 0.8 of the difference.
    assert distance(4.0) == pytest.approx(0.2, abs=0.05)
    assert distance(0.0) == pytest.approx(1.0, abs=0.05)


def test_trunks_start_alike_unless_told_otherwise():
    def trunks(**arguments):
        return mtl_keras.build(
            keras.Input((8,)),
            cases.tasks(),
            trunk=cases.stages(),
            sharing={"name": "soft", **arguments},
        )

    same, apart = trunks(), trunks(same_start=False)
    assert np.array_equal(_kernels(same, "a")[0], _kernels(same, "b")[0])
    assert not np.array_equal(_kernels(apart, "a")[0], _kernels(apart, "b")[0])


def test_trunks_that_do_not_match_are_refused():
    units = iter([3, 4])
    with pytest.raises(ValueError, match="The trunk of 'b' has the shapes"):
        mtl_keras.build(
            keras.Input((8,)),
            cases.tasks(),
            trunk=lambda x: layers.Dense(next(units))(x),
            sharing="soft",
        )


def test_one_task_has_no_penalty():
    model = mtl_keras.build(
        keras.Input((8,)),
        cases.tasks()[:1],
        trunk=cases.stages(),
        sharing="soft",
    )
    assert model.sharing.penalties(model) == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"norm": "l1"}, "Did you mean 'l2'"),
        ({"strength": -1}, "`strength` must be a finite number >= 0"),
        ({"same_start": 1}, "`same_start` must be True or False"),
    ],
)
def test_wrong_hyperparameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mtl_keras.sharing.get("soft", **arguments)
