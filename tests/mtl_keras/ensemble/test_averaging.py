"""Averages and votes equal scikit-learn's on the same predictions."""

import dataclasses

import keras
import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.preprocessing import LabelEncoder

from mtl_keras import MultiTaskModel, Task, ensemble, export, graph, losses
from mtl_keras.ensemble import nesting
from tests import test_case as case
from tests.mtl_keras.ensemble import linear_members as linear

X, LABELS = linear.data()
is_tensorflow = keras.backend.backend() == "tensorflow"


@pytest.fixture(scope="module")
def fitted():
    # Four members of few examples each: they often disagree, two to two.
    return [
        linear.estimators(X[i::9], {k: v[i::9] for k, v in LABELS.items()})
        for i in range(4)
    ]


@pytest.fixture(scope="module")
def members(fitted):
    return [linear.model_of(each) for each in fitted]


def voting(fitted, task, **options):
    """scikit-learn's ensemble of models that are fitted already."""
    models = [each[task] for each in fitted]
    named = [(str(i), model) for i, model in enumerate(models)]
    if task == "price":
        result = VotingRegressor(named, **options)
    else:
        result = VotingClassifier(named, **options)
        result.le_ = LabelEncoder().fit(LABELS[task])
        result.classes_ = result.le_.classes_
    result.estimators_ = models
    return result


def predict(model, x=X):
    return linear.predict(model, x)


@pytest.mark.parametrize("weights", [None, [3.0, 1.0, 0.0, 2.0]])
def test_average_is_soft_voting(members, fitted, weights):
    received = predict(ensemble.average(members, weights=weights))
    for task in ("cls", "det"):
        soft = voting(fitted, task, voting="soft", weights=weights)
        expected = soft.predict_proba(X)[:, 0 if task == "cls" else 1 :]
        case.assert_close(received[task], expected, rtol=1e-5, atol=1e-6)
    expected = voting(fitted, "price", weights=weights).predict(X)
    case.assert_close(received["price"][:, 0], expected, rtol=1e-4, atol=0.01)


@pytest.mark.parametrize("weights", [None, [3.0, 1.0, 0.0, 2.0]])
def test_vote_is_hard_voting_with_ties_to_the_lowest_class(
    members, fitted, weights
):
    received = predict(ensemble.vote(members, weights=weights))
    fractions = np.sort(received["cls"], 1)
    ties = (fractions[:, -1] == fractions[:, -2]).sum()
    assert ties > 2 and (received["det"] == 0.5).sum() > 2
    expected = voting(fitted, "cls", voting="hard", weights=weights).predict(X)
    np.testing.assert_array_equal(received["cls"].argmax(1), expected)
    expected = voting(fitted, "det", voting="hard", weights=weights).predict(X)
    np.testing.assert_array_equal(received["det"][:, 0] > 0.5, expected)
    expected = voting(fitted, "price", weights=weights).predict(X)
    case.assert_close(received["price"][:, 0], expected, rtol=1e-4, atol=0.01)


@pytest.mark.parametrize(
    "combine",
    [
        ensemble.average,
        pytest.param(ensemble.vote, marks=pytest.mark.slow),
    ],
)
def test_logits_are_averaged_as_probabilities(combine, members, fitted):
    of_logits = {
        "cls": losses.CrossEntropy(from_logits=True),
        "det": losses.BinaryCrossEntropy(from_logits=True),
        "price": losses.get("mse"),
    }
    declared = [linear.model_of(e, logits=True) for e in fitted]
    for member in declared:
        member.compile(loss=of_logits)
    received = combine([members[0], *declared[1:]])
    assert losses.from_logits(received.tasks["price"].loss) is False
    mixed = predict(received)
    expected = predict(combine(members))
    case.assert_close(mixed["cls"], expected["cls"], atol=1e-5)
    # All of logits: the result is one of logits, with the loss that reads it.
    received = combine(declared)
    received.compile()
    outputs = predict(received)
    scores = np.exp(outputs["cls"])
    case.assert_close(
        scores / scores.sum(1, keepdims=True), expected["cls"], atol=1e-5
    )
    case.assert_close(
        1 / (1 + np.exp(-outputs["det"])), expected["det"], atol=1e-5
    )
    logs = received.evaluate(X, LABELS, verbose=0, return_dict=True)
    true = np.take_along_axis(expected["cls"], LABELS["cls"][:, None], 1)
    if combine is ensemble.average:
        case.assert_close(logs["cls_loss"], -np.log(true).mean(), rtol=1e-4)
    hits = ((expected["det"][:, 0] > 0.5) == LABELS["det"]).mean()
    case.assert_close(logs["det_accuracy"], hits)


