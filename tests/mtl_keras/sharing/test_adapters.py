"""Tasks with inputs of their own: adapters into one space."""

import keras
import numpy as np
import pytest
from keras import layers

import mtl_keras
from tests.mtl_keras.sharing import cases


def _build(sizes, **arguments):
    return mtl_keras.build(
        {name: keras.Input((n,), name=name) for name, n in sizes.items()},
        cases.tasks(),
        trunk=cases.stages(),
        sharing={"name": "adapters", **arguments},
    )


SIZES = {"a_input": 5, "b_input": 3}


def test_inputs_of_any_size_enter_one_trunk():
    model = _build(SIZES)
    # Into the larger space of 5: 5 x 5 + 5 and 3 x 5 + 5; then one trunk of
    # 5 x 6 + 6 and 35, two heads of 6.
    assert model.count_params() == 30 + 20 + 36 + 35 + 2 * 6
    x = {name: np.ones((2, n), "float32") for name, n in SIZES.items()}
    changed = {**x, "b_input": 2 * x["b_input"]}
    np.testing.assert_array_equal(model(x)["a"], model(changed)["a"])
    assert not np.array_equal(model(x)["b"], model(changed)["b"])


def test_tasks_of_one_data_set_share_its_adapter():
    names = {"a": "table", "b": "table"}
    model = _build({"table": 4}, inputs=names, units=2)
    assert model.count_params() == 10 + 18 + 35 + 2 * 6


def test_adapters_may_be_given():
    adapter = keras.Sequential([layers.Dense(7, "relu"), layers.Dense(4)])
    model = _build(
        SIZES, adapters={"a_input": adapter, "b_input": layers.Dense(4)}
    )
    again = type(model).from_config(model.get_config())
    assert again.count_params() == model.count_params()
    kinds = [type(a).__name__ for a in again.sharing.adapters.values()]
    assert kinds == ["Sequential", "Dense"]


@pytest.mark.parametrize(
    "sizes, arguments, message",
    [
        ({"a_input": 5}, {}, "Task 'b' has no input"),
        (
            SIZES,
            {"adapters": {"a_input": layers.Dense(4)}},
            "The input 'b_input' has no adapter",
        ),
        (
            SIZES,
            {
                "adapters": {
                    "a_input": layers.Dense(4),
                    "b_input": layers.Dense(3),
                }
            },
            "must map all inputs to one shape",
        ),
        (SIZES, {"inputs": {"c": "a_input"}}, "names the task 'c'"),
        (SIZES, {"adapters": {"a_input": 3}}, "must be a Keras layer"),
        (SIZES, {"units": 0}, "`units` must be an integer of at least 1"),
    ],
)
def test_wrong_input_is_refused(sizes, arguments, message):
    with pytest.raises(ValueError, match=message):
        _build(sizes, **arguments)


def test_one_input_for_all_is_refused():
    with pytest.raises(ValueError, match="needs a dict of inputs"):
        mtl_keras.build(
            keras.Input((4,)),
            cases.tasks(),
            trunk=cases.stages(),
            sharing="adapters",
        )
