"""Generators and `PyDataset`s may leave tasks out, as arrays may."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task
from tests import test_case as case

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype("float32")
Y = X.sum(1)
CLASSES = RNG.integers(0, 3, 12)
# Three batches: both tasks, one, the other.
BATCHES = (
    (X[:4], {"t": Y[:4, None], "c": CLASSES[:4]}),
    (X[4:8], {"t": Y[4:8]}),
    (X[8:], {"c": [1.0, None, 2.0, 0.0], "t": None}),
)


def compiled(**options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {
        "t": keras.layers.Dense(1, name="t")(trunk),
        "c": keras.layers.Dense(3, "softmax", name="c")(trunk),
    }
    tasks = [Task("c", "classification", num_classes=3)]
    model = MultiTaskModel(inputs, outputs, tasks=tasks)
    model.compile("sgd", {"t": "mse"}, metrics={"t": ["mae"]}, **options)
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, batches, **options):
        super().__init__(**options)
        self._batches = batches
        self.num_epochs = 0

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        return self._batches[index]

    def on_epoch_end(self):
        self.num_epochs += 1


SOURCES = {
    "generator": lambda batches: (batch for batch in batches),
    "PyDataset": Batches,
    "PyDataset with workers": lambda b: Batches(b, workers=2),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_task_left_out_of_a_batch_is_missing_there(source):
    model = compiled()
    logs = model.evaluate(SOURCES[source](BATCHES), verbose=0, return_dict=True)
    outputs = model.predict(X, verbose=0)
    errors = outputs["t"][:8, 0] - Y[:8]
    np.testing.assert_allclose(logs["t_loss"], np.mean(errors**2), rtol=1e-5)
    np.testing.assert_allclose(logs["t_mae"], np.abs(errors).mean(), rtol=1e-5)
    labels = np.concatenate([CLASSES[:4], [1, 2, 0]])
    chosen = outputs["c"][[0, 1, 2, 3, 8, 10, 11], labels]
    np.testing.assert_allclose(
        logs["c_loss"], -np.log(chosen).mean(), rtol=1e-5
    )


def test_training_on_a_stream_equals_training_on_each_batch():
    one, other = compiled(), compiled()
    data = Batches(BATCHES)
    one.fit(data, validation_data=Batches(BATCHES), shuffle=False, verbose=0)
    assert data.num_epochs > 0
    for x, y in BATCHES:
        other.train_on_batch(x, y)
    for received, expected in zip(
        case.weights_of(one).values(),
        case.weights_of(other).values(),
        strict=True,
    ):
        np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_weights_may_leave_tasks_out_of_a_batch():
    first = np.array([1.0, 0.0, 2.0, 1.0], "float32")
    weights = ({"t": first}, {}, None)
    batches = [
        (*batch, weight) for batch, weight in zip(BATCHES, weights, strict=True)
    ]
    model = compiled()
    logs = model.evaluate(
        SOURCES["generator"](batches), verbose=0, return_dict=True
    )
    weight = np.concatenate([first, np.ones(4)])
    errors = (model.predict(X[:8], verbose=0)["t"][:, 0] - Y[:8]) ** 2
    expected = np.sum(weight * errors) / 7
    np.testing.assert_allclose(logs["t_loss"], expected, rtol=1e-5)


def test_a_sequence_task_left_out_of_a_batch_is_missing_there():
    inputs = keras.Input((None, 2))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {n: keras.layers.Dense(1, name=n)(trunk) for n in ("a", "b")}
    model = MultiTaskModel(inputs, outputs)
    model.compile("sgd", "mse")
    x = RNG.normal(size=(2, 5, 2)).astype("float32")
    y = x.sum(2, keepdims=True)
    batches = [(x, {"a": y, "b": y}), (x[:, :3], {"a": y[:, :3]})]
    logs = model.evaluate(Batches(batches), verbose=0, return_dict=True)
    error = model.predict(x, verbose=0)["b"] - y
    np.testing.assert_allclose(logs["b_loss"], np.mean(error**2), rtol=1e-5)


WRONG = {
    "list of labels": ((X, [Y, CLASSES]), "flat dict keyed by task"),
    "no labels": ((X,), r"batch must be \(inputs, \{task: label\}\)"),
    "unknown task": ((X, {"tt": Y}), "Did you mean 't'"),
    "shorter labels": ((X, {"t": Y[:3]}), "same examples"),
    "names": ((X, {"t": Y.astype(str)}), "labels that are numbers"),
    "parts of classes": ((X, {"c": CLASSES + 0.5}), "integer labels"),
    "late weights": ((X, {"t": Y}, Y), "first batch has no sample weights"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("source", ["generator", "PyDataset"])
@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_batch_is_refused_in_our_words(what, is_late, source):
    batch, words = WRONG[what]
    right = BATCHES[:2]
    batches = (*right, batch) if is_late else (right[0], batch)
    with pytest.raises(ValueError, match=words):
        compiled().fit(SOURCES[source](batches), shuffle=False, verbose=0)
