"""`benchmark serving`: what it refuses, and that its figures are of calls."""

import json

import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras.profiling.serving import ServingTimes
from tests.test_case import assert_close
from zoo.commands import benchmark, serving_benchmark


def test_figures_of_times():
    plain = np.array([1.0, 2.0, 4.0])
    times = ServingTimes(plain, 1.1 * plain, 2.2 * plain)
    found = times.summary()
    assert_close(found["plain_ms"], 2000.0)
    assert_close(found["ratio"], 1.1)
    assert_close(found["interval"], (1.1, 1.1))
    assert_close(found["preprocessing"], 0.5)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["servin"], "Did you mean 'serving'"),
        (["serving", "--models=cls_det_bx"], "Did you mean 'cls_det_box'"),
        (["serving", "--batches=0"], "integers of at least 1"),
        (["serving", "--batches=1,x"], "integers of at least 1"),
    ],
)
def test_wrong_flags(capsys, argv, message):
    assert benchmark.main(argv) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed


@pytest.mark.sampled
@pytest.mark.parametrize("name", zoo.list_models())
def test_there_is_an_example_for_each_preprocessor(name):
    preprocessor = zoo.load(name).preprocessor
    raw = serving_benchmark._raw(preprocessor, 2)
    inputs, _ = preprocessor(
        {
            key: tf.constant(value, preprocessor.input_signature()[key].dtype)
            for key, value in raw.items()
        }
    )
    for value in inputs.values():
        assert value.shape[0] == 2
        if value.dtype.is_floating:
            assert np.isfinite(value).all()


@pytest.mark.slow
def test_a_line_for_each_batch_size(tmp_path, tiny, capsys):
    output = tmp_path / "times.json"
    argv = ["serving", f"--models={tiny}", "--batches=1,2", "--steps=3"]
    assert benchmark.main([*argv, f"--output={output}"]) == 0
    figures = json.loads(output.read_text())
    assert [line["batch"] for line in figures] == [1, 2]
    for line in figures:
        assert line["calls"] == 3
        assert 0 < line["dense_ms"] and 0 < line["plain_ms"]
        assert line["preprocessing"] < 1
    assert capsys.readouterr().out.count(tiny) == 2
