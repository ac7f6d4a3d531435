"""A checkpoint holds everything, bit by bit, or says what is wrong with it."""

import os
import signal
import stat
import subprocess
import sys

import keras
import numpy as np
import pytest

from mtl_keras import files
from mtl_keras.training import checkpoint
from tests import test_case as case
from tests.test_case import to_numpy

X, LABELS = case.vector_data(32)


def dropout_model(hidden=8, optimizer=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    trunk = keras.layers.Dense(hidden, "relu")(inputs)
    trunk = keras.layers.BatchNormalization()(trunk)
    trunk = keras.layers.Dropout(0.5)(trunk)
    from mtl_keras import MultiTaskModel

    model = MultiTaskModel(inputs, {"a": keras.layers.Dense(4)(trunk)})
    model.compile(optimizer or keras.optimizers.Adam(0.01), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train(model):
    model.fit(X, {"a": LABELS["box"]}, batch_size=8, shuffle=False, verbose=0)


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [to_numpy(variable.value) for variable in variables]


@pytest.fixture(scope="module")
def model():
    model = dropout_model()
    train(model)
    return model


@pytest.fixture
def path(model, tmp_path):
    path = tmp_path / "run" / "checkpoint.npz"
    checkpoint.save(model, path, {"epoch": 3, "best": 0.25})
    return path


def test_round_trip_is_bitwise_and_training_goes_on_alike(tmp_path):
    first, second = dropout_model(), dropout_model()
    train(first)
    checkpoint.save(first, tmp_path / "c.npz", {"epoch": 1})
    assert checkpoint.restore(second, tmp_path / "c.npz") == {"epoch": 1}
    for _ in range(2):
        for a, b in zip(state(first), state(second), strict=True):
            np.testing.assert_array_equal(a, b)
        # Dropout draws the same masks only if its seed's state came along.
        train(first)
        train(second)


def test_bfloat16_variables_come_back(tmp_path):
    keras.config.set_dtype_policy("bfloat16")
    try:
        model = dropout_model()
    finally:
        keras.config.set_dtype_policy("float32")
    before = state(model)
    checkpoint.save(model, tmp_path / "c.npz", {})
    for variable in model.trainable_variables:
        variable.assign(variable.value + 1)
    checkpoint.restore(model, tmp_path / "c.npz")
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_file_can_be_read_by_whom_the_user_allows(path):
    expected = 0o666 & ~_umask()
    assert stat.S_IMODE(path.stat().st_mode) == expected


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def assert_refused(model, path, words="cannot be read.*Delete it"):
    before = state(model)
    with pytest.raises(ValueError, match=words):
        checkpoint.restore(model, path)
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_truncated_at_any_length(model, path):
    whole = path.read_bytes()
    lengths = {*range(0, 40), *range(40, len(whole), 97), len(whole) - 1}
    for length in sorted(lengths):
        path.write_bytes(whole[:length])
        assert_refused(model, path)


def test_damaged_anywhere(model, path):
    # A flipped bit is found by the archive's checksums, or in its headers; one
    # that matters to nobody (a time stamp) changes nothing.
    whole = bytearray(path.read_bytes())
    expected = state(model)
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.integers(0, len(whole), 200):
        damaged = whole.copy()
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            checkpoint.restore(model, path)
        except ValueError as error:
            assert "The checkpoint" in str(error)
            refused += 1
        for a, b in zip(expected, state(model), strict=True):
            np.testing.assert_array_equal(a, b)
    assert refused > 100


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x93NUMPY"])
def test_no_checkpoint_at_all(model, path, content):
    path.write_bytes(content)
    assert_refused(model, path)
    path.unlink()
    assert_refused(model, path)


def test_array_alone_is_no_checkpoint(model, path):
    with open(path, "wb") as file:
        np.save(file, np.ones(3))
    assert_refused(model, path)


def test_checkpoint_of_another_model_or_optimizer(path):
    words = "is of another model or optimizer.*Choose another workdir"
    assert_refused(dropout_model(hidden=9), path, words)
    assert_refused(dropout_model(optimizer="sgd"), path, words)


def test_failure_while_writing_leaves_the_old_file(path):
    old = path.read_bytes()

    def fail(file):
        file.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        files.write_atomically(path, fail)
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_kill_while_writing_leaves_the_old_file(path):
    old = path.read_bytes()
    # The process kills itself where the new file is written and not yet named.
    source = (
        "import os, signal, sys\n"
        "from mtl_keras import files\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_atomically("
        "sys.argv[1], lambda file: file.write(b'new'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, str(path)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == old
    # What it left is written over, so that kills do not fill the disk.
    assert len(os.listdir(path.parent)) == 2
    files.write_atomically(path, lambda file: file.write(b"new"))
    assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() == b"new"
