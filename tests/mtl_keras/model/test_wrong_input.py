"""Wrong input gets our own words, raised by our own lines."""

import pathlib

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import LabelSpec, MultiTaskModel, Task
from tests import test_case as case

OURS = pathlib.Path(mtl_keras.__file__).parent
LOSSES = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "mse",
}
X, LABELS = case.vector_data(32)
ONE = np.ones(32, "float32")
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
NAMES_THE_TASK = r"Its tasks are 'box', 'cls', 'det'.*Did you mean '{}'"


def assert_says(words, function):
    """Asserts that an error of ours is raised, and what it says."""
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        function()
    assert type(caught.value) in (ValueError, TypeError)
    assert OURS in pathlib.Path(caught.traceback[-1].path).parents


# Under JAX a step that fails while it is traced takes the state with it.
@pytest.fixture(scope="module" if ON_TENSORFLOW else "function")
def model():
    return compiled()


def compiled(**options):
    options.setdefault("loss", LOSSES)
    options.setdefault("metrics", {"cls": [], "det": ["auc"], "box": []})
    model = case.vector_model()
    options.setdefault("optimizer", "sgd")
    model.compile(**options)
    return model


def dense(units, size=4):
    inputs = keras.Input((size,))
    return inputs, keras.layers.Dense(units)(inputs)


def built(outputs, *, units=3, **options):
    inputs, tensor = dense(units)
    return MultiTaskModel(inputs, outputs(tensor), **options)


def changed(name, value, example=5, dtype="float32"):
    """The labels with one example's answer replaced."""
    label = LABELS[name].astype(dtype)
    label[example] = value
    return {**LABELS, name: label}


IN_COMPILE = {
    "task misnamed in loss": (
        {"loss": {**LOSSES, "bbox": "mse"}},
        "`loss` names.*'bbox'.*" + NAMES_THE_TASK.format("box"),
    ),
    "task misnamed in loss_weights": (
        {"loss_weights": {"clss": 2.0}},
        "`loss_weights` names.*'clss'.*Did you mean 'cls'.*Received",
    ),
    "task misnamed in metrics": (
        {"metrics": {"bbox": ["iou"]}},
        "`metrics` names.*'bbox'.*" + NAMES_THE_TASK.format("box"),
    ),
    "task misnamed in weighted_metrics": (
        {"weighted_metrics": {"bbox": ["iou"]}},
        "`weighted_metrics` names.*'bbox'.*" + NAMES_THE_TASK.format("box"),
    ),
    "weight of a task that is not trained": (
        {"loss": {**LOSSES, "det": None}, "loss_weights": {"det": 2.0}},
        "does not train.*trains 'box', 'cls'",
    ),
    "negative loss weight": (
        {"loss_weights": {"cls": -1.0}},
        "finite number of at least 0.*Received: -1.0 for 'cls'",
    ),
    "loss weight not a number": (
        {"loss_weights": {"cls": float("nan")}},
        "finite number.*Received: nan for 'cls'",
    ),
    "loss weight in words": (
        {"loss_weights": {"cls": "two"}},
        "finite number.*Received: 'two' for 'cls'",
    ),
    "one loss weight for all, infinite": (
        {"loss_weights": float("inf")},
        "finite number.*Received: inf",
    ),
    "list of loss weights": (
        {"loss_weights": [1.0, 2.0, 3.0]},
        "dict of task name to number.*Received",
    ),
    "unknown balancer": (
        {"loss_weights": "equall"},
        "Unknown balancer: 'equall'.*'equal'.*'static'.*Did you mean 'equal'",
    ),
    "unknown loss": (
        {"loss": {**LOSSES, "cls": "cross_entrpy"}},
        "Unknown loss.*Did you mean 'cross_entropy'.*Received",
    ),
    "loss that is none": (
        {"loss": {**LOSSES, "cls": 5}},
        "Expected a loss.*Received: 5",
    ),
    "list of losses": (
        {"loss": ["mse", "mse", "mse"]},
        "must be a dict keyed by task.*'box', 'cls', 'det'",
    ),
    "unknown metric": (
        {"metrics": {"cls": ["acuracy"]}},
        "Unknown metric.*Did you mean 'accuracy'",
    ),
    "metric in no dict": (
        {"metrics": ["accuracy"]},
        "`metrics` must be a dict keyed by task.*Received",
    ),
    "two metrics of one name": (
        {"metrics": {"cls": ["accuracy", "accuracy"]}},
        "'cls' two metrics named 'accuracy'.*another `name`",
    ),
    "metric named loss": (
        {"metrics": {"box": [keras.metrics.MeanAbsoluteError(name="loss")]}},
        "'box' a metric named 'loss'.*another `name`",
    ),
    "no step an execution": (
        {"steps_per_execution": 0},
        "`steps_per_execution`.*Received: .*0",
    ),
    "fewer than no steps an execution": (
        {"steps_per_execution": -1},
        "`steps_per_execution`.*Received: .*-1",
    ),
    "part of a step an execution": (
        {"steps_per_execution": 1.5},
        "`steps_per_execution`.*Received: .*1.5",
    ),
    "dict that is no optimizer": (
        {"optimizer": {"a": 1}},
        r"`optimizer` must be a name.*Received: optimizer=\{'a': 1\}",
    ),
    "metric of the split among the weighted": (
        {"weighted_metrics": {"det": ["auc"]}},
        "whole split goes into `metrics`",
    ),
}


