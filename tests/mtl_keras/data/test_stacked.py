"""Batches gathered from stacked examples are those of the usual pipeline."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task, data

TASKS = [Task("sold", "presence"), Task("price", "regression")]
ROWS = {
    "age": np.arange(23, dtype="float32"),
    "job": np.array(["nurse", "baker", "pilot", ""] * 5 + ["nurse"] * 3),
    "sold": np.array([0, 1, -1] * 7 + [1, 0]),
    "price": np.where(np.arange(23) % 4, np.arange(23), np.nan),
}


def _example(row):
    labels = {name: row.pop(name) for name in ("sold", "price")}
    return row, labels


def _batches(monkeypatch, converts, rows=ROWS, **options):
    preprocessor = data.ColumnPreprocessor.adapt(
        {name: ROWS[name] for name in ("age", "job")}, num_quantiles=4
    )
    monkeypatch.setattr(type(preprocessor), "converts_batches", converts)
    dataset = data.pipeline(
        tf.data.Dataset.from_tensor_slices(rows),
        TASKS,
        preprocessor=preprocessor,
        example=_example,
        batch_size=5,
        **options,
    )
    assert len(dataset) == sum(1 for _ in dataset)
    return list(dataset.as_numpy_iterator())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"drop_remainder": True},
        {"training": True, "epoch": 3, "seed": 7},
        {"training": True, "epoch": 3, "shuffle_buffer": 4},
    ],
)
def test_batches_are_those_of_examples_prepared_one_by_one(
    monkeypatch, options
):
    alone = _batches(monkeypatch, False, **options)
    stacked = _batches(monkeypatch, True, **options)
    assert len(alone) == len(stacked) > 3
    for one, other in zip(alone, stacked, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_no_example_is_no_batch(monkeypatch):
    rows = {name: values[:0] for name, values in ROWS.items()}
    assert _batches(monkeypatch, True, rows) == []
