"""Weights of layers and models are those that score best."""

import numpy as np
import pytest

from mtl_keras import merge
from tests import test_case as case
from tests.mtl_keras.merge import fine_tuned

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
START = fine_tuned.model_of(["cls", "det"], 0)
MODELS = [fine_tuned.model_of(["cls"], 1), fine_tuned.model_of(["det"], 2)]


def distance_to(target):
    """A score that is highest where each layer has the target's weights."""

    def score(model):
        return -sum(
            float(((a - b) ** 2).sum())
            for a, b in zip(
                fine_tuned.trunk_of(model).values(), target, strict=True
            )
        )

    return score


def test_weights_of_the_best_score_are_found():
    zero, one, two = (
        list(fine_tuned.trunk_of(m).values()) for m in (START, *MODELS)
    )
    best = {"first": [0.5, 1.0], "second": [1.0, 0.5]}
    target = [
        z + w[0] * (a - z) + w[1] * (b - z)
        for z, a, b, w in zip(
            zero,
            one,
            two,
            [best["first"]] * 2 + [best["second"]] * 2,
            strict=True,
        )
    ]
    model, weights = merge.per_layer(
        START,
        MODELS,
        None,
        scales=[0.0, 0.5, 1.0],
        sweeps=4,
        score=distance_to(target),
    )
    assert weights == best
    for received, value in zip(
        fine_tuned.trunk_of(model).values(), target, strict=True
    ):
        case.assert_close(received, value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_loss_on_validation_data_is_never_above_a_common_weight():
    labels = {
        "cls": np.arange(20) % 3,
        "det": (X[:, 0] > 0).astype("int32"),
    }
    scales = [0.0, 1.0]
    model, weights = merge.per_layer(START, MODELS, (X, labels), scales=scales)
    assert set(weights) == {"first", "second"}

    def loss(model):
        model.compile()
        return model.evaluate(X, labels, verbose=0, return_dict=True)["loss"]

    common = [
        loss(merge.task_arithmetic(START, MODELS, scale=scale))
        for scale in scales
    ]
    assert loss(model) <= min(common) + 1e-5


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`scales` must be a sequence"):
        merge.per_layer(START, MODELS, None, scales=[])
    with pytest.raises(ValueError, match="`sweeps`"):
        merge.per_layer(START, MODELS, None, sweeps=-1)
    with pytest.raises(ValueError, match="score must be a finite number"):
        merge.per_layer(
            START, MODELS, None, scales=[1.0], score=lambda m: np.nan
        )
    with pytest.raises(ValueError, match="`score` must be a function"):
        merge.per_layer(START, MODELS, None, score="loss")
    for value in (None, np.ones(2)):
        with pytest.raises(ValueError, match="must return a number"):
            merge.per_layer(START, MODELS, None, score=lambda _, v=value: v)
    for data in ((X, X), (X[:0], {"cls": [], "det": []}), (X,)):
        with pytest.raises(ValueError, match="labels"):
            merge.per_layer(START, MODELS, data)
