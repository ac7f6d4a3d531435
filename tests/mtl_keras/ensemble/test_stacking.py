"""Stacking fits its second level to out-of-fold predictions only."""

import keras
import numpy as np
import pytest
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from mtl_keras import MultiTaskModel, Task, ensemble, losses
from tests import test_case as case
from tests.mtl_keras.ensemble import linear_members as linear

X, LABELS = linear.data()
DET = (Task("det", "presence"),)


def of_task(fit, task):
    """A function that trains a member of one task."""

    def fit_one(x, labels):
        tasks = [t for t in linear.TASKS if t.name == task]
        return linear.model_of(fit(x, labels), tasks=tasks)

    return fit_one


@pytest.mark.parametrize(
    "task", ["det", pytest.param("cls", marks=pytest.mark.slow)]
)
def test_second_level_is_scikit_learns_stacking(task):
    def strong(x, labels):
        return {task: LogisticRegression(C=0.1).fit(x, labels[task])}

    def weak(x, labels):
        return {task: LogisticRegression(C=10.0).fit(x, labels[task])}

    folds = np.array_split(np.arange(90), 3)
    model = ensemble.stack(
        [of_task(strong, task), of_task(weak, task)],
        X,
        {task: LABELS[task]},
        folds=folds,
        features="probabilities",
    )
    reference = StackingClassifier(
        [
            ("strong", LogisticRegression(C=0.1)),
            ("weak", LogisticRegression(C=10.0)),
        ],
        LogisticRegression(max_iter=10_000),
        cv=[(np.setdiff1d(np.arange(90), f), f) for f in folds],
    ).fit(X, LABELS[task])
    expected = reference.predict_proba(X)[:, 0 if task == "cls" else 1 :]
    case.assert_close(
        linear.predict(model, X)[task], expected, rtol=1e-3, atol=1e-4
    )


def memorizer(x, labels):
    """A member that knows its training rows, and nothing of any other."""
    inputs = keras.Input((x.shape[1],))
    layer = keras.layers.Dense(len(x), name="similarity")
    # The row itself has the highest of the squared distances' negatives.
    scores = layer(inputs)
    squares = keras.ops.sum(inputs**2, axis=-1, keepdims=True)
    near = keras.ops.exp(10_000.0 * (2 * scores - squares))
    layer.set_weights([x.T, -(x**2).sum(1) / 2])
    vote = keras.layers.Dense(1, use_bias=False, name="vote")
    score = keras.ops.clip(vote(near), -4.0, 4.0)
    vote.set_weights([np.where(labels["det"] > 0, 9.0, -9.0)[:, None]])
    output = keras.layers.Activation("sigmoid", name="det")(score)
    return MultiTaskModel(inputs, {"det": output}, tasks=DET)


def honest(x, labels):
    return linear.model_of(
        {"det": linear.logistic().fit(x, labels["det"])}, tasks=DET
    )


def test_a_planted_leak_is_not_trusted():
    x, labels = linear.data(300, seed=1)
    new_x, new_labels = linear.data(300, seed=2)
    labels = {"det": labels["det"]}
    alone, leaky = honest(x, labels), memorizer(x, labels)
    inside = linear.predict(leaky, x)["det"][:, 0]
    outside = linear.predict(leaky, new_x)["det"]
    assert ((inside > 0.5) == labels["det"]).all()
    case.assert_close(outside, np.full((300, 1), 0.5), atol=1e-3)

    def accuracy(model):
        found = linear.predict(model, new_x)["det"][:, 0] > 0.5
        return (found == new_labels["det"]).mean()

    def weights(model):
        return case.to_numpy(model.get_layer("det").kernel)[0]

    stacked = ensemble.stack(
        [honest, memorizer], x, labels, num_folds=3, seed=0
    )
    # What would happen with predictions of training rows.
    wrong = ensemble.fit_stack(
        [alone, leaky],
        [linear.predict(m, x) for m in (alone, leaky)],
        labels,
    )
    assert weights(wrong)[1] > 5 * abs(weights(wrong)[0])
    assert abs(weights(stacked)[1]) < 0.05 * weights(stacked)[0]
    assert accuracy(stacked) == pytest.approx(accuracy(alone), abs=0.02)


def test_missing_labels_are_left_out_of_the_second_level():
    models = [linear.fit(X[i::2], _part(i)) for i in range(2)]
    predictions = [linear.predict(m, X) for m in models]
    present = np.arange(90) % 3 > 0
    some = {
        "cls": np.where(present, LABELS["cls"], -1),
        "det": np.where(present, LABELS["det"], -1),
        "price": np.where(present, LABELS["price"], np.nan),
    }
    received = ensemble.fit_stack(models, predictions, some)
    expected = ensemble.fit_stack(
        models,
        [{k: v[present] for k, v in p.items()} for p in predictions],
        {k: v[present] for k, v in LABELS.items()},
    )
    for task, values in linear.predict(received, X).items():
        # Both levels were fitted by a solver.
        wanted = linear.predict(expected, X)[task]
        case.assert_close(values, wanted, rtol=1e-4)


def _part(i):
    return {k: v[i::2] for k, v in LABELS.items()}


def test_numbers_are_stacked_by_a_ridge_regression_without_a_unit():
    models = [linear.fit(X[i::2], _part(i)) for i in range(2)]
    predictions = [linear.predict(m, X) for m in models]
    received = ensemble.fit_stack(models, predictions, LABELS)
    read = np.concatenate([p["price"] for p in predictions], 1)
    read = read.astype("float64")
    scaled = (read - read.mean(0)) / read.std(0)
    expected = Ridge(alpha=1.0).fit(scaled, LABELS["price"]).predict(scaled)
    case.assert_close(
        linear.predict(received, X)["price"][:, 0],
        expected,
        rtol=1e-3,
        atol=0.1,
    )


