import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task, heads
from tests.test_case import assert_close, to_numpy

FEATURES = {"vector": (6,), "map": (5, 4, 6)}
SIZES = {
    "classification": 3,
    "presence": 1,
    "box": 4,
    "regression": 1,
    "survival": 1,
}


def task_of(kind):
    classes = 3 if kind == "classification" else None
    return Task("answer", kind, num_classes=classes)


def head_model(kind, shape, **options):
    keras.utils.set_random_seed(0)
    features = keras.Input(shape, name="features")
    task = task_of(kind)
    output = task.head.build(features, task, **options)
    return MultiTaskModel(features, {"answer": output}, tasks=[task])


def features_of(shape, scale=1.0, batch=5):
    rng = np.random.default_rng(0)
    return (scale * rng.normal(size=(batch, *shape))).astype("float32")


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("shape", FEATURES.values(), ids=FEATURES)
def test_output_is_named_after_the_task(kind, shape):
    model = head_model(kind, shape)
    assert model.outputs[0].shape == (None, SIZES[kind])
    assert model.layers[-1].name == "answer"


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("shape", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_answer_is_legal_whatever_the_features(kind, shape, scale):
    model = head_model(kind, shape)
    answer = model.predict(features_of(shape, scale), verbose=0)["answer"]
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()
    if kind in ("regression", "survival"):
        return
    assert answer.min() >= 0
    assert answer.max() <= 1
    if kind == "classification":
        assert_close(answer.sum(axis=-1), np.ones(5))
    if kind == "box":
        assert (answer[:, 2:] >= answer[:, :2]).all()


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("shape", FEATURES.values(), ids=FEATURES)
def test_answers_in_float32_under_mixed_precision(kind, shape):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = head_model(kind, shape, hidden=8)
    finally:
        keras.config.set_dtype_policy("float32")
    answer = model(features_of(shape))["answer"]
    assert keras.backend.standardize_dtype(answer.dtype) == "float32"


@pytest.mark.sampled
@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("shape", FEATURES.values(), ids=FEATURES)
def test_reloaded_head_gives_the_same_answer(kind, shape, tmp_path):
    model = head_model(kind, shape, hidden=8, dropout=0.1)
    model.save(tmp_path / "head.keras")
    again = keras.saving.load_model(tmp_path / "head.keras")
    x = features_of(shape)
    assert_close(
        again.predict(x, verbose=0)["answer"],
        model.predict(x, verbose=0)["answer"],
    )


@pytest.mark.sampled
@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("shape", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("jit_compile", [True, False])
def test_one_step_moves_every_variable(kind, shape, jit_compile):
    model = head_model(kind, shape, hidden=8)
    model.compile(keras.optimizers.SGD(1.0), jit_compile=jit_compile)
    before = [to_numpy(v) for v in model.trainable_variables]
    label = {
        "classification": np.array([0, 1, 2, 0, 1], "int32"),
        "presence": np.array([0, 1, 1, 0, 1], "int32"),
        "box": np.array([[0.1, 0.3, 0.4, 0.9]] * 5, "float32"),
        "regression": np.array([0.1, 0.3, 0.4, 0.9, 2], "float32"),
        "survival": np.array([[3, 1], [4, 0], [1, 1], [2, 1], [5, 0]], "f4"),
    }[kind]
    model.fit(features_of(shape), {"answer": label}, verbose=0)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        if variable.path.endswith("attention/bias"):
            continue  # The same for all places: a softmax does not see it.
        assert np.abs(to_numpy(variable) - old).max() > 0, variable.path


@pytest.mark.parametrize("kind", SIZES)
def test_heads_share_no_variable(kind):
    features = keras.Input((5, 4, 6))
    tasks = [
        Task(name, kind, num_classes=task_of(kind).num_classes)
        for name in ("first", "second")
    ]
    outputs = {t.name: t.head.build(features, t, hidden=8) for t in tasks}
    model = MultiTaskModel(features, outputs, tasks=tasks)
    owners = {v.path.split("/")[0].split("_")[0] for v in model.weights}
    assert owners == {"first", "second"}
    counts = [
        sum(v.path.startswith(name) for v in model.weights)
        for name in ("first", "second")
    ]
    assert counts[0] == counts[1]


def test_every_kind_is_tested():
    # Sentences are tested with the chain, the others in files of their own.
    others = {"count", "depth", "detection", "mask", "normals", "tagging"}
    assert {*SIZES, *others} == set(heads.list_kinds())


EXPECTED = {
    "classification": ("cross_entropy", ["accuracy"]),
    "presence": ("binary_cross_entropy", ["accuracy", "f1", "auc"]),
    "box": ("box", ["iou"]),
    "regression": ("mean_squared_error", ["mae"]),
    "survival": ("cox", ["c_index"]),
}


@pytest.mark.parametrize("kind", SIZES)
def test_default_loss_and_metrics(kind):
    task = task_of(kind)
    loss, metrics = EXPECTED[kind]
    assert task.head.default_loss(task).name == loss
    assert [m.name for m in task.head.default_metrics(task)] == metrics
    assert task.head.default_loss(task) is not task.head.default_loss(task)


@pytest.mark.parametrize(
    "kind, legal, missing, illegal",
    [
        ("classification", [0, 1, 2], [-1], [3, -2]),
        ("presence", [0, 1], [-1], [2]),
        ("regression", [-1e9, -1.0, 0.5], [np.nan], [np.inf]),
    ],
)
def test_labels_of_a_kind(kind, legal, missing, illegal):
    task = task_of(kind)
    spec = task.head.label_spec(task)
    labels = np.array([*legal, *missing, *illegal], "float32")
    sizes = [len(legal), len(missing), len(illegal)]
    present = np.repeat([True, False, True], sizes)
    invalid = np.repeat([False, False, True], sizes)
    np.testing.assert_array_equal(to_numpy(spec.present(labels)), present)
    np.testing.assert_array_equal(to_numpy(spec.invalid(labels)), invalid)


@pytest.mark.parametrize("num_classes", [None, 1, 2.5, True, "3"])
@pytest.mark.parametrize("kind", ["classification", "mask", "tagging"])
def test_classes_are_required(kind, num_classes):
    with pytest.raises(ValueError, match="needs `class_names`|num_classes"):
        Task("a", kind, num_classes=num_classes)
