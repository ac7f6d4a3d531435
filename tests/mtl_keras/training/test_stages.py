"""Stages of a recipe: what is trained, how fast, and resuming within one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import MultiTaskModel, data, training
from mtl_keras.training import stages
from tests import test_case as case

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.data feeds TensorFlow"
)
X, LABELS = case.vector_data(48)
CONFIG = {
    "model": "vector",
    "epochs": 4,
    "batch_size": 16,
    "seed": 3,
    "optimizer": {"name": "adamw", "learning_rate": 0.01},
    "jit_compile": False,
}
STAGES = [
    {"epochs": 2, "trainable": "none"},
    {"trainable": "all", "schedule": "cosine", "trunk_learning_rate": 0.002},
]


def built(seed=3):
    """A trunk with normalization and dropout."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input((8,), name="x")
    trunk = layers.Dense(16, "tanh", name="trunk")(inputs)
    trunk = layers.BatchNormalization(name="norm")(trunk)
    trunk = layers.Dropout(0.3, name="dropout")(trunk)
    outputs = {
        "cls": layers.Dense(3, "softmax", name="cls")(trunk),
        "det": layers.Dense(1, "sigmoid", name="det")(trunk),
        "box": layers.Dense(4, "sigmoid", name="box")(trunk),
    }
    return MultiTaskModel(inputs, outputs, tasks=case.TASKS)


EXAMPLES = tf.data.Dataset.from_tensor_slices((X, LABELS))


def epoch(number):
    return data.pipeline(
        EXAMPLES, case.TASKS, batch_size=16, training=True, epoch=number
    )


def train(workdir, until=None, callbacks=(), **fields):
    model = built()
    config = {**CONFIG, "stages": STAGES, **fields}
    datasets = {"train": epoch}
    training.train(model, datasets, config, workdir, callbacks, until=until)
    return model


def values(model):
    return {
        v.path: keras.ops.convert_to_numpy(v.value)
        for v in model.variables
        if "seed_generator" not in v.path
    }


class Remember(keras.callbacks.Callback):
    """Keeps the variables after each epoch."""

    def __init__(self):
        super().__init__()
        self.after = []

    def on_epoch_end(self, epoch, logs=None):
        self.after.append(values(self.model))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The workdir, the model, and its variables after each epoch."""
    workdir, remember = tmp_path_factory.mktemp("run"), Remember()
    return workdir, train(workdir, callbacks=[remember]), remember.after


def assert_equal(received, expected):
    assert received.keys() == expected.keys()
    for path, value in expected.items():
        np.testing.assert_array_equal(received[path], value, err_msg=path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pause",
    [
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(2, marks=pytest.mark.slow),
        3,
    ],
)
def test_resumed_run_ends_bitwise_like_an_undisturbed_one(pause, run, tmp_path):
    train(tmp_path, pause)
    assert_equal(values(train(tmp_path)), run[2][-1])


@pytest.mark.slow
def test_frozen_trunk_keeps_weights_and_statistics(run):
    start, (_, frozen, unfrozen, _) = values(built()), run[2]
    assert any("moving_mean" in path for path in start)
    for path, value in start.items():
        is_trunk = path.startswith(("trunk/", "norm/"))
        assert np.array_equal(value, frozen[path]) == is_trunk, path
        assert not np.array_equal(value, unfrozen[path]), path


def test_each_stage_has_its_own_schedule_and_parts(run):
    workdir, model, _ = run
    parts = model.optimizer.parts
    assert list(parts) == ["trunk", "heads"]
    # Two epochs of three steps.
    schedule = parts["trunk"].get_config()["learning_rate"]["config"]
    assert schedule["decay_steps"] == 6
    assert schedule["initial_learning_rate"] == 0.002
    assert int(model.optimizer.iterations) == 6
    log = (workdir / "run.log").read_text()
    # Of the heads: 16 numbers and a bias for each of 3 + 1 + 4 outputs.
    assert "stage 1 of 2, trainable='none': 136 parameters" in log
    # 8 * 16 + 16 and two vectors of 16 more.
    assert "stage 2 of 2, trainable='all': 312 parameters" in log
    assert "epoch 2/4" in log


@pytest.mark.slow
def test_best_epoch_of_an_earlier_stage_is_kept(tmp_path):
    remember = Remember()
    model = train(
        tmp_path,
        callbacks=[remember],
        stages=[{"epochs": 1}, {"epochs": 1, "learning_rate": 5.0}],
        epochs=2,
        monitor="loss",
    )
    first, second = remember.after
    assert not np.array_equal(first["cls/bias"], second["cls/bias"])
    assert_equal(values(model), first)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("none", "sequence of dicts"),
        ([], "sequence of dicts"),
        ([{"epoch": 4}], "unknown field 'epoch'.*mean 'epochs'"),
        ([{"epochs": 4, "trainable": "head"}], r"stages\[0\].trainable"),
        ([{"epochs": 0}], r"stages\[0\].epochs"),
        ([{}, {"epochs": 4}], r"stages\[0\].epochs"),
        ([{"epochs": 3}, {"epochs": 3}], "`config.epochs` is 4.* have 6"),
        ([{"epochs": 4}, {}], "an epoch for the last one"),
        ([{"epochs": 2}, {"schedule": "cosin"}], "mean 'cosine'"),
        ([{"epochs": 2}, {"learning_rate": -1}], "learning_rate"),
        ([{"trainable": "lora"}], "overrides.trainable=lora"),
    ],
)
def test_wrong_stages_are_an_error_before_training(wrong, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(tmp_path / "run", stages=wrong)
    assert not (tmp_path / "run").exists()


def test_model_without_a_trunk_is_an_error():
    inputs = keras.Input((8,))
    outputs = {
        "cls": keras.layers.Dense(3, "softmax")(inputs),
        "det": keras.layers.Dense(1, "sigmoid")(inputs),
    }
    tasks = [task for task in case.TASKS if task.name in outputs]
    model = MultiTaskModel(inputs, outputs, tasks=tasks)
    with pytest.raises(ValueError, match="no trunk that a stage could freeze"):
        stages.adapt(model, "none")


def test_policy_of_another_model_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="set_dtype_policy"):
        train(tmp_path / "run", dtype_policy="mixed_bfloat16")
