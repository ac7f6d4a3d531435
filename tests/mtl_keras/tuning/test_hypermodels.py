"""A model of one's own, searched by KerasTuner's own tuners."""

import json

import keras
import keras_tuner
import pytest
import tensorflow as tf

from mtl_keras import MultiTaskModel, tuning
from mtl_keras.tuning import references
from tests import test_case as case

X, LABELS = case.vector_data(40)
NAMES = ("cls", "det", "box")
# Tracing takes longer than so small a training.
EAGER = {"run_eagerly": True}


def build(hp):
    inputs = keras.Input((8,), name="x")
    units = hp.Int("units", 4, 16, default=8)
    trunk = keras.layers.Dense(units, "tanh", name="trunk")(inputs)
    outputs = {
        "cls": keras.layers.Dense(3, "softmax", name="cls")(trunk),
        "det": keras.layers.Dense(1, "sigmoid", name="det")(trunk),
        "box": keras.layers.Dense(4, "sigmoid", name="box")(trunk),
    }
    return MultiTaskModel(inputs, outputs, tasks=case.TASKS)


def search(model, folder, data=(X, LABELS), max_trials=2, **options):
    tuner = keras_tuner.RandomSearch(
        model,
        objective=model.objective,
        max_trials=max_trials,
        seed=1,
        directory=folder,
        project_name="search",
        max_consecutive_failed_trials=1,
    )
    tuner.search(
        *data, validation_data=(X, LABELS), epochs=2, verbose=0, **options
    )
    return tuner


@pytest.mark.slow
def test_gain_is_the_objective_and_references_are_kept(tmp_path):
    path = tmp_path / "references.json"
    model = tuning.hypermodel(build, NAMES, references=path, **EAGER)
    assert (model.objective.name, model.objective.direction) == ("gain", "max")
    tuner = search(model, tmp_path)
    found = json.loads(path.read_text())["tasks"]
    assert set(found) == set(NAMES)
    assert set(found["cls"]) == {"cls_accuracy"}
    trials = tuner.oracle.trials.values()
    assert len(trials) == 2 and all(t.score is not None for t in trials)
    names = set(tuner.oracle.trials["0"].hyperparameters.values)
    assert {"units", "balancer", "optimizer.learning_rate"} <= names
    best = tuner.get_best_models()[0]
    assert best.compiled and set(best.tasks) == set(NAMES)

    # Another process reads them, and one of another budget is refused.
    written = path.stat().st_mtime_ns
    search(
        tuning.hypermodel(build, NAMES, references=path, **EAGER),
        tmp_path / "b",
        max_trials=1,
    )
    assert path.stat().st_mtime_ns == written
    other = tuning.hypermodel(
        build, NAMES, references=path, recipe={"batch_size": 4}
    )
    hp = keras_tuner.HyperParameters()
    with pytest.raises(ValueError, match="were measured in another"):
        other.fit(hp, other.build(hp), X, LABELS, validation_data=(X, LABELS))


@pytest.mark.slow
def test_same_seed_same_scores(tmp_path):
    scores = []
    for folder in "ab":
        model = tuning.hypermodel(build, NAMES, objective="box_iou", **EAGER)
        tuner = search(model, tmp_path / folder)
        scores.append([t.score for t in tuner.oracle.trials.values()])
    assert scores[0] == scores[1]


def test_batch_size_is_searched():
    sizes = []
    space = tuning.Space(batch_size=(0.5, 2))
    model = tuning.hypermodel(
        build, NAMES, space=space, objective="box_iou", **EAGER
    )
    hp = keras_tuner.HyperParameters()
    model.declare_hyperparameters(hp)
    hp.values["batch_size"] = 16

    def data(size):
        sizes.append(size)
        return tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(size)

    built = model.build(hp)
    model.fit(hp, built, data, validation_data=(X, LABELS), verbose=0)
    assert sizes == [16]
    with pytest.raises(ValueError, match="a function of the batch size"):
        model.fit(hp, built, data(8), validation_data=(X, LABELS))
    with pytest.raises(ValueError, match="Expected `validation_data`"):
        model.fit(hp, built, data)


def test_balancer_of_a_point_is_compiled():
    space = tuning.Space(balancers=["static", "cagrad"])
    model = tuning.hypermodel(build, NAMES, space=space)
    hp = keras_tuner.HyperParameters()
    model.declare_hyperparameters(hp)
    assert model.build(hp).balancer.is_fixed
    hp.values |= {
        "balancer": "cagrad",
        "cagrad.c": 0.3,
        "cagrad.on": "features",
    }
    built = model.build(hp)
    assert built.balancer.c == 0.3 and built.balancer.on == "features"


def test_model_of_one_task_is_the_same_but_for_the_others():
    model = case.vector_model()
    alone = references.alone(model, "cls")
    assert list(alone.tasks) == ["cls"]
    case.assert_close(
        alone.predict(X, verbose=0)["cls"], model.predict(X, verbose=0)["cls"]
    )
    alone.compile("sgd")
    data = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8)
    logs = alone.evaluate(
        references.only("cls", data), verbose=0, return_dict=True
    )
    assert set(logs) == {"loss", "cls_loss", "cls_accuracy"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": "val_loss"}, "two scales"),
        ({"objective": "cls_acc"}, "Did you mean 'cls_accuracy'"),
        ({"space": "large"}, "Unknown space"),
        ({"recipe": {"epohcs": 2}}, "Unknown field of `recipe`"),
        ({"recipe": {"optimizer": {"schedule": "cosine"}}}, "must be constant"),
        ({"optimizer": "sgd"}, "Expected it in `recipe`"),
        ({"loss_weights": {"cls": 1}}, "Expected it in `recipe`"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tuning.hypermodel(build, NAMES, **arguments)


def test_build_must_return_a_model_of_the_tasks():
    with pytest.raises(ValueError, match="a model of 'box', 'cls', 'det'"):
        tuning.hypermodel(build, ["cls", "price"])
    with pytest.raises(ValueError, match="Received: NoneType"):
        tuning.hypermodel(lambda hp: None, NAMES)

    def compiled(hp):
        model = build(hp)
        model.compile("sgd")
        return model

    with pytest.raises(ValueError, match="MultiTaskModel, compiled"):
        tuning.hypermodel(compiled, NAMES)


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_damaged_references_are_told(tmp_path, text):
    path = tmp_path / "references.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="are damaged"):
        references.References(path, {})


def test_hyperband_is_asked_for_the_epochs_of_single_tasks(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.values["tuner/epochs"] = 1
    model = tuning.hypermodel(build, NAMES)
    with pytest.raises(ValueError, match="recipe={'epochs': 10}"):
        model.fit(hp, None, X, LABELS, validation_data=(X, LABELS))