def test_hazards_average_the_survival_curves():
    loss = losses.DiscreteTime((0.0, 1.0, 2.0, 3.0))
    task = Task("death", "survival", loss=loss)
    hazards = np.array([[0.5, 0.5, 0.5], [0.1, 0.2, 1.0]], "float32")
    models = []
    for row in hazards:
        inputs = keras.Input((1,), name="x")
        layer = keras.layers.Dense(3, "sigmoid", name="death")
        output = layer(inputs)
        row = np.clip(row, None, 1 - 1e-7).astype("float64")
        layer.set_weights([np.zeros((1, 3)), np.log(row / (1 - row))])
        models.append(MultiTaskModel(inputs, {"death": output}, tasks=[task]))
    received = predict(ensemble.average(models), np.ones((1, 1)))["death"][0]
    # By hand: survival 1/2, 1/4, 1/8 and 0.9, 0.72, 0; means 0.7, 0.485, ...
    expected = [0.3, 1 - 0.485 / 0.7, 1 - 0.0625 / 0.485]
    case.assert_close(received, expected, rtol=1e-4)


def test_groups_and_several_inputs_are_averaged_by_name():
    group = Task("assays", "presence", names=("a", "b", "c"))

    def member(seed):
        keras.utils.set_random_seed(seed)
        inputs = {n: keras.Input((2,), name=n) for n in ("left", "right")}
        features = keras.layers.Concatenate()(list(inputs.values()))
        output = keras.layers.Dense(3, "sigmoid", name="assays")(features)
        return MultiTaskModel(inputs, {"assays": output}, tasks=[group])

    models = [member(seed) for seed in range(2)]
    x = {n: np.random.default_rng(0).normal(size=(5, 2)) for n in ("left",)}
    x["right"] = x["left"][::-1] * 2
    model = ensemble.average(models)
    expected = np.mean([predict(m, x)["assays"] for m in models], 0)
    case.assert_close(predict(model, x)["assays"], expected, atol=1e-6)
    assert model.tasks["assays"].names == ("a", "b", "c")


def test_members_stay_apart_from_the_ensemble_and_are_frozen(members):
    before = predict(members[0])
    model = ensemble.average(members)
    assert not model.trainable_variables
    for variable in model.weights:
        variable.assign(variable + 1.0)
    for task, values in predict(members[0]).items():
        np.testing.assert_array_equal(values, before[task])
    # The graph of the members is open to all that reads graphs.
    assert len(graph.partition(model).shared_variables) == 8


@pytest.mark.slow
@pytest.mark.skipif(not is_tensorflow, reason="a SavedModel is TensorFlow's")
def test_an_ensemble_saves_reloads_exports_and_serves(members, tmp_path):
    import tensorflow as tf

    model = ensemble.average(members)
    expected = predict(model)
    model.save(tmp_path / "ensemble.keras")
    loaded = keras.models.load_model(tmp_path / "ensemble.keras")
    assert loaded.tasks == model.tasks
    for task, values in predict(loaded).items():
        np.testing.assert_array_equal(values, expected[task])
    folder = export.saved_model(model, tmp_path / "1")
    served = tf.saved_model.load(str(folder)).signatures["det"]
    (outputs,) = served(**{model.inputs[0].name: tf.constant(X)}).values()
    case.assert_close(outputs, expected["det"], atol=1e-6)


