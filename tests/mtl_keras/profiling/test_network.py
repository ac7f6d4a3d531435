"""The benchmark's networks: what they hold and what they compute in."""

import keras
import numpy as np
import pytest

from mtl_keras.profiling import network, step
from mtl_keras.profiling.network import Network


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", sorted(network.DTYPES))
@pytest.mark.parametrize("trunk", sorted(network.TRUNKS))
def test_trunk_in_its_dtype_and_answers_in_float32(trunk, dtype):
    before = keras.config.dtype_policy().name
    made = Network(num_tasks=2, batch_size=1, trunk=trunk, dtype=dtype)
    model = made.compiled(keras.Model, None, jit_compile=False)
    convolutions = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert len(convolutions) == {"cnn": 7, "resnet50": 53}[trunk]
    assert {layer.compute_dtype for layer in convolutions} == {dtype}
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    x, y = made.batch()
    outputs = model(x)
    assert set(outputs) == set(y) == {"task0", "task1"}
    for output in outputs.values():
        assert output.shape == (1, network.NUM_CLASSES)
        assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert keras.config.dtype_policy().name == before


def test_same_seed_same_weights_and_batch():
    first, second = (Network(num_tasks=1, batch_size=2, seed=3) for _ in "ab")
    np.testing.assert_array_equal(first.batch()[0], second.batch()[0])
    weights = [
        made.compiled(keras.Model, None, jit_compile=False).get_weights()
        for made in (first, second)
    ]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_interleaved_calls_each_function_as_often():
    calls = []
    functions = [lambda: calls.append("a"), lambda: calls.append("b")]
    times = step.interleaved(functions, steps=7, warmup=2)
    assert times.shape == (2, 7) and (times > 0).all()
    assert calls.count("a") == calls.count("b") == 9


def test_interval_holds_the_median():
    ours = np.linspace(1.0, 2.0, 101)
    times = step.StepTimes(np.ones(101), ours)
    low, high = times.interval()
    assert times.ratio == pytest.approx(1.5)
    assert low < times.ratio < high
    assert times.mean_ratio == pytest.approx(1.5)
