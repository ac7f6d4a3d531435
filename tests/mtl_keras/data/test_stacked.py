"""Batches gathered from stacked examples are those of the usual pipeline."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task, data
from mtl_keras.data import stacked

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


def _pipeline(monkeypatch, converts, rows=ROWS, **options):
    preprocessor = data.ColumnPreprocessor.adapt(
        {name: ROWS[name] for name in ("age", "job")}, num_quantiles=4
    )
    monkeypatch.setattr(type(preprocessor), "converts_batches", converts)
    source = options.pop("source", None)
    return data.pipeline(
        source or tf.data.Dataset.from_tensor_slices(rows),
        TASKS,
        preprocessor=preprocessor,
        example=_example,
        batch_size=5,
        **options,
    )


def _batches(monkeypatch, converts, rows=ROWS, **options):
    dataset = _pipeline(monkeypatch, converts, rows, **options)
    assert len(dataset) == sum(1 for _ in dataset)
    return list(dataset.as_numpy_iterator())


def _mask_prices(inputs, labels, seed):
    """Drops some labels at random."""
    drawn = tf.random.stateless_uniform(tf.shape(labels["price"]), seed)
    price = tf.where(drawn < 0.5, labels["price"], float("nan"))
    return inputs, {**labels, "price": price}


def _check_same(batches, others):
    assert len(batches) == len(others) > 3
    for one, other in zip(batches, others, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize(
    ("options", "most_bytes"),
    [
        ({}, 1 << 20),
        ({"drop_remainder": True}, 1 << 20),
        ({"training": True, "epoch": 3, "seed": 7}, 1 << 20),
        # Converted batch by batch.
        ({"training": True, "epoch": 3, "seed": 7}, 0),
        ({"training": True, "epoch": 3, "shuffle_buffer": 4}, 1 << 20),
        ({"training": True, "epoch": 3, "augment": _mask_prices}, 1 << 20),
    ],
)
def test_batches_are_those_of_examples_prepared_one_by_one(
    monkeypatch, options, most_bytes
):
    # Three chunks, the last one of three examples.
    monkeypatch.setattr(stacked, "_CHUNK_BATCHES", 2)
    monkeypatch.setattr(stacked, "_MOST_BYTES", most_bytes)
    alone = _batches(monkeypatch, False, **options)
    _check_same(alone, _batches(monkeypatch, True, **options))


def test_epochs_of_stacked_examples_are_single_epochs(monkeypatch):
    options = {"training": True, "seed": 7, "augment": _mask_prices}
    options["source"] = tf.data.Dataset.from_tensor_slices(ROWS)
    run = data.epochs(
        lambda epoch: _pipeline(monkeypatch, True, epoch=epoch, **options), 2, 6
    )
    single = [
        batch
        for epoch in range(2, 6)
        for batch in _batches(monkeypatch, False, epoch=epoch, **options)
    ]
    assert len(run) == len(single)
    _check_same(single, list(run.as_numpy_iterator()))


def test_no_example_is_no_batch(monkeypatch):
    rows = {name: values[:0] for name, values in ROWS.items()}
    assert _batches(monkeypatch, True, rows) == []
