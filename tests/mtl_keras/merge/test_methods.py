"""Merged trunks equal NumPy's answers; each head stays."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, merge
from mtl_keras.merge.methods import disjoint_mean
from tests import test_case as case
from tests.mtl_keras.merge import fine_tuned

X = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")


@pytest.fixture(scope="module")
def start():
    return fine_tuned.model_of(["cls", "det", "price"], 0)


@pytest.fixture(scope="module")
def models():
    return [fine_tuned.model_of([t], i + 1) for i, t in enumerate(_TASKS)]


_TASKS = ("cls", "det", "price")


def stacked(models):
    """The trunks' weights by path, of shape (models, ...)."""
    trunks = [fine_tuned.trunk_of(model) for model in models]
    return {path: np.stack([t[path] for t in trunks]) for path in trunks[0]}


def check_trunk(merged, expected):
    received = fine_tuned.trunk_of(merged)
    assert received.keys() == expected.keys()
    for path, value in expected.items():
        case.assert_close(received[path], value, rtol=1e-5, atol=1e-6)


def check_heads(merged, models):
    received = fine_tuned.values(merged)
    for model in models:
        for path, value in fine_tuned.values(model).items():
            if not path.startswith(("first", "second", "norm")):
                np.testing.assert_array_equal(received[path], value)


def test_average_is_the_mean_of_the_trunks_and_keeps_each_head(models):
    merged = merge.average(models)
    check_trunk(
        merged, {path: v.mean(0) for path, v in stacked(models).items()}
    )
    check_heads(merged, models)
    assert sorted(merged.tasks) == ["cls", "det", "price"]
    assert merged.tasks["cls"].num_classes == 3


def test_task_arithmetic_adds_the_scaled_changes(start, models):
    merged = merge.task_arithmetic(start, models, scale=0.4)
    zero = fine_tuned.trunk_of(start)
    check_trunk(
        merged,
        {
            p: zero[p] + 0.4 * (v - zero[p]).sum(0)
            for p, v in stacked(models).items()
        },
    )
    check_heads(merged, models)
    third = merge.task_arithmetic(start, models, scale=1 / 3)
    check_trunk(third, fine_tuned.trunk_of(merge.average(models)))


def test_scale_of_one_for_one_changed_model_is_that_model(start):
    changed = fine_tuned.model_of(["cls"], 5)
    same = fine_tuned.model_of(["det"], 0)
    for layer in ("first", "second"):
        same.get_layer(layer).set_weights(start.get_layer(layer).get_weights())
    merged = merge.task_arithmetic(start, [changed, same], scale=1.0)
    expected = case.to_numpy(changed(X)["cls"])
    case.assert_close(merged(X)["cls"], expected, rtol=1e-4, atol=1e-6)


def test_ties_on_an_example_by_hand(start):
    # Changes of three models; kept is the half with the largest magnitude.
    changes = np.array(
        [
            [5.0, 1.0, -4.0, 2.0],
            [-3.0, 2.0, 6.0, -1.0],
            [4.0, -2.0, -5.0, 0.5],
        ]
    )
    # Half of 4 are the two largest: 5, -4; 6, -3; 4, -5. The sums are 6, 0,
    # -3, 0, so the signs +, none, -, none; the means (5 + 4) / 2 and
    # (-4 - 5) / 2.
    trimmed = np.array([[5.0, 0, -4, 0], [-3, 0, 6, 0], [4, 0, -5, 0]])
    expected = [4.5, 0.0, -4.5, 0.0]
    np.testing.assert_allclose(disjoint_mean(trimmed), expected)

    def tiny(task, row):
        inputs = keras.Input((1,), name="x")
        features = keras.layers.Dense(2, name="trunk")(inputs)
        output = keras.layers.Dense(1, name=task)(features)
        model = MultiTaskModel(inputs, {task: output})
        model.get_layer("trunk").set_weights([row[None, :2], row[2:]])
        return model

    base = np.array([1.0, 10.0, 100.0, 1000.0])
    tuned = [tiny(f"t{i}", base + row) for i, row in enumerate(changes)]
    merged = merge.ties(tiny("t", base), tuned, density=0.5, scale=2.0)
    kernel, bias = merged.get_layer("trunk").get_weights()
    case.assert_close(
        np.concatenate([kernel[0], bias]), base + 2 * np.array(expected)
    )


