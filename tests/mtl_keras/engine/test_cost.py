"""How often a step runs through the trunk, counted in the program."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, balancing

NUM_TASKS = 4
NUM_CONVOLUTIONS = 3
X = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
Y = {f"task{k}": np.ones((2,), "float32") for k in range(NUM_TASKS)}


class Norms(balancing.GradientBalancer):
    """Weights that read the Gramian, or it would not be computed."""

    def _weigh(self, step):
        return keras.ops.diagonal(step.gramian)


def convolutional(balancer):
    inputs = keras.Input((8, 8, 3), name="image")
    features = inputs
    for _ in range(NUM_CONVOLUTIONS):
        features = layers.Conv2D(4, 3, activation="tanh")(features)
    features = layers.Flatten()(features)
    outputs = {name: layers.Dense(1, name=name)(features) for name in Y}
    model = MultiTaskModel(inputs, outputs)
    model.compile("sgd", "mse", loss_weights=balancer)
    model.optimizer.build(model.trainable_variables)
    return model


def count_on_tensorflow(model):
    """Passes backward through the kernels of the convolutions."""
    import tensorflow as tf

    step = tf.function(lambda x, y: model.train_step((x, y)))
    graph = step.get_concrete_function(tf.constant(X), dict(Y)).graph
    # What the step's results and assignments read; the rest never runs.
    ends = [op.name for op in graph.control_outputs]
    ends += [tensor.op.name for tensor in graph.outputs]
    definition = tf.compat.v1.graph_util.extract_sub_graph(
        graph.as_graph_def(), ends
    )
    types = [node.op for node in definition.node]
    for function in definition.library.function:
        types += [node.op for node in function.node_def]
    assert not {"While", "StatelessWhile"} & set(types)
    return types.count("Conv2DBackpropFilter")


def count_on_jax(model):
    """All convolutions, less those of the forward pass."""
    import jax

    state = [
        [v.value for v in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
    ]
    # The program as it is compiled: what nothing reads is not in it.
    text = jax.jit(model.train_step).lower(state, (X, Y)).compile().as_text()
    convolutions = text.count(" convolution(") + text.count(
        'custom_call_target="__onednn$convolution"'
    )
    forward = NUM_CONVOLUTIONS
    # A pass backward: each kernel, and each input but the first layer's.
    return (convolutions - forward) / (2 * NUM_CONVOLUTIONS - 1)


def num_passes(balancer):
    model = convolutional(balancer)
    if keras.backend.backend() == "jax":
        return count_on_jax(model)
    return count_on_tensorflow(model) / NUM_CONVOLUTIONS


@pytest.mark.sampled
@pytest.mark.parametrize("level", ["features", "parameters"])
def test_passes_through_the_trunk(level):
    expected = {"features": 1, "parameters": NUM_TASKS}[level]
    assert num_passes(Norms(on=level)) == expected


def test_losses_alone_take_one_pass():
    assert num_passes(balancing.get("uncertainty")) == 1


def test_last_shared_layer_takes_no_pass_through_the_others():
    if keras.backend.backend() == "jax":
        pytest.skip("passes of one layer are no whole ones; see TensorFlow")
    # One whole pass, and the last layer's kernel once for each task.
    expected = 1 + NUM_TASKS / NUM_CONVOLUTIONS
    assert num_passes(Norms(on="last_shared")) == pytest.approx(expected)


def test_held_weights_hold_an_exact_and_a_plain_branch():
    if keras.backend.backend() == "jax":
        pytest.skip("both branches are in one program; see TensorFlow")
    balancer = Norms(on="parameters", update_every=4)
    assert num_passes(balancer) == NUM_TASKS + 1


def test_exact_gradients_take_their_own_memory_and_little_more():
    if keras.backend.backend() != "jax":
        pytest.skip("the compiled program tells its memory on JAX alone")
    from mtl_keras.profiling.memory import compare_memory
    from mtl_keras.profiling.network import Network

    network = Network(num_tasks=12, batch_size=16)
    found = compare_memory(network, "upgrad", jit_compile=True)
    assert found.jacobian > 50e6
    assert found.ratio < 1.2
