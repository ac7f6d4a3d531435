"""What `intent_slot` builds, beyond what every entry is tested for."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from mtl_keras import data, export
from zoo.commands.predict import sentences
from zoo.datasets.snips import Builder, names
from zoo.text import intent_slot, trunks

_ENTRY = intent_slot.IntentSlot()
_SPEC = _ENTRY.spec("snips")
_SMALL = {"units": 8, "word_units": 8, "spelling_units": 8}
_SENTENCES = ("play some jazz on spotify", "what's up", "book it")


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("snips", tasks), **overrides)


@functools.cache
def _preprocessor():
    # Its graph takes seconds to trace: once.
    return _ENTRY.preprocessor(_SPEC)


def _inputs(sentences):
    inputs, _ = _preprocessor()(tf.constant(sentences))
    return inputs


@pytest.mark.sampled
@pytest.mark.parametrize("crf", [False, True])
@pytest.mark.parametrize("trunk", trunks.list_trunks())
def test_padding_changes_no_answer(trunk, crf):
    keras.utils.set_random_seed(0)
    model = _build(trunk=trunk, crf=crf, **_SMALL)
    together = model(_inputs(_SENTENCES))
    for row, sentence in enumerate(_SENTENCES):
        alone = model(_inputs([sentence]))
        length = alone["slot"].shape[1]
        for name, value in (
            ("intent", together["intent"][row]),
            ("slot", together["slot"][row, :length]),
        ):
            np.testing.assert_allclose(alone[name][0], value, atol=1e-5)


@pytest.mark.parametrize("trunk", trunks.list_trunks())
def test_counted_model_has_the_same_variables(trunk):
    counted = _build(trunk=trunk, **_SMALL, num_tokens=5)
    built = _build(trunk=trunk, **_SMALL)
    assert counted.count_params() == built.count_params()


def test_tags_read_the_intent_where_both_are_asked():
    def read(**changes):
        model = _build(**_SMALL, **changes)
        return model.get_layer("slot_hidden").kernel.shape[0]

    assert read() == 8 + len(names.INTENTS)
    assert read(intent_to_slot=False) == 8
    assert read(tasks=("slot",)) == 8


def test_one_task_alone():
    for name in ("intent", "slot"):
        model = _build(tasks=(name,), **_SMALL)
        assert list(model.tasks) == [name]
        metrics = [m.name for m in model.tasks[name].default_metrics()]
        assert "sentence_accuracy" not in metrics


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trunk": "lstm"}, "Unknown trunk: 'lstm'.*mean 'bilstm'"),
        ({"tasks": ("slots",)}, "mean 'slot'"),
        ({"tasks": ()}, "at least one of"),
        ({"units": 6}, "multiple of 4"),
        ({"depth": 0}, "`depth` must be an integer of at least 1"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        _build(**arguments)


@pytest.mark.slow
def test_examples_faked_from_the_features_become_batches(tmp_path):
    # Random strings for tokens: what matters is that tags stay in step.
    with tfds.testing.mock_data(num_examples=20):
        builder = Builder(data_dir=str(tmp_path))
        source = builder.as_dataset(split="train")

    def in_step(element):
        count = tf.minimum(tf.size(element["tokens"]), tf.size(element["tags"]))
        tokens = tf.repeat(tf.constant(["jazz"]), count)
        return {**element, "tokens": tokens, "tags": element["tags"][:count]}

    dataset = data.pipeline(
        source.map(in_step).filter(lambda e: tf.size(e["tags"]) > 0),
        _ENTRY.tasks(_SPEC),
        preprocessor=_preprocessor(),
        example=_ENTRY.example(_SPEC),
        augment=_ENTRY.augmentation(_SPEC),
        training=True,
        epoch=0,
        batch_size=4,
        **_ENTRY.batching(_SPEC),
    )
    model = _build(**_SMALL)
    model.compile("sgd")
    history = model.fit(dataset, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    for inputs, labels, _ in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(
            inputs["words"] == 0, labels["slot"] == -1
        )


@pytest.mark.slow
def test_sentences_go_in_and_spans_come_out_of_an_export(tmp_path):
    model = _build(**_SMALL)
    path = export.saved_model(
        model,
        tmp_path / "1",
        preprocessor=_preprocessor(),
        postprocessor=_ENTRY.postprocessor(_SPEC),
    )
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    answers = served(text=tf.constant(_SENTENCES))
    expected = model.predict(_inputs(_SENTENCES), verbose=0)
    np.testing.assert_allclose(answers["slot"], expected["slot"], atol=1e-5)
    for sentence, starts, ends, found in zip(
        _SENTENCES,
        answers["slot_starts"].numpy(),
        answers["slot_ends"].numpy(),
        answers["slot_texts"].numpy(),
        strict=True,
    ):
        for start, end, text in zip(starts, ends, found, strict=True):
            assert text.decode() == ("" if start < 0 else sentence[start:end])


def test_lines_of_an_answer():
    answer = {
        "intent_name": np.bytes_("PlayMusic"),
        "intent_score": np.float32(0.987),
        "slot_names": np.array([b"genre", b""], object),
        "slot_texts": np.array([b"jazz", b""], object),
    }
    tasks = {task.name: task for task in _ENTRY.tasks(_SPEC)}
    assert sentences.describe(answer, tasks) == [
        "intent  PlayMusic 0.99",
        "slot    genre: jazz",
    ]
    answer["slot_names"] = answer["slot_texts"] = np.array([], object)
    assert sentences.describe(answer, tasks)[1] == "slot    none"


@pytest.mark.parametrize(
    ("given", "message"),
    [([], "each in quotes"), (["play jazz", " ?!"], "at least one word")],
)
def test_no_sentence_to_answer(given, message):
    with pytest.raises(ValueError, match=message):
        sentences.predict(None, {}, given)
