"""Models of scikit-learn are measured on the rows that ours are."""

import numpy as np
import pytest
from sklearn import linear_model, metrics

import zoo
from tests.zoo import tiny_table_entry
from zoo import references, registry


@pytest.fixture
def name(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(
        tiny_table_entry.NAME, tiny_table_entry, tiny_table_entry.card()
    )
    return tiny_table_entry.NAME


def _rows(name, split, data_dir):
    """Standardised numbers, indicators and one-hot jobs, and the labels."""
    dataset = zoo.dataset(name, split, data_dir=data_dir, training=False)
    parts = [(x["columns"].numpy(), y) for x, y, _ in dataset]
    columns = np.concatenate([x for x, _ in parts])
    labels = {
        task: np.concatenate([y[task].numpy() for _, y in parts])
        for task in ("old", "price")
    }
    return columns, labels


def test_ridge_is_that_of_scikit_learn(name, data_dir):
    (row,) = references.measure(
        ["ridge"], name, "tiny_table", ("old", "price"), data_dir
    )
    (train, train_labels), (test, test_labels) = (
        _rows(name, split, data_dir) for split in ("train", "test")
    )
    # Without the codes of quantiles; a shift or a scale of a column changes
    # no unregularised fit, and the penalty of 160 rows little.
    price = linear_model.Ridge().fit(train, train_labels["price"])
    expected = metrics.r2_score(test_labels["price"], price.predict(test))
    assert row["metrics"]["price_r2"] == pytest.approx(expected, abs=0.02)
    assert row["metrics"]["old_auc"] > 0.95
    assert "kind_accuracy" not in row["metrics"]


@pytest.mark.parametrize("reference", references.REFERENCES)
def test_each_reference_solves_a_simple_table(name, data_dir, reference):
    (row,) = references.measure(
        [reference], name, "tiny_table", ("old", "price", "kind"), data_dir
    )
    measured = row["metrics"]
    # Missing labels are left out: -1 would be a third class.
    assert measured["old_accuracy"] > 0.9
    assert measured["price_r2"] > 0.8
    assert measured["kind_accuracy"] > 0.9


def test_wrong_references_are_refused(name):
    with pytest.raises(ValueError, match="Did you mean 'ridge'"):
        references.check(["rigde"], name)
    with pytest.raises(ValueError, match="which reads 'image'"):
        references.check(["ridge"], "cls_det_box")
