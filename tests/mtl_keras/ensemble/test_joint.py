"""The joint model knows how labels of several tasks go together."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task, ensemble
from tests import test_case as case
from tests.mtl_keras.ensemble import linear_members as linear

TASKS = (
    Task("kind", "classification", class_names=("x", "y", "z")),
    Task("here", "presence"),
)
TABLE = np.array([[0.30, 0.05], [0.05, 0.30], [0.20, 0.10]])


def planted(num_examples=20_000, seed=0):
    """Labels of the table, and inputs that each tell of one label alone."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(6, num_examples, p=TABLE.reshape(-1))
    kind, here = np.unravel_index(cells, (3, 2))
    x = {
        "for_kind": np.eye(3)[kind] + rng.normal(size=(num_examples, 3)),
        "for_here": here[:, None] + rng.normal(size=(num_examples, 1)),
    }
    return x, {"kind": kind.astype("int32"), "here": here.astype("int32")}


def posterior_models(*, logits=False):
    """The exact posteriors of each label given its own input."""
    # Of unit noise around the corners: log p(y) + x_y, up to a constant; of
    # presence: log-odds of the prior + x - 1/2.
    models = []
    for task, name, units, kernel, bias in (
        ("kind", "for_kind", 3, np.eye(3), np.log(TABLE.sum(1))),
        ("here", "for_here", 1, [[1.0]], [np.log(0.45 / 0.55) - 0.5]),
    ):
        inputs = keras.Input((units,), name=name)
        activation = {"kind": "softmax", "here": "sigmoid"}[task]
        layer = keras.layers.Dense(
            units, None if logits else activation, name=task
        )
        outputs = {task: layer(inputs)}
        layer.set_weights([np.array(kernel), np.array(bias)])
        declared = [t for t in TASKS if t.name == task]
        model = MultiTaskModel(inputs, outputs, tasks=declared)
        if logits:
            from mtl_keras import losses

            loss = {
                "kind": losses.CrossEntropy(from_logits=True),
                "here": losses.BinaryCrossEntropy(from_logits=True),
            }[task]
            model.compile(loss={task: loss})
        models.append(model)
    return models


@pytest.fixture(scope="module")
def prior():
    return ensemble.LabelPrior(TASKS, TABLE)


def exact_posterior(x):
    """Bayes' rule with the densities that made the inputs."""
    kind = np.exp(
        -((x["for_kind"][:, None, :] - np.eye(3)[None]) ** 2).sum(-1) / 2
    )
    here = np.exp(-((x["for_here"] - np.array([[0.0, 1.0]])) ** 2) / 2)
    joint = TABLE[None] * kind[:, :, None] * here[:, None, :]
    return joint / joint.sum((1, 2), keepdims=True)


def test_prior_recovers_the_planted_table():
    _, labels = planted()
    fitted = ensemble.LabelPrior.fit(labels, TASKS)
    np.testing.assert_allclose(fitted.table, TABLE, atol=0.01)
    assert fitted.class_names[3] == "kind=y, here=1"


def test_smoothing_is_towards_independent_labels():
    labels = {"kind": [0, 0, 1, -1], "here": [1, 1, 0, 1]}
    labels = {k: np.array(v) for k, v in labels.items()}
    fitted = ensemble.LabelPrior.fit(labels, TASKS, smoothing=2.0)
    kind, here = np.array([3, 2, 1]) / 6, np.array([2, 3]) / 5
    counts = np.array([[0, 2], [1, 0], [0, 0]])
    expected = (counts + 2.0 * kind[:, None] * here) / (3 + 2.0)
    np.testing.assert_allclose(fitted.table, expected)


@pytest.mark.parametrize("logits", [False, True])
def test_joint_model_is_bayes_rule(prior, logits):
    x, labels = planted(200)
    model = ensemble.joint(posterior_models(logits=logits), prior, mode=True)
    outputs = linear.predict(model, x)
    expected = exact_posterior(x)
    case.assert_close(
        outputs["joint"], expected.reshape(200, 6), rtol=1e-3, atol=1e-5
    )
    kind, here = outputs["kind"], outputs["here"]
    if logits:
        kind, here = np.exp(kind), 1 / (1 + np.exp(-here))
    case.assert_close(kind, expected.sum(2), rtol=1e-3, atol=1e-5)
    case.assert_close(here, expected.sum(1)[:, 1:], rtol=1e-3, atol=1e-5)
    best = np.unravel_index(expected.reshape(200, 6).argmax(1), (3, 2))
    np.testing.assert_array_equal(outputs["joint_mode"], np.stack(best, 1))
    decoded = prior.decode(outputs["joint"].argmax(-1))
    np.testing.assert_array_equal(decoded["here"], best[1])
    model.compile(loss={"joint_mode": None})
    labels["joint"] = prior.encode(labels)
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    true = expected.reshape(200, 6)[np.arange(200), labels["joint"]]
    case.assert_close(logs["joint_loss"], -np.log(true).mean(), rtol=1e-3)


