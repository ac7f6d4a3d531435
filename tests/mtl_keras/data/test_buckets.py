"""Like lengths come together, padded to few lengths; no example is lost."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task, data
from mtl_keras.data import batches, stacked

LENGTHS = (1, 3, 4, 4, 5, 9, 2, 17, 8, 1)
BUCKETS = (4, 8)
TASKS = (
    Task("slot", "tagging", num_classes=20),
    Task("mood", "classification", num_classes=3),
)


def _source():
    def examples():
        for number, length in enumerate(LENGTHS):
            tokens = np.full(length, number + 1, "int32")
            yield {"words": tokens}, {"slot": tokens, "mood": number % 3}

    return tf.data.Dataset.from_generator(
        examples,
        output_signature=(
            {"words": tf.TensorSpec((None,), tf.int32)},
            {
                "slot": tf.TensorSpec((None,), tf.int32),
                "mood": tf.TensorSpec((), tf.int32),
            },
        ),
    ).apply(tf.data.experimental.assert_cardinality(len(LENGTHS)))


def _pipeline(source=None, **arguments):
    arguments = {"bucket_lengths": BUCKETS, "batch_size": 3, **arguments}
    return batches.pipeline(source or _source(), TASKS, **arguments)


@pytest.fixture(params=["stacked", "not stacked"], autouse=True)
def memory(request, monkeypatch):
    """Lets examples be kept as they are read, as if there were too many."""
    if request.param == "not stacked":
        monkeypatch.setattr(stacked, "_MOST_BYTES", 0)


@pytest.mark.parametrize("arguments", [{}, {"training": True, "epoch": 2}])
def test_every_example_comes_once_and_is_padded(arguments):
    dataset = _pipeline(**arguments)
    found = []
    for inputs, labels, weights in dataset.as_numpy_iterator():
        words, slot = inputs["words"], labels["slot"]
        assert words.shape == slot.shape
        # 9 and 17 lie beyond the last bucket: padded to multiples of 8.
        assert words.shape[1] in (4, 8, 16, 24)
        np.testing.assert_array_equal(words == 0, slot == -1)
        np.testing.assert_array_equal(np.maximum(slot, 0), words)
        np.testing.assert_array_equal(weights["slot"], 1)
        assert len(weights["mood"]) == len(words)
        found += [(row[0], (row > 0).sum()) for row in words]
    assert sorted(found) == list(enumerate(LENGTHS, start=1))


@pytest.mark.parametrize("drop_remainder", [False, True])
def test_number_of_batches_is_known(drop_remainder):
    dataset = _pipeline(drop_remainder=drop_remainder)
    assert len(list(dataset)) == int(dataset.cardinality())
    # Six sentences of up to 4 words, two of up to 8, two beyond.
    assert int(dataset.cardinality()) == (2 if drop_remainder else 5)


def test_order_depends_on_the_epoch_alone():
    def read(epoch):
        dataset = _pipeline(training=True, epoch=epoch, seed=3)
        return [x["words"].tobytes() for x, _, _ in dataset.as_numpy_iterator()]

    assert read(0) == read(0)
    assert read(0) != read(1)


def test_epochs_run_through_buckets():
    source = _source()
    dataset = data.epochs(
        lambda epoch: _pipeline(source, training=True, epoch=epoch), 0, 2
    )
    assert len(list(dataset)) == int(dataset.cardinality()) == 10


@pytest.mark.slow
def test_preprocessor_gets_whole_batches():
    preprocessor = data.SentencePreprocessor(["play", "jazz"])
    sentences = ["play jazz", "play", "some jazz please at nine", "play it"]
    source = tf.data.Dataset.from_tensor_slices(
        ({"text": sentences}, {"mood": [0, 1, 2, 0]})
    )
    dataset = batches.pipeline(
        source,
        TASKS[1:],
        preprocessor=preprocessor,
        bucket_lengths=BUCKETS,
        batch_size=2,
    )
    shapes = [x["words"].shape for x, _, _ in dataset.as_numpy_iterator()]
    assert shapes == [(2, 4), (1, 4), (1, 8)]
    assert dataset.element_spec[0]["characters"].shape == (None, None, 14)


@pytest.mark.parametrize("lengths", [(), (4, 4), (8, 4), (0, 4), 4, ("a",)])
def test_wrong_lengths(lengths):
    with pytest.raises(ValueError, match="increasing integers"):
        _pipeline(bucket_lengths=lengths)


def test_examples_of_one_shape_have_no_length():
    source = tf.data.Dataset.from_tensor_slices(
        ({"x": np.zeros((4, 2))}, {"mood": [0, 1, 2, 0]})
    )
    with pytest.raises(ValueError, match="first axis of unknown size"):
        batches.pipeline(source, TASKS[1:], bucket_lengths=BUCKETS)


def test_cache_of_what_is_preprocessed_later():
    with pytest.raises(ValueError, match="only raw examples"):
        _pipeline(cache="preprocessed")
