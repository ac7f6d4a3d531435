"""Adam with a momentum by the cosine: against NumPy, and Keras's Adam."""

import keras
import numpy as np
import pytest

from mtl_keras.optimizers import AdaptiveAdam, from_recipe
from tests.test_case import to_numpy


def steps(optimizer, gradients):
    """Where a variable of zeros goes."""
    variable = keras.Variable(np.zeros(4, "float32"))
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        yield to_numpy(variable.value).copy()


def gradients(seed=0):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(6, 4)).astype("float32")
    # A turn, and no gradient at all.
    return [first[0], first[1], -first[1], np.zeros(4, "float32"), *first[2:]]


@pytest.mark.parametrize("beta_min", [0.0, 0.5])
def test_steps_are_those_of_the_formula(beta_min):
    optimizer = AdaptiveAdam(0.1, beta_min=beta_min, epsilon=1e-7)
    value, m, v, product = (np.zeros(4) for _ in range(4))
    product = 1.0
    received = steps(optimizer, gradients())
    for t, (g, after) in enumerate(zip(gradients(), received, strict=True), 1):
        lengths = np.linalg.norm(m) * np.linalg.norm(g)
        cosine = m @ g / lengths if lengths else 0.0
        beta = beta_min + (0.9 - beta_min) * (1 + cosine) / 2
        product *= beta
        m = beta * m + (1 - beta) * g
        v = 0.999 * v + 0.001 * g.astype("float64") ** 2
        root = np.sqrt(v / (1 - 0.999**t))
        value = value - 0.1 * m / (1 - product) / (root + 1e-7)
        np.testing.assert_allclose(after, value, rtol=1e-3, atol=1e-5)


def test_embedding_has_a_sparse_gradient():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Embedding(5, 2)
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer])
    model.compile(AdaptiveAdam(0.1, beta_min=0.9, beta_1=0.9), "mse")
    adam = keras.models.clone_model(model)
    adam.set_weights(model.get_weights())
    adam.compile(keras.optimizers.Adam(0.1), "mse")
    for one in (model, adam):
        one.train_on_batch(np.array([[0, 1, 1]]), np.ones((1, 3, 2)))
    np.testing.assert_allclose(
        model.get_weights()[0], adam.get_weights()[0], rtol=1e-5
    )


def test_without_room_for_the_decay_it_is_adam():
    ours = steps(AdaptiveAdam(0.1, beta_1=0.8, beta_min=0.8), gradients())
    adam = steps(keras.optimizers.Adam(0.1, beta_1=0.8), gradients())
    for one, other in zip(ours, adam, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_config_and_recipe_make_the_same_optimizer():
    optimizer = from_recipe(
        {"name": "adaptiveadam", "learning_rate": 0.01, "weight_decay": 0.1},
        epochs=1,
        steps_per_epoch=1,
    )
    assert type(optimizer) is AdaptiveAdam and optimizer.weight_decay == 0.1
    config = keras.optimizers.serialize(optimizer)
    restored = keras.optimizers.deserialize(config)
    assert restored.get_config() == optimizer.get_config()


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`beta_min`.*Received"):
        AdaptiveAdam(beta_1=0.5, beta_min=0.6)
    with pytest.raises(ValueError, match="amsgrad"):
        AdaptiveAdam(amsgrad=True)