@pytest.mark.parametrize("what", IN_COMPILE)
def test_compile(what):
    options, words = IN_COMPILE[what]
    assert_says(words, lambda: compiled(**options))


OUTPUTS = {
    "list": (lambda t: [t], {}, "must be named.*flat dict.*type list"),
    "bare tensor": (lambda t: t, {}, "must be named.*flat dict.*KerasTensor"),
    "nested": (lambda t: {"a": {"b": t}}, {}, "'a' is nested.*Received: dict"),
    "nested list": (lambda t: {"a": [t]}, {}, "'a' is nested.*Received: list"),
    "array": (
        lambda t: {"a": np.ones(3)},
        {},
        "'a' is no Keras tensor.*Received: ndarray",
    ),
    "none": (lambda t: {}, {}, "needs an output"),
    "illegal name": (lambda t: {"a/b": t}, {}, "letter.*Received: name='a/b'"),
    "task twice": (
        lambda t: {"a": t},
        {"tasks": [Task("a"), Task("a")]},
        "declares 'a' twice",
    ),
    "task for no output": (
        lambda t: {"box": t},
        {"tasks": [Task("bbox")]},
        "`tasks` names the task 'bbox'.*Did you mean 'box'",
    ),
    "task that is none": (
        lambda t: {"a": t},
        {"tasks": ["a"]},
        "sequence of mtl_keras.Task.*Received: 'a'",
    ),
    "tasks that are none": (
        lambda t: {"a": t},
        {"tasks": 3},
        "sequence of mtl_keras.Task.*Received: tasks=3",
    ),
    "other number of classes": (
        lambda t: {"a": t},
        {"tasks": [Task("a", "classification", num_classes=4)]},
        "'a' has 4 classes.*last axis of 4",
    ),
    "box of three": (
        lambda t: {"a": t},
        {"tasks": [Task("a", "box")]},
        "'a' is a box.*last axis of 4",
    ),
    "presence of three": (
        lambda t: {"a": t},
        {"tasks": [Task("a", "presence")]},
        "'a' of kind 'presence'.*last axis of 1",
    ),
    "misspelt keyword": (
        lambda t: {"a": t},
        {"task": [Task("a")]},
        "takes the keywords.*Received: .'task'",
    ),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_model(what):
    outputs, options, words = OUTPUTS[what]
    assert_says(words, lambda: built(outputs, **options))


def test_model_without_outputs():
    assert_says("inputs and outputs.*Received: 0", MultiTaskModel)
    assert_says(
        "inputs and outputs.*Received: 1",
        lambda: MultiTaskModel(keras.Input((4,))),
    )


def test_loss_of_boxes_on_another_output():
    model = built(lambda t: {"a": t})
    assert_says(
        "'a'.*last axis of 4.*Received: output of shape",
        lambda: model.compile("sgd", loss={"a": "giou"}),
    )


TASKS = {
    "name with a slash": ({"name": "a/b"}, "letter.*Received: name='a/b'"),
    "name with a digit first": ({"name": "1x"}, "letter.*name='1x'"),
    "empty name": ({"name": ""}, "letter.*name=''"),
    "name that is none": ({"name": 3}, "letter.*name=3"),
    "unknown kind": ({"kind": "boks"}, "'a'.*Expected one of.*mean 'box'"),
    "kind that is none": ({"kind": 3}, "'a' has an unknown kind.*kind=3"),
    "no classes": ({"kind": "classification"}, "'a'.*needs `class_names`"),
    "classes disagree": (
        {"kind": "classification", "num_classes": 4, "class_names": ("x", "y")},
        "'a'.*disagree.*num_classes=4, 2 names",
    ),
    "class names in one string": (
        {"kind": "classification", "class_names": "abc"},
        "'a'.*sequence of strings.*class_names='abc'",
    ),
    "a class name twice": (
        {"kind": "classification", "class_names": ("x", "x")},
        "'a'.*twice in `class_names`",
    ),
    "one metric": (
        {"kind": "box", "metrics": keras.metrics.MeanAbsoluteError()},
        "'a': `metrics` must be a sequence",
    ),
    "label that is none": ({"label": 3}, "'a': `label` must be.*label=3"),
}


@pytest.mark.parametrize("what", TASKS)
def test_task(what):
    options, words = TASKS[what]
    assert_says(words, lambda: Task(**{"name": "a", **options}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": 4}, "`shape` must be a tuple.*shape=4"),
        ({"shape": (-1,)}, "`shape` must be a tuple"),
        ({"dtype": "string"}, "`dtype` must be 'float32' or 'int32'"),
        ({"missing": "none"}, "`missing` must be 'nan' or an integer"),
        ({"rule": "xywh"}, "`rule` must be one of"),
        ({"rule": "box_xyxy"}, "last axis of 4.*shape=()"),
        ({"minimum": 2, "maximum": 1}, "must not exceed"),
    ],
)
def test_label_spec(options, words):
    assert_says(words, lambda: LabelSpec(**options))


IN_FIT = {
    "misnamed": (
        {**LABELS, "bbox": LABELS["box"]},
        "`labels` names.*'bbox'.*" + NAMES_THE_TASK.format("box"),
    ),
    "list": ([LABELS["cls"]] * 3, "'box', 'cls', 'det' must be a flat dict"),
    "tuple": ((LABELS["cls"],) * 3, "'box', 'cls', 'det' must be a flat dict"),
    "one array": (LABELS["cls"], "must be a flat dict.*Received: ndarray"),
    "empty": ({}, "No task has labels.*'box', 'cls', 'det'"),
    "none": (None, "No task has labels.*'box', 'cls', 'det'"),
    "none for each": (dict.fromkeys(LABELS), "No task has labels"),
    "nested": ({"cls": {"a": ONE}}, "'cls' must be one array.*dict"),
    "ragged": (
        {"cls": [[1], [1, 2]]},
        "'cls' expects.*lists of different lengths",
    ),
    "strings": ({"cls": np.array(["a"] * 32)}, "'cls' expects.*numbers"),
    "objects": ({"cls": np.array([object()] * 32)}, "'cls' expects.*numbers"),
    "box of three": (
        {"box": LABELS["box"][:, :3]},
        r"'box' expects labels of shape \(batch, 4\).*Received.*\(32, 3\)",
    ),
    "one-hot": (
        {"cls": np.eye(3)[[0] * 32]},
        r"'cls' expects.*\(batch,\).*argmax.*'categorical_crossentropy'",
    ),
    "shorter than the inputs": (
        {**LABELS, "cls": LABELS["cls"][:20]},
        r"same examples.*inputs of \[32\].*'cls': 20",
    ),
    "class 3 of 3": (
        changed("cls", 3),
        r"'cls' expects integer labels in \[0, 3\).*example 5.*subtract 1",
    ),
    "class 1.5": (changed("cls", 1.5), r"\[0, 3\).*example 5: 1.5"),
    "class -2": (changed("cls", -2), r"\[0, 3\), or -1.*example 5: -2"),
    "presence 2": (changed("det", 2), r"'det' expects.*\[0, 2\).*0 for no"),
    "box outside": (
        changed("box", [0.0, 0.0, 1.5, 1.0]),
        r"'box' expects boxes.*\[0, 1\].*example 5: \[0.0, 0.0, 1.5, 1.0\]",
    ),
    "box crossed": (
        changed("box", [0.5, 0.0, 0.25, 1.0]),
        "x1 <= x2 and y1 <= y2.*example 5",
    ),
    "box infinite": (changed("box", np.inf), "'box' expects boxes.*example 5"),
    "boxes in pixels": (
        {**LABELS, "box": 64 * LABELS["box"]},
        "'box' expects boxes.*in pixels, divide",
    ),
}


@pytest.mark.parametrize("what", IN_FIT)
@pytest.mark.parametrize("method", ["fit", "validation_data", "evaluate"])
def test_arrays(model, what, method):
    labels, words = IN_FIT[what]
    call = {
        "fit": lambda: model.fit(X, labels, verbose=0),
        "validation_data": lambda: model.fit(
            X, LABELS, validation_data=(X, labels), verbose=0
        ),
        "evaluate": lambda: model.evaluate(X, labels, verbose=0),
    }
    assert_says(words, call[method])


@pytest.mark.parametrize("what", ["misnamed", "list", "class 3 of 3", "empty"])
@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_one_batch(model, what, method):
    labels, words = IN_FIT[what]
    assert_says(words, lambda: getattr(model, method)(X, labels))


CALLS = {
    "class_weight misnamed": (
        {"class_weight": {"clss": {0: 2.0}}},
        "`class_weight` names.*'clss'.*" + NAMES_THE_TASK.format("cls"),
    ),
    "class_weight flat": (
        {"class_weight": {0: 1.0}},
        "task name to a dict of class number.*Received",
    ),
    "class_weight of a box": (
        {"class_weight": {"box": {0: 2.0}}},
        "'box', whose labels are no class numbers.*`sample_weight`",
    ),
    "class_weight of no class": (
        {"class_weight": {"cls": {7: 2.0}}},
        r"'cls' names the class 7.*\[0, 3\)",
    ),
    "class_weight in words": (
        {"class_weight": {"cls": {0: "a"}}},
        r"class_weight\['cls'\]\[0\]` must be a finite number >= 0",
    ),
    "sample_weight misnamed": (
        {"sample_weight": {"clss": ONE}},
        "`sample_weight` names.*'clss'.*" + NAMES_THE_TASK.format("cls"),
    ),
    "sample_weight too short": (
        {"sample_weight": ONE[:20]},
        r"expects `sample_weight`.*\(32,\).*Received: shape \(20,\)",
    ),
    "sample_weight of too many axes": (
        {"sample_weight": {"cls": np.ones((32, 4))}},
        r"'cls' expects `sample_weight`.*Received: shape \(32, 4\)",
    ),
    "sample_weight without axes": (
        {"sample_weight": 2.0},
        "expects `sample_weight` to be an array.*Received: float",
    ),
    "sample_weight in words": (
        {"sample_weight": {"cls": ["a"] * 32}},
        "'cls' expects `sample_weight`.*Received: list",
    ),
    "sample_weight not finite": (
        {"sample_weight": np.where(np.arange(32) == 5, np.nan, ONE)},
        "finite numbers.*Received: NaN",
    ),
    "validation_data without labels": (
        {"validation_data": (X,)},
        "`validation_data` must be.*Received: a tuple of 1",
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_fit(model, what):
    options, words = CALLS[what]
    assert_says(words, lambda: model.fit(X, LABELS, verbose=0, **options))


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
def test_model_that_is_not_compiled(method):
    model = case.vector_model()
    assert_says(
        "not compiled. Call `compile`",
        lambda: getattr(model, method)(X, LABELS),
    )


def test_model_without_a_loss():
    model = built(lambda t: {"a": t})
    model.compile("sgd")
    assert_says(
        "No task has a loss.*loss={task: loss}",
        lambda: model.fit(X[:, :4], {"a": X[:, :3]}),
    )


def test_one_task_without_a_loss():
    model = built(lambda t: {"a": t, "b": t})
    assert_says(
        "No loss is known for the tasks 'b'.*{task: None}",
        lambda: model.compile("sgd", loss={"a": "mse"}),
    )


def test_class_numbers_for_a_loss_of_one_hot_labels():
    model = built(lambda t: {"a": t})
    model.compile("sgd", loss="categorical_crossentropy")
    assert_says(
        r"'a' expects.*\(batch, 3\).*'sparse_categorical_crossentropy'",
        lambda: model.fit(X[:, :4], {"a": LABELS["cls"]}),
    )


class Batches(keras.utils.PyDataset):
    """Batches of which the library sees nothing before the step is traced."""

    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return X[part], {name: y[part] for name, y in self.labels.items()}


LATE = {
    "misnamed": ({"clss": LABELS["cls"]}, NAMES_THE_TASK.format("cls")),
    "box of three": IN_FIT["box of three"][:1]
    + (r"'box' expects labels of shape \(batch, 4\)",),
    "class 3 of 3": (
        changed("cls", 3, example=20, dtype="int32"),
        r"'cls' expects integer labels in \[0, 3\).*Received: 1 labels",
    ),
}


@pytest.mark.parametrize("what", LATE)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_batches_from_python(model, what, method):
    labels, words = LATE[what]
    assert_says(
        words, lambda: getattr(model, method)(Batches(labels), verbose=0)
    )


@pytest.mark.parametrize("what", LATE)
def test_batches_from_a_generator(model, what):
    labels, words = LATE[what]
    batches = Batches(labels)
    generator = (batches[index] for index in range(4))
    assert_says(words, lambda: model.fit(generator, verbose=0))


def dataset(labels, *weights):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, labels, *weights)).batch(8)


DATASETS = {
    "misnamed": LATE["misnamed"],
    "box of three": LATE["box of three"],
    "strings": IN_FIT["strings"],
    "tuple": IN_FIT["tuple"],
    "empty": IN_FIT["empty"],
}


@pytest.mark.parametrize("what", DATASETS)
def test_dataset(model, what):
    labels, words = DATASETS[what]
    held_out = dataset(labels)
    assert_says(words, lambda: model.fit(held_out, verbose=0))
    assert_says(words, lambda: model.evaluate(held_out, verbose=0))
    assert_says(
        words,
        lambda: model.fit(X, LABELS, validation_data=held_out, verbose=0),
    )


def test_dataset_without_labels_or_batches(model):
    import tensorflow as tf

    inputs = tf.data.Dataset.from_tensor_slices(X).batch(8)
    assert_says(r"\(inputs, .task: label.\)", lambda: model.fit(inputs))
    single = tf.data.Dataset.from_tensor_slices((X, LABELS))
    assert_says(r"dataset.batch\(", lambda: model.fit(single))


def test_dataset_with_weights_misnamed_or_of_another_shape(model):
    misnamed = dataset(LABELS, {"clss": ONE})
    assert_says(
        NAMES_THE_TASK.format("cls"), lambda: model.fit(misnamed, verbose=0)
    )
    wide = dataset(LABELS, {"cls": np.ones((32, 3), "float32")})
    assert_says(
        "'cls' expects `sample_weight` of shape",
        lambda: model.fit(wide, verbose=0),
    )


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("loss", [LOSSES["cls"], "cross_entropy"])
def test_illegal_label_in_a_later_batch(jit_compile, loss):
    # Keras's own loss stops the process in TensorFlow's words, or under XLA
    # goes on with NaN.
    model = compiled(loss={**LOSSES, "cls": loss}, jit_compile=jit_compile)
    legal, words = dataset(changed("cls", 0)), r"'cls' expects.*\[0, 3\)"
    for value in (3, 1.5, np.inf):
        wrong = dataset(changed("cls", value, example=20))
        assert_says(words, lambda wrong=wrong: model.fit(wrong, verbose=0))
        assert_says(words, lambda wrong=wrong: model.evaluate(wrong, verbose=0))
        assert_says(
            words,
            lambda wrong=wrong: model.fit(
                legal, validation_data=wrong, verbose=0
            ),
        )
        assert_says(
            words,
            lambda wrong=wrong: model.fit(
                wrong, validation_data=legal, verbose=0
            ),
        )
    assert all(np.isfinite(array).all() for array in model.get_weights())


def test_illegal_boxes_in_a_later_batch(model):
    for value in ([0, 0, 1.5, 1], [0.5, 0, 0.25, 1], np.inf, 30.0):
        wrong = dataset(changed("box", value, example=20))
        assert_says(
            "'box' expects boxes.*Received: 1 labels",
            lambda wrong=wrong: model.evaluate(wrong, verbose=0),
        )
