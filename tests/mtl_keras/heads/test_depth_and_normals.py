"""The heads of depths and of surface normals."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task
from tests.test_case import assert_close, to_numpy

TASKS = (Task("depth", "depth"), Task("normals", "normals"))


def dense_model(shape=(4, 5, 6), **options):
    keras.utils.set_random_seed(0)
    features = keras.Input(shape, name="features")
    shared = keras.layers.Dense(shape[-1], name="shared")(features)
    outputs = {t.name: t.head.build(shared, t, **options) for t in TASKS}
    return MultiTaskModel(features, outputs, tasks=TASKS)


def features_of(scale=1.0, batch=3):
    rng = np.random.default_rng(0)
    return (scale * rng.normal(size=(batch, 4, 5, 6))).astype("float32")


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_depths_are_at_least_0_and_normals_of_length_1(scale):
    model = dense_model(size=(8, 9), dropout=0.5)
    outputs = model.predict(features_of(scale), verbose=0)
    assert outputs["depth"].shape == (3, 8, 9, 1)
    assert outputs["normals"].shape == (3, 8, 9, 3)
    assert np.isfinite(outputs["depth"]).all() and outputs["depth"].min() >= 0
    assert np.isfinite(outputs["normals"]).all()
    if scale:
        length = np.linalg.norm(outputs["normals"], axis=-1)
        assert_close(length, np.ones((3, 8, 9)), rtol=1e-5)


@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_pixels_without_a_label_do_not_count(jit_compile):
    rng = np.random.default_rng(1)
    depth = rng.uniform(1, 5, (3, 4, 5)).astype("f4")
    depth[0] = 0
    depth[1, :2] = np.nan
    normals = rng.normal(size=(3, 4, 5, 3)).astype("f4")
    # A direction that is missing in part is missing.
    normals[1, 0, :, 2] = np.nan
    model = dense_model(hidden=4)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
    x = features_of()
    outputs = model.predict(x, verbose=0)
    before = [to_numpy(v) for v in model.trainable_variables]
    labels = {"depth": depth, "normals": normals}
    logs = model.fit(x, labels, verbose=0).history
    is_known = np.nan_to_num(depth) > 0
    error = np.abs(outputs["depth"][..., 0] - depth)[is_known]
    assert_close(logs["depth_loss"][0], error.mean(), rtol=1e-5)
    assert_close(logs["depth_mae"][0], error.mean(), rtol=1e-5)
    relative = (error / depth[is_known]).mean()
    assert_close(logs["depth_abs_rel"][0], relative, rtol=1e-5)
    is_known = np.isfinite(normals).all(axis=-1)
    unit = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    angles = np.arccos((unit * outputs["normals"]).sum(axis=-1))[is_known]
    assert_close(logs["normals_loss"][0], angles.mean(), rtol=1e-4)
    angles = np.degrees(angles)
    assert_close(logs["normals_angular_error"][0], angles.mean(), rtol=1e-4)
    for name, limit in (("11", 11.25), ("22", 22.5), ("30", 30)):
        fraction = (angles < limit).mean()
        assert_close(logs[f"normals_within_{name}"][0], fraction, atol=1e-6)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.abs(to_numpy(variable) - old).max() > 0, variable.path


def test_gradient_is_finite_where_the_scores_are_0():
    # Of features of 0, as behind units that are off.
    features = keras.Input((2, 2, 3), name="features")
    task = Task("normals", "normals", metrics=())
    outputs = {"normals": task.head.build(features, task)}
    model = MultiTaskModel(features, outputs, tasks=[task])
    model.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    labels = {"normals": np.ones((3, 2, 2, 3), "f4")}
    model.fit(np.zeros((3, 2, 2, 3), "f4"), labels, verbose=0)
    for variable in model.trainable_variables:
        assert np.isfinite(to_numpy(variable)).all(), variable.path


def test_negative_depth_is_refused():
    model = dense_model()
    model.compile("sgd")
    labels = {
        "depth": np.full((3, 4, 5), -1.0, "f4"),
        "normals": np.ones((3, 4, 5, 3), "f4"),
    }
    with pytest.raises(ValueError, match="depth"):
        model.fit(features_of(), labels, verbose=0)


def test_reloaded_heads_give_the_same_outputs(tmp_path):
    model = dense_model(size=(7, 13), hidden=4)
    model.save(tmp_path / "heads.keras")
    again = keras.saving.load_model(tmp_path / "heads.keras")
    expected = model.predict(features_of(), verbose=0)
    received = again.predict(features_of(), verbose=0)
    for name, value in expected.items():
        assert_close(received[name], value)
    assert list(again.tasks.values()) == list(TASKS)


@pytest.mark.parametrize("kind", ["depth", "normals"])
def test_features_without_places_are_refused(kind):
    task = Task("a", kind)
    with pytest.raises(ValueError, match=f"kind '{kind}' needs a feature map"):
        task.head.build(keras.Input((6,)), task)
