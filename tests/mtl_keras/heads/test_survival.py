"""Risks and hazards: which head, which labels, what is learnt."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task, losses

EDGES = (0.0, 1.0, 2.0, 4.0)
DISCRETE = losses.DiscreteTime(EDGES)


def _model(task, units=3):
    keras.utils.set_random_seed(0)
    features = keras.Input((units,))
    output = task.head.build(features, task)
    return MultiTaskModel(features, {task.name: output}, tasks=[task])


def _patients(num=60):
    """The first feature shortens life; a third are not observed to the end."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num, 3)).astype("float32")
    label = np.stack([np.exp(-x[:, 0]), np.arange(num) % 3 > 0], axis=1)
    return x, label.astype("float32")


@pytest.mark.sampled
@pytest.mark.parametrize("loss", [None, "cox", DISCRETE])
def test_training_orders_the_risks(loss):
    x, label = _patients()
    # A pair of which a part is missing is missing.
    label[:10, 0], label[10:20, 1] = np.nan, np.nan
    model = _model(Task("life", "survival", loss=loss))
    model.compile(keras.optimizers.Adam(0.1))
    model.fit(x, {"life": label}, batch_size=60, epochs=30, verbose=0)
    received = model.evaluate(
        x, {"life": label}, batch_size=60, verbose=0, return_dict=True
    )
    assert received["life_c_index"] > 0.95


def test_a_risk_has_no_constant_and_hazards_have():
    risk = _model(Task("life", "survival"))
    hazards = _model(Task("life", "survival", loss=DISCRETE))
    assert [v.shape for v in risk.trainable_variables] == [(3, 1)]
    shapes = [v.shape for v in hazards.trainable_variables]
    assert shapes == [(3, 3), (3,)]
    answer = hazards.predict(100 * np.ones((2, 3)), verbose=0)["life"]
    assert answer.min() >= 0 and answer.max() <= 1


def test_hazards_survive_saving(tmp_path):
    model = _model(Task("life", "survival", loss=DISCRETE))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert list(again.tasks["life"].default_loss().edges) == list(EDGES)


@pytest.mark.parametrize(
    "loss", ["discrete_time", losses.DiscreteTime(EDGES, from_logits=True)]
)
def test_hazards_need_intervals_and_probabilities(loss):
    with pytest.raises(ValueError, match="`edges` and from_logits=False"):
        Task("life", "survival", loss=loss)


def test_output_must_have_the_size_of_the_loss():
    features = keras.Input((3,))
    output = keras.layers.Dense(2, name="life")(features)
    with pytest.raises(ValueError, match=r"output of shape \(None, 3\)"):
        MultiTaskModel(
            features,
            {"life": output},
            tasks=[Task("life", "survival", loss=DISCRETE)],
        )


@pytest.mark.parametrize("label", [[-1.0, 1.0], [3.0, 0.5]])
def test_illegal_labels_are_named_with_the_repair(label):
    spec = Task("life", "survival").label
    with pytest.raises(ValueError, match="event of 0 or 1.*Write 1 for an"):
        spec.check_array("life", np.array([[2.0, 1.0], label], "float32"))
