"""No input makes a server fall, or take much memory; docs/inputs.md is true."""

import os
import pathlib
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

from mtl_keras import data, export
from tests.mtl_keras.data.hostile_cases import CASES
from tests.mtl_keras.data.hostile_damage import KINDS, VALID, mutated
from tests.mtl_keras.data.hostile_files import COLUMNS, JOBS, RATE

_SERVER = pathlib.Path(__file__).with_name("hostile_server.py")
_PAGE = pathlib.Path(__file__).parents[3] / "docs" / "inputs.md"
# What the signature itself says of arguments, before any graph runs.
_ERRORS = {"InvalidArgumentError"}
_ERRORS_OF_ARGUMENTS = {*_ERRORS, "TypeError"}
_MOST_GROWTH = 200 << 20


def exported(kind, folder):
    """A model of hardly any layers, which hide nothing."""
    keras.utils.set_random_seed(0)
    layers, decoder = keras.layers, None
    if kind == "image":
        prepare = data.ImagePreprocessor(8, 8, 1)
        inputs = keras.Input((8, 8, 1), name="image")
        x = layers.Flatten()(inputs)
        outputs = {"box": layers.Dense(4, "sigmoid", name="box")(x)}
        decoder = data.AnswerDecoder([{"name": "box", "kind": "box"}], 8, 8)
    elif kind == "text":
        prepare = data.SentencePreprocessor(["play", "jazz"], word_length=6)
        words = keras.Input((None,), dtype="int32", name="words")
        letters = keras.Input((None, 6), dtype="int32", name="characters")
        inputs = {"words": words, "characters": letters}
        spelling = layers.Embedding(prepare.num_characters, 2)(letters)
        spelling = keras.ops.mean(spelling, axis=2)
        meaning = layers.Embedding(prepare.num_words, 4)(words)
        x = layers.Concatenate()([meaning, spelling])
        outputs = {"slot": layers.Dense(3, "softmax", name="slot")(x)}
        tags = ["O", "B-what", "I-what"]
        decoder = data.SpanDecoder(
            [{"name": "slot", "kind": "tagging", "class_names": tags}]
        )
    elif kind == "audio":
        prepare = data.AudioPreprocessor(RATE, 1.0, num_mels=16)
        inputs = keras.Input((prepare.num_frames, 16), name="audio")
        x = layers.Flatten()(inputs)
        outputs = {"sound": layers.Dense(2, name="sound")(x)}
    elif kind == "clip":
        prepare = data.ClipPreprocessor(4, 8, 8, 1)
        inputs = keras.Input((4, 8, 8, 1), name="clip")
        x = layers.Flatten()(inputs)
        outputs = {"motion": layers.Dense(2, name="motion")(x)}
    else:
        prepare = data.ColumnPreprocessor(COLUMNS, {"job": JOBS})
        inputs = keras.Input((prepare.num_features,), name="columns")
        outputs = {"price": layers.Dense(2, name="price")(inputs)}
    model = keras.Model(inputs, outputs)
    return export.saved_model(model, folder, prepare, decoder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An exported model of each kind."""
    folder = tmp_path_factory.mktemp("hostile")
    return {kind: exported(kind, folder / kind) for kind in KINDS}


def serve(tmp_path, folders, calls):
    """Lets a server of its own answer; `{kind: dicts of arguments}`."""
    asked, answers = tmp_path / "calls", tmp_path / "answers"
    pairs = [(str(folders[kind]), rows) for kind, rows in calls.items()]
    asked.write_bytes(pickle.dumps(pairs))
    server = subprocess.run(
        [sys.executable, _SERVER, asked, answers],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if server.returncode:
        place = server.stdout.split()[-2:]
        call = pairs[int(place[0])][1][int(place[1])] if place else None
        pytest.fail(f"The server fell at {call!r}"[:500] + server.stderr)
    received = pickle.loads(answers.read_bytes())
    results = dict(zip(calls, received["results"], strict=True))
    for kind, rows in calls.items():
        assert results[kind][0][0] == "answer", results[kind][0]
        assert_sound(kind, rows, results[kind])
    assert received["grown"] < _MOST_GROWTH
    return results


def assert_sound(kind, calls, results):
    errors = _ERRORS_OF_ARGUMENTS if kind == "columns" else _ERRORS
    for call, (outcome, said) in zip(calls, results, strict=True):
        if outcome != "answer":
            assert outcome in errors, (call, outcome, said)
            continue
        batch = len(next(iter(call.values())))
        for name, value in said.items():
            assert len(value) == batch, (call, name)
            if value.dtype.kind == "f":
                assert np.isfinite(value).all(), (call, name, value)


def assert_same(received, expected, case):
    assert received.keys() == expected.keys(), case
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, case)


@pytest.fixture(scope="module")
def results(folders, tmp_path_factory):
    """All that is asked by default, of one server: most time is its start."""
    calls = {}
    for kind, cases in CASES.items():
        likes = [case.like for case in cases if case.like is not None]
        calls[kind] = [VALID[kind], *(case.call for case in cases)]
        calls[kind] += [*likes, *mutated(kind, 30)]
    return serve(tmp_path_factory.mktemp("asked"), folders, calls)


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize("kind", KINDS)
def test_each_case_is_answered_as_documented(kind, results):
    cases, received = CASES[kind], results[kind][1:]
    expected = iter(received[len(cases) :])
    for case, (outcome, said) in zip(cases, received, strict=False):
        if case.refused:
            assert outcome != "answer", case.name
            assert case.refused in said, (case.name, said)
        else:
            assert outcome == "answer", (case.name, said)
        if case.like is not None:
            assert_same(said, next(expected)[1], case.name)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_do_no_harm(kind, results):
    # That they did none was checked when they were served. Some were answered,
    # or the damage was too large to reach anything.
    assert "answer" in {outcome for outcome, _ in results[kind][-30:]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_damaged_inputs_do_no_harm(kind, folders, tmp_path):
    calls = [VALID[kind], *mutated(kind, 300, seed=1)]
    results = serve(tmp_path, folders, {kind: calls})[kind]
    num_answers = sum(outcome == "answer" for outcome, _ in results)
    assert num_answers > 30
    # Nearly every string is a sentence.
    assert num_answers < 270 or kind == "text"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_each_input_gets(kind):
    page = _PAGE.read_text(encoding="utf-8").splitlines()
    # Behind it an empty line, and the two of the table's head.
    start = page.index(f"<!-- hostile: {kind} -->") + 4
    rows = [case.row for case in CASES[kind]]
    assert page[start : page.index("", start)] == rows
