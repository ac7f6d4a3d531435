"""Weights are copied where path and shapes match, and nowhere else."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, Task, transfer
from tests import test_case as case


def classifier(classes, *, features=8, hidden=16, others=("det",), seed=0):
    keras.utils.set_random_seed(seed)
    x = keras.Input((features,), name="x")
    inner = keras.Input((features,))
    h = layers.Dense(hidden, name="dense")(inner)
    h = layers.BatchNormalization(name="norm")(h)
    h = keras.Model(inner, h, name="trunk")(x)
    outputs = {"cls": layers.Dense(len(classes), "softmax", name="cls")(h)}
    for name in others:
        outputs[name] = layers.Dense(1, "sigmoid", name=name)(h)
    tasks = [Task("cls", "classification", class_names=tuple(classes))]
    tasks += [Task(name, "presence") for name in others]
    return MultiTaskModel(x, outputs, tasks=tasks)


def state(model):
    return {
        f"{index} {v.name}": case.to_numpy(v.value).copy()
        for index, v in enumerate(model.weights)
    }


def weights(model, *path):
    layer = model
    for name in path:
        layer = layer.get_layer(name)
    return [case.to_numpy(v.value) for v in layer.weights]


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_takes_what_fits_and_says_why_not():
    source = classifier("xyz", others=("det", "gone"), seed=1)
    source.get_layer("trunk").get_layer("norm").moving_mean.assign(
        np.arange(16.0)
    )
    target = classifier("vw", others=("det", "new"), seed=2)
    kept = weights(target, "cls") + weights(target, "new")
    report = transfer.parameters(source, target)
    assert set(report.taken) == {"trunk/dense", "trunk/norm", "det"}
    assert report.new == {
        "cls": "shapes 16x2 2, the source has 16x3 3",
        "new": "the source has no layer of this name",
    }
    assert set(report.unused) == {"cls", "gone"}
    # 8 x 16 + 16, 4 x 16, 16 + 1; the heads of cls and new have 34 and 17.
    assert (report.num_taken, report.num_total) == (225, 276)
    for path in (("trunk", "dense"), ("trunk", "norm"), ("det",)):
        assert_equal(weights(target, *path), weights(source, *path))
    assert_equal(weights(target, "cls") + weights(target, "new"), kept)
    text = str(report)
    assert "225 of 276" in text and "new: shapes 16x2 2" in text


def test_training_leaves_the_source_as_it_was():
    source, target = classifier("xyz", seed=1), classifier("xyz", seed=2)
    transfer.parameters(source, target)
    before = state(source)
    target.compile("sgd", jit_compile=case.JIT_COMPILE[0])
    x, labels = case.vector_data(16)
    target.fit(x, {name: labels[name] for name in ("cls", "det")}, verbose=0)
    for key, value in state(source).items():
        np.testing.assert_array_equal(value, before[key])
    source(x)


def test_head_of_other_classes_is_new_though_its_shape_fits():
    source, target = classifier("xyz", seed=1), classifier("xzy", seed=2)
    kept = weights(target, "cls")
    report = transfer.parameters(source, target)
    assert "other classes" in report.new["cls"]
    assert_equal(weights(target, "cls"), kept)
    with pytest.raises(ValueError, match="head of task 'cls' cannot be copied"):
        transfer.parameters(source, target, tasks=["cls"])
    transfer.parameters(source, target, tasks=["det"])


def automatic(classes, sizes=(4, 5), seed=0):
    keras.utils.set_random_seed(seed)
    x = keras.Input((3,))
    h = x
    for size in sizes:
        h = layers.Dense(size)(h)
    outputs = {
        name: layers.Dense(2, name=name)(layers.Dense(size)(h))
        for name, size in classes.items()
    }
    return MultiTaskModel(x, outputs)


def test_automatic_names_match_by_place_within_trunk_and_head():
    # Named dense ... dense_3; those of the target go on counting.
    source = automatic({"a": 6, "b": 7}, seed=1)
    target = automatic({"b": 7, "c": 6}, seed=2)
    report = transfer.parameters(source, target)
    # Two layers of the trunk and one before the head of b; not that of c.
    assert len(report.taken) == 4 and "b" in report.taken
    assert len(report.new) == 2 and "c" in report.new
    dense = [
        [w for w in model.weights if tuple(w.shape) == (5, 7)]
        for model in (source, target)
    ]
    assert_equal(*[[case.to_numpy(w) for w in group] for group in dense])


def test_rename_matches_layers_of_other_names():
    x = keras.Input((8,))
    h = layers.Dense(16, name="first")(x)
    target = MultiTaskModel(x, {"new": layers.Dense(1, name="new")(h)})
    source = classifier("xyz")
    report = transfer.parameters(
        source, target, rename={"first": "trunk/dense"}
    )
    assert report.taken == ("first",)
    assert_equal(weights(target, "first"), weights(source, "trunk", "dense"))


def test_precision_is_cast_and_other_types_are_not():
    class Counts(layers.Layer):
        def __init__(self, kind, **kwargs):
            super().__init__(**kwargs)
            self.kind = kind

        def build(self, shape):
            self.table = self.add_weight(
                (3,), dtype=self.kind, initializer="ones", trainable=False
            )

        def call(self, inputs):
            return inputs

    def build(dtype, kind):
        x = keras.Input((3,))
        h = layers.Dense(2, name="dense", dtype=dtype)(x)
        h = Counts(kind, name="counts")(h)
        return keras.Model(x, {"a": layers.Dense(1, name="a")(h)})

    source, target = build("float32", "int32"), build("bfloat16", "float32")
    report = transfer.parameters(source, target)
    assert "dense" in report.taken
    assert report.new["counts"] == "dtype float32, the source has int32"
    np.testing.assert_allclose(
        case.to_numpy(target.get_layer("dense").kernel).astype("float32"),
        case.to_numpy(source.get_layer("dense").kernel),
        rtol=2**-7,
    )


def unlike():
    x = keras.Input((2,))
    h = layers.Dense(3, name="elsewhere")(x)
    return MultiTaskModel(x, {"z": layers.Dense(1, name="z")(h)})


@pytest.mark.parametrize(
    "source, options, message",
    [
        (lambda target: target, {}, "the same model"),
        (lambda target: "a.keras", {}, "must be a Keras model. Load it first"),
        (lambda target: keras.Sequential([layers.Dense(1)]), {}, "no weights"),
        (lambda target: unlike(), {}, "No layer of .* fits one of"),
        (
            lambda target: unlike(),
            {"rename": {"trunk/dens": "elsewhere"}},
            "Did you mean 'trunk/dense'",
        ),
        (
            lambda target: unlike(),
            {"rename": {"trunk/dense": "nowhere"}},
            "the source does not have",
        ),
        (lambda target: unlike(), {"rename": ["a"]}, "must be a dict"),
        (lambda target: unlike(), {"tasks": ["dett"]}, "Did you mean 'det'"),
        (lambda target: unlike(), {"tasks": "det"}, "sequence of task names"),
    ],
)
def test_wrong_input_is_explained_and_changes_nothing(source, options, message):
    target = classifier("xyz")
    before = state(target)
    with pytest.raises(ValueError, match=message):
        transfer.parameters(source(target), target, **options)
    after = state(target)
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])