def test_logits_boxes_groups_and_absent_classes_are_stacked(tmp_path):
    tasks = [
        Task("cls", num_classes=3, kind="classification"),
        Task("box", "box"),
        Task("group", "classification", num_classes=3, names=("a", "b")),
        Task("died", "survival"),
    ]

    def member(seed):
        keras.utils.set_random_seed(seed)
        start = keras.Input((4,))
        inputs = keras.layers.Dense(4)(start)
        group = keras.layers.Dense(6)(inputs)
        group = keras.layers.Reshape((2, 3))(group)
        outputs = {
            "cls": keras.layers.Dense(3)(inputs),
            "box": keras.layers.Dense(4, "sigmoid")(inputs),
            "group": keras.layers.Softmax()(group),
            "died": keras.layers.Dense(1)(inputs),
        }
        model = MultiTaskModel(start, outputs, tasks=tasks)
        model.compile(loss={"cls": losses.CrossEntropy(from_logits=True)})
        return model

    models = [member(0), member(1)]
    predictions = [linear.predict(m, X) for m in models]
    rng = np.random.default_rng(0)
    labels = {
        "cls": LABELS["det"],  # no label of class 2
        "box": np.sort(rng.uniform(size=(90, 2, 2)), 1).reshape(90, 4),
        "group": np.stack([LABELS["cls"], LABELS["det"]], 1),
        "died": None,
    }
    model = ensemble.fit_stack(models, predictions, labels)
    model.save(tmp_path / "stack.keras")
    model = keras.models.load_model(tmp_path / "stack.keras")
    outputs = linear.predict(model, X)
    scores = np.exp(outputs["cls"])
    assert (scores / scores.sum(1, keepdims=True))[:, 2].max() < 1e-6
    hits = (outputs["group"].argmax(-1) == labels["group"]).mean(0)
    single = (predictions[0]["group"].argmax(-1) == labels["group"]).mean(0)
    assert (hits > single).all()
    case.assert_close(
        outputs["died"],
        np.mean([p["died"] for p in predictions], 0),
        atol=1e-6,
    )
    assert np.abs(outputs["box"] - labels["box"]).mean() < 0.25


def test_each_example_is_predicted_by_the_model_of_its_fold():
    folds = [np.arange(0, 90, 2), np.arange(1, 90, 2)]
    models = [linear.fit(X[i::2], _part(i)) for i in (1, 0)]
    received = ensemble.out_of_fold(models, folds, X)["det"]
    for model, fold in zip(models, folds, strict=True):
        expected = linear.predict(model, X[fold])["det"]
        case.assert_close(received[fold], expected, atol=1e-6)
    with pytest.raises(ValueError, match="1 models and 2 folds"):
        ensemble.out_of_fold(models[:1], folds, X)
    with pytest.raises(ValueError, match="example 1 in 0 folds"):
        ensemble.out_of_fold(models[:1], folds[:1], X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fits": [linear.fit]}, "at least two functions"),
        ({"fits": linear.fit}, "at least two functions"),
        ({"fits": [linear.fit, "b"]}, "must be a function.*Received: str"),
        ({"folds": [np.arange(90)]}, "at least two folds"),
        ({"folds": [[0, 1], [2]]}, "example 3 in 0 folds"),
        ({"folds": 5}, "`folds` must be a sequence.*Received: int"),
        ({"folds": [[0], [1]], "groups": np.arange(90)}, "Received: both"),
        ({"num_folds": 91}, "at most the number of examples, 90"),
        ({"num_folds": 1}, "`num_folds` must be an integer"),
        ({"fits": [linear.fit(X, LABELS)] * 2}, "Received: MultiTaskModel"),
        ({"features": "logit"}, "Did you mean 'logits'"),
        ({"regularization": 0.0}, "`regularization`"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    arguments = {"fits": [linear.fit] * 2, **arguments}
    with pytest.raises(ValueError, match=message):
        ensemble.stack(x=X, labels=LABELS, **arguments)


def test_what_does_not_fit_the_members_is_named():
    models = [linear.fit(X[i::2], _part(i)) for i in range(2)]
    predictions = [linear.predict(m, X) for m in models]
    stack = ensemble.fit_stack
    with pytest.raises(ValueError, match="1 predictions and 2 members"):
        stack(models, predictions[:1], LABELS)
    with pytest.raises(ValueError, match="labels of the task 'cls'"):
        stack(models, predictions, {"det": LABELS["det"]})
    with pytest.raises(ValueError, match="at least two classes"):
        stack(models, predictions, {**LABELS, "det": np.zeros(90, "int32")})
    with pytest.raises(ValueError, match="of the same examples"):
        some = {k: v[:50] for k, v in LABELS.items()}
        stack(models, predictions, some)
    with pytest.raises(ValueError, match="NaN or infinity from member 1"):
        bad = {**predictions[1], "det": predictions[1]["det"] * np.nan}
        stack(models, [predictions[0], bad], LABELS)
    for wrong, message in (
        (predictions[1]["cls"][:, :2], r"shape \(90, 2\) from member 1"),
        (predictions[1]["cls"] * 7, "must be probabilities"),
        (np.full((90, 3), "x"), "must be numbers"),
    ):
        bad = {**predictions[1], "cls": wrong}
        with pytest.raises(ValueError, match=message):
            stack(models, [predictions[0], bad], LABELS)
    with pytest.raises(ValueError, match="no predictions and 2 members"):
        stack(models, None, LABELS)
    with pytest.raises(ValueError, match="sequence of task names"):
        ensemble.average(models, tasks=3)