def test_the_preprocessor_comes_along(members):
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        def get_config(self):
            return {"factor": self.factor}

    pair = [nesting.clone(each) for each in members[:2]]
    for member in pair:
        object.__setattr__(member, "preprocessor", Scale(2))
    assert ensemble.average(pair).preprocessor.factor == 2
    object.__setattr__(pair[1], "preprocessor", Scale(3))
    with pytest.raises(ValueError, match="same preprocessor.*Scale"):
        ensemble.average(pair)


def test_tasks_named_as_inputs_or_members_are_possible():
    def member(seed):
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((2,), name="age")
        outputs = {
            "age": keras.layers.Dense(1, name="out")(inputs),
            "member_0": keras.layers.Dense(1, name="member_0")(inputs),
        }
        return MultiTaskModel(inputs, outputs)

    model = ensemble.average([member(0), member(1)])
    assert sorted(predict(model, np.ones((1, 2)))) == ["age", "member_0"]


def _other(members, **changes):
    tasks = [
        dataclasses.replace(t, **changes) if t.name == "cls" else t
        for t in linear.TASKS
    ]
    return MultiTaskModel(
        members[1].input, dict(members[1].output), tasks=tasks
    )


def _without(members, task):
    outputs = dict(members[1].output)
    del outputs[task]
    return MultiTaskModel(members[1].input, outputs)


def _not_finite(members):
    model = nesting.clone(members[1])
    model.weights[0].assign(model.weights[0] * np.nan)
    return model


def _of_inputs(members):
    inputs = keras.Input((9,), name="wide")
    outputs = {
        "cls": keras.layers.Dense(3)(inputs),
        "det": keras.layers.Dense(1)(inputs),
        "price": keras.layers.Dense(1)(inputs),
    }
    return MultiTaskModel(inputs, outputs, tasks=linear.TASKS)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda m: m[0], "member 1 twice"),
        (lambda m: _other(m, class_names=("a", "b", "c")), "same class names"),
        (lambda m: _without(m, "price"), "needs the task 'price'.*'cls'"),
        (_not_finite, "member 1, needs finite weights"),
        (_of_inputs, "'inputs_0' must be the same in all members"),
        (lambda m: "model.keras", "member 1 of type str"),
    ],
)
@pytest.mark.parametrize("combine", [ensemble.average, ensemble.vote])
def test_members_that_do_not_fit_are_named(combine, second, message, members):
    with pytest.raises(ValueError, match=message):
        combine([members[0], second(members)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [1.0]}, "a number for each of the 2 members"),
        ({"weights": [0.0, 0.0]}, "above 0"),
        ({"weights": [1.0, -1.0]}, ">= 0"),
        ({"weights": {"clss": [1, 1]}}, "Did you mean 'cls'"),
        ({"tasks": ["pric"]}, "Did you mean 'price'"),
        ({"tasks": []}, "must name a task"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, members):
    with pytest.raises(ValueError, match=message):
        ensemble.average(members[:2], **arguments)


def test_one_member_is_no_ensemble(members):
    with pytest.raises(ValueError, match="at least 2 members. Received: 1"):
        ensemble.average(members[:1])
    with pytest.raises(ValueError, match="sequence of MultiTaskModel"):
        ensemble.average(members[0])


def test_a_vote_needs_to_know_the_classes():
    def member():
        inputs = keras.Input((2,))
        return MultiTaskModel(
            inputs, {"kind": keras.layers.Dense(3, "softmax")(inputs)}
        )

    with pytest.raises(ValueError, match="whether 'kind' has classes"):
        ensemble.vote([member(), member()])
    pair = [member(), member()]
    for each in pair:
        each.compile(loss={"kind": "sparse_categorical_crossentropy"})
    votes = predict(ensemble.vote(pair), np.ones((2, 2)))["kind"]
    assert set(np.unique(votes)) <= {0.0, 0.5, 1.0}