def test_dependence_raises_the_likelihood_and_its_strength_is_found(prior):
    x, labels = planted(4000, seed=3)
    predictions = {}
    for model, name in zip(posterior_models(), x, strict=True):
        predictions.update(linear.predict(model, x[name]))
    alone = prior.log_likelihood(predictions, labels, strength=0.0)
    product = np.log(
        predictions["kind"][np.arange(4000), labels["kind"]]
    ) + np.log(
        np.where(
            labels["here"] == 1,
            predictions["here"][:, 0],
            1 - predictions["here"][:, 0],
        )
    )
    case.assert_close(alone, product, rtol=1e-3, atol=1e-4)
    joint = prior.log_likelihood(predictions, labels)
    gain = joint - alone
    assert gain.mean() > 5 * gain.std() / np.sqrt(4000)
    assert prior.fit_strength(predictions, labels) == pytest.approx(1, abs=0.15)
    # Independent labels have no dependence to add.
    independent = {**labels, "here": np.roll(labels["here"], 1)}
    shuffled = {**predictions, "here": np.roll(predictions["here"], 1, 0)}
    assert prior.fit_strength(shuffled, independent) < 0.1


def test_joint_model_saves_and_reloads(prior, tmp_path):
    x, _ = planted(5)
    model = ensemble.joint(posterior_models(), prior, strength=0.5)
    model.save(tmp_path / "joint.keras")
    loaded = keras.models.load_model(tmp_path / "joint.keras")
    for name, values in linear.predict(loaded, x).items():
        np.testing.assert_array_equal(values, linear.predict(model, x)[name])


def test_missing_labels_have_no_combination(prior):
    labels = {"kind": np.array([2, -1, 0]), "here": np.array([1.0, 0, np.nan])}
    np.testing.assert_array_equal(prior.encode(labels), [5, -1, -1])


def test_what_does_not_fit_is_named(prior):
    labels = {"kind": np.array([0, 1]), "here": np.array([0, 1])}
    fit = ensemble.LabelPrior.fit
    with pytest.raises(ValueError, match="at most 4 .*6 combinations"):
        fit(labels, TASKS, max_combinations=4)
    with pytest.raises(ValueError, match="none among 2 examples"):
        fit({**labels, "kind": np.array([-1, -1])}, TASKS)
    with pytest.raises(ValueError, match="must be a dict with the task 'here'"):
        fit({"kind": labels["kind"]}, TASKS)
    with pytest.raises(ValueError, match="in \\[0, 3\\)"):
        fit({**labels, "kind": np.array([0, 3])}, TASKS)
    with pytest.raises(ValueError, match="at least two tasks"):
        fit(labels, TASKS[:1])
    with pytest.raises(ValueError, match="not of groups"):
        fit(labels, [*TASKS, Task("box", "box")])
    with pytest.raises(ValueError, match="`smoothing`"):
        fit(labels, TASKS, smoothing=0.0)
    models = posterior_models()
    with pytest.raises(ValueError, match="'here'.*must be a task of one model"):
        ensemble.joint(models[:1], prior)
    with pytest.raises(ValueError, match="a task of one model.*0, 1"):
        ensemble.joint([*models[:1], *posterior_models()], prior)
    with pytest.raises(ValueError, match="must be a LabelPrior"):
        ensemble.joint(models, TABLE)
    other = [Task("kind", "classification", class_names=("p", "q", "r"))]
    other = ensemble.LabelPrior([*other, TASKS[1]], TABLE)
    with pytest.raises(ValueError, match="same class_names"):
        ensemble.joint(models, other)
    with pytest.raises(ValueError, match="must be probabilities"):
        prior.posterior({"kind": np.ones((2, 2)), "here": np.ones((2, 1))})
    with pytest.raises(ValueError, match="lengths \\[2, 3\\]"):
        prior.posterior(
            {"kind": np.full((2, 3), 1 / 3), "here": np.ones((3, 1))}
        )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(3, dtype="int32"), r"shape \(3, 3\).*argmax"),
        (np.zeros((3, 1, 1), "int32"), r"shape \(3, 1, 1\)"),
        (1, r"shape \(\)"),
    ],
)
def test_labels_of_several_columns_are_not_read_as_their_first(labels, message):
    with pytest.raises(ValueError, match=message):
        ensemble.LabelPrior.fit({"kind": labels, "here": [0, 1, 0]}, TASKS)


def test_predictions_that_are_no_distribution_are_refused(prior):
    right = {"kind": np.full((2, 3), 1 / 3), "here": np.full((2, 1), 0.5)}
    prior.posterior(right)
    for kind in (np.full((2, 3), 0.9), np.full((2, 3), "x")):
        with pytest.raises(ValueError, match="must be (probabilities|numbers)"):
            prior.posterior({**right, "kind": kind})
    for combination in ([0.5], "a"):
        with pytest.raises(ValueError, match="must be integers"):
            prior.decode(combination)
