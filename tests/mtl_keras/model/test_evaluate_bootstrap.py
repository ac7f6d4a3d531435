"""`evaluate(bootstrap=...)`: intervals beside the metrics of the split."""

import numpy as np
import pytest

from mtl_keras.metrics import bootstrap
from tests import test_case as case


def compiled(metrics):
    model = case.vector_model()
    model.compile("sgd", metrics=metrics)
    return model


@pytest.fixture(scope="module")
def model():
    return compiled({"det": ["accuracy", "auc"]})


def test_adds_the_ends_of_each_metric_of_the_split(model):
    x, labels = case.vector_data()
    plain = model.evaluate(x, labels, verbose=0, return_dict=True)
    logs = model.evaluate(
        x, labels, verbose=0, return_dict=True, bootstrap=50, batch_size=16
    )
    assert set(logs) - set(plain) == {"det_auc_low", "det_auc_high"}
    assert logs["det_auc_low"] < logs["det_auc"] < logs["det_auc_high"]
    there = labels["det"] >= 0
    expected = bootstrap.intervals(
        {"det": model._board.split_metrics["det"]},
        {"det": labels["det"]},
        {"det": model.predict(x, verbose=0)["det"]},
        {"det": there.astype("float32")},
        num_samples=50,
    )
    received = logs["det_auc_low"], logs["det_auc_high"]
    np.testing.assert_allclose(received, expected["det_auc"], atol=1e-6)


def test_come_last_in_the_list(model):
    x, labels = case.vector_data()
    plain = model.evaluate(x, labels, verbose=0)
    values = model.evaluate(x, labels, verbose=0, bootstrap=20)
    np.testing.assert_allclose(values[: len(plain)], plain, rtol=1e-6)
    assert len(values) == len(plain) + 2


@pytest.mark.parametrize("number", [1, 0, 2.5, "many", True])
def test_what_is_no_number_of_draws_is_refused(model, number):
    x, labels = case.vector_data()
    with pytest.raises(ValueError, match="`bootstrap` must be"):
        model.evaluate(x, labels, verbose=0, bootstrap=number)


def test_without_a_metric_of_the_split_it_is_refused():
    x, labels = case.vector_data()
    model = compiled({"det": ["accuracy"]})
    with pytest.raises(ValueError, match="intervals of metrics of the whole"):
        model.evaluate(x, labels, verbose=0, bootstrap=10)