def test_ties_equals_numpy_over_all_layers_together(start, models):
    merged = merge.ties(start, models, density=0.3)
    zero = fine_tuned.trunk_of(start)
    changes = {p: v - zero[p] for p, v in stacked(models).items()}
    flat = np.concatenate([v.reshape(3, -1) for v in changes.values()], 1)
    count = round(0.3 * flat.shape[1])
    for row in flat:
        row[np.argsort(np.abs(row))[: len(row) - count]] = 0.0
    sign = np.sign(flat.sum(0))
    kept = np.where(np.sign(flat) == sign, flat, 0.0)
    mean = kept.sum(0) / np.maximum((kept != 0).sum(0), 1)
    expected, place = {}, 0
    for path, value in zero.items():
        part = mean[place : place + value.size].reshape(value.shape)
        expected[path], place = value + part, place + value.size
    check_trunk(merged, expected)


def test_models_with_all_heads_give_the_named_ones(start):
    tuned = {t: fine_tuned.model_of(_TASKS, i) for i, t in enumerate(_TASKS, 7)}
    merged = merge.average(tuned)
    check_trunk(
        merged,
        {p: v.mean(0) for p, v in stacked(list(tuned.values())).items()},
    )
    for task, model in tuned.items():
        expected = model.get_layer(f"{task}_hidden").get_weights()
        received = merged.get_layer(f"{task}_hidden").get_weights()
        np.testing.assert_array_equal(received[0], expected[0])
    with pytest.raises(ValueError, match="head in several models.*dict"):
        merge.average(list(tuned.values()))


@pytest.mark.parametrize("nested", [False, True])
def test_statistics_are_averaged_by_each_method(nested):
    options = {"normalized": True, "nested": nested}
    models = [
        fine_tuned.model_of(["cls"], 1, **options),
        fine_tuned.model_of(["det"], 2, **options),
    ]

    def norm(model):
        holder = model.get_layer("backbone") if nested else model
        return holder.get_layer("norm")

    for model, mean in zip(models, (2.0, 6.0), strict=True):
        norm(model).moving_mean.assign(np.full(4, mean))
    for merged in (
        merge.average(models),
        merge.task_arithmetic(models[0], models, scale=1.0),
    ):
        case.assert_close(norm(merged).moving_mean, np.full(4, 4.0))
    case.assert_close(norm(merge.ties(*_with_start(models))).gamma, np.ones(4))


def _with_start(models):
    return models[0], models


def test_a_frozen_trunk_stays_as_it_is(start):
    models = [fine_tuned.model_of([t], 0) for t in ("cls", "det")]
    for model in models:
        for layer in ("first", "second"):
            weights = start.get_layer(layer).get_weights()
            model.get_layer(layer).set_weights(weights)
            model.get_layer(layer).trainable = False
    merged = merge.ties(start, models)
    check_trunk(merged, fine_tuned.trunk_of(start))
    assert not merged.get_layer("first").trainable


@pytest.mark.slow
def test_a_merged_model_trains_saves_and_reloads(models, tmp_path):
    merged = merge.average(models)
    merged.compile("sgd")
    labels = {
        "cls": np.zeros(7, "int32"),
        "det": np.ones(7, "int32"),
        "price": np.zeros(7),
    }
    merged.fit(X, labels, verbose=0)
    merged.save(tmp_path / "merged.keras")
    loaded = keras.models.load_model(tmp_path / "merged.keras")
    for task, value in merged(X).items():
        case.assert_close(loaded(X)[task], value)


