"""Copies of a trunk: their variables, weights and stages."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras.sharing import Trunk


def _function(x):
    return layers.Dense(3, name="dense")(x)


def _sequential():
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, name="dense")])


def _functional():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(3, name="dense")(x), name="given")


TRUNKS = {
    "function": lambda: _function,
    "layer": lambda: layers.Dense(3),
    "sequential": _sequential,
    "functional": _functional,
    # Named, since a first layer without a name is "dense" as well.
    "stages": lambda: [layers.Dense(4, name="first"), _function],
}


@pytest.mark.parametrize("kind", sorted(TRUNKS))
def test_each_copy_has_variables_of_its_own(kind):
    x = keras.Input((4,))
    trunk = Trunk(TRUNKS[kind]())
    copies = [trunk(x, name=f"copy_{i}") for i in range(3)]
    model = keras.Model(x, copies)
    num_weights = 4 if kind == "stages" else 2
    assert len({id(v) for v in model.weights}) == 3 * num_weights
    assert [layer.name for layer in model.layers[1:]] == [
        "copy_0",
        "copy_1",
        "copy_2",
    ]
    again = keras.Model.from_config(model.get_config())
    assert len(again.weights) == len(model.weights)


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_weights_that_the_user_loaded_are_in_every_copy(kind):
    given = TRUNKS[kind]()
    given.set_weights([np.full((4, 3), 2.0), np.full(3, 5.0)])
    x = keras.Input((4,))
    trunk = Trunk(given)
    assert trunk.has_weights
    copies = [trunk.model(x, name=f"copy_{i}") for i in range(3)]
    assert copies[0].weights[0] is given.weights[0]
    for copy in copies:
        assert np.all(copy.get_weights()[0] == 2.0)
        assert np.all(copy.get_weights()[1] == 5.0)


def test_copies_draw_their_own_weights_where_asked():
    trunk = Trunk(_sequential(), copy_weights=False)
    x = keras.Input((4,))
    kernels = [trunk.model(x, f"c{i}").get_weights()[0] for i in range(2)]
    assert not trunk.has_weights
    assert not np.array_equal(*kernels)


def test_a_layer_without_weights_yet_draws_them_for_each_copy():
    trunk = Trunk(layers.Dense(3))
    x = keras.Input((4,))
    kernels = [trunk.model(x, f"c{i}").get_weights()[0] for i in range(2)]
    assert not np.array_equal(*kernels)


def test_without_a_name_the_layers_belong_to_the_outer_model():
    x = keras.Input((4,))
    model = keras.Model(x, Trunk(_function)(x))
    assert model.get_layer("dense").units == 3


def test_stages_are_trunks():
    trunk = Trunk([_function, layers.Dense(2)])
    assert [type(stage) for stage in trunk.stages] == [Trunk, Trunk]
    x = keras.Input((4,))
    middle = trunk.stages[0](x, name="first")
    assert trunk.stages[1](middle, name="second").shape == (None, 2)
    alone = Trunk(_function)
    assert alone.stages == (alone,)


def test_a_list_within_a_list_is_one_stage():
    given = _sequential()
    trunk = Trunk([[lambda x: 2 * x, given], layers.Dense(2)])
    assert len(trunk.stages) == 2
    assert trunk.has_weights
    copies = [trunk.model(keras.Input((4,)), f"c{i}") for i in range(2)]
    kernels = [copy.get_weights()[0] for copy in copies]
    assert np.array_equal(*kernels)


def test_takes_a_dict_of_inputs_and_returns_a_dict():
    def trunk(inputs):
        both = layers.Concatenate()([inputs["left"], inputs["right"]])
        return {"top": layers.Dense(2)(both), "low": inputs["left"]}

    inputs = {n: keras.Input((3,), name=n) for n in ("left", "right")}
    features = Trunk(trunk)(inputs, name="copy")
    assert features["top"].shape == (None, 2)
    assert features["low"].shape == (None, 3)