def test_layers_without_names_or_weights_may_be_anywhere():
    def build(task, rate, seed):
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((3,))
        features = keras.layers.Dense(4, name="first")(inputs)
        features = keras.layers.ReLU()(features)
        features = keras.layers.Dropout(0.1)(features)
        features = keras.layers.Dense(4, name="second")(features)
        features = keras.layers.Dropout(rate)(features) * 2.0
        output = keras.layers.Dense(1, name=task)(features)
        return MultiTaskModel(inputs, {task: output})

    models = [build("a", 0.3, 0), build("b", 0.5, 1)]
    merged = merge.average(models)
    check_trunk(
        merged, {path: v.mean(0) for path, v in stacked(models).items()}
    )
    rates = [x.rate for x in merged.layers if hasattr(x, "rate")]
    assert sorted(rates) == [0.1, 0.3, 0.5]
    features = np.maximum(X @ merged.get_layer("first").kernel, 0)
    features = features @ merged.get_layer("second").kernel * 2.0
    case.assert_close(
        merged(X)["b"], features @ models[1].get_layer("b").kernel, rtol=1e-4
    )


def _other_shape():
    inputs = keras.Input((3,))
    features = keras.layers.Dense(9, "tanh", name="first")(inputs)
    features = keras.layers.Dense(5, "relu", name="second")(features)
    output = keras.layers.Dense(1, name="det")(features)
    return MultiTaskModel(inputs, {"det": output})


def _other_activation():
    inputs = keras.Input((3,))
    features = keras.layers.Dense(4, "relu", name="first")(inputs)
    output = keras.layers.Dense(1, name="det")(features)
    return MultiTaskModel(inputs, {"det": output})


def _without_trunk():
    inputs = keras.Input((3,))
    output = keras.layers.Dense(1, name="det")(inputs)
    return MultiTaskModel(inputs, {"det": output})


def _crossed():
    inputs = keras.Input((3,))
    features = keras.layers.Dense(3, name="extra")(inputs)
    features = keras.layers.Dense(4, name="first")(features)
    output = keras.layers.Dense(1, name="det")(features)
    return MultiTaskModel(inputs, {"det": output})


def _not_finite():
    model = fine_tuned.model_of(["det"], 3)
    model.weights[0].assign(model.weights[0] * np.nan)
    return model


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (_without_trunk, "no common trunk.*'first'"),
        (_other_shape, "'first' must have the same weights.*3, 9"),
        (_other_activation, "'first'.*activation='tanh'.*'relu'"),
        (_crossed, "'first' must be the same.*connections"),
        (_not_finite, "finite weights"),
        (
            lambda: fine_tuned.model_of(["cls"], 4),
            "'cls' has a head in several",
        ),
        (lambda: "model.keras", "type str"),
    ],
)
def test_models_that_do_not_fit_are_named(second, message, models):
    with pytest.raises(ValueError, match=message):
        merge.average([models[0], second()])


def test_wrong_arguments_are_named(start, models):
    with pytest.raises(ValueError, match="at least 2 members"):
        merge.average(models[:1])
    with pytest.raises(ValueError, match="the task 'det' must have it.*'cls'"):
        merge.average({"cls": models[0], "det": models[0]})
    with pytest.raises(ValueError, match="member 1 twice"):
        merge.average([models[0], models[0]])
    with pytest.raises(ValueError, match="`density`"):
        merge.ties(start, models, density=0.0)
    with pytest.raises(ValueError, match="`scale`"):
        merge.task_arithmetic(start, models, scale=float("nan"))
    with pytest.raises(ValueError, match="Without it use merge.average"):
        merge.task_arithmetic(None, models)
    with pytest.raises(ValueError, match="start must have the common trunk"):
        merge.ties(_without_trunk(), models)


def test_another_size_within_a_nested_model_is_named():
    def build(task, units):
        layer = keras.layers.Dense(units, name="inner")
        trunk = keras.Sequential([keras.Input((3,)), layer], name="trunk")
        inputs = keras.Input((3,))
        output = keras.layers.Dense(1, name=task)(trunk(inputs))
        return MultiTaskModel(inputs, {task: output})

    with pytest.raises(ValueError, match=r"'trunk'.*inner.units=4.*5"):
        merge.average([build("a", 4), build("b", 5)])
