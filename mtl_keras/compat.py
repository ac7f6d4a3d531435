"""Every touch of a private Keras name; checked on Keras 3.15.

Keras has no public way to walk the graph of a functional model, and models
made of parts of it (`keras.Model(inner, output)`) rewire the user's graph.
"""

import keras
from keras import ops
from keras.src.backend import get_keras_mask, set_keras_mask
from keras.src.models.functional import Functional, operation_fn
from keras.src.models.sequential import Sequential


def inner_graph(operation):
    """Returns the functional graph inside an operation.

    A subclass may override `call`, so only the exact types are opened.

    Args:
        operation: Layer or operation of Keras.

    Returns:
        `Functional` model whose nodes the operation runs, or `None` where the
        operation is opaque.
    """
    if type(operation) is Sequential:
        operation = operation._functional
    return operation if type(operation) is Functional else None


def is_functional(model) -> bool:
    """Whether a model was made of input and output tensors."""
    return isinstance(model, Functional)


def ordered_nodes(model) -> list:
    """Lists the nodes of a functional model in the order they run.

    Args:
        model: Functional model.

    Returns:
        List of Keras nodes, each with `operation`, `input_tensors`, `outputs`
        and `arguments.fill_in`; those of inputs are left out.
    """
    by_depth = model._nodes_by_depth
    return [
        node
        for depth in sorted(by_depth, reverse=True)
        for node in by_depth[depth]
        if node.operation is not None and not node.is_input
    ]


def flat_inputs(model) -> list:
    """Returns the input tensors of a functional model, flattened."""
    return list(model._inputs)


def flat_outputs(model) -> list:
    """Returns the output tensors of a functional model, flattened.

    Of a dict of outputs, they are in the order of the sorted keys.
    """
    return list(model._outputs)


def standardize_inputs(model, inputs) -> list:
    """Flattens and casts inputs as the functional model's `call` does."""
    return list(model._standardize_inputs(inputs))


def bind_training(operation, *, training):
    """Returns the operation with `training` passed on where it takes it."""
    return operation_fn(operation, training=training)


def own_buffers(variables) -> None:
    """Gives variables buffers that they share with no other variable.

    With `use_ema=True`, Keras 3.15 ends `fit` by assigning the averages to
    the weights. On JAX both then hold one array, and the next `fit` fails:
    its compiled step is given the array twice and may keep it only once
    ("donate the same buffer twice"). TensorFlow copies when it assigns.

    Args:
        variables: List of `keras.Variable`, those assigned to.
    """
    if keras.backend.backend() == "jax":
        for variable in variables:
            # None where an error took the step's state with it.
            if variable._value is not None:
                variable.assign(ops.copy(variable.value))


def held_values(variables) -> list:
    """Lists `(variable, value)` of variables on JAX, without a copy.

    On TensorFlow there is nothing to list: values are changed in place.

    Args:
        variables: List of `keras.Variable`.
    """
    if keras.backend.backend() != "jax":
        return []
    return [(v, v._value) for v in variables if v._value is not None]


def give_back(held) -> None:
    """Sets variables that lost their value to the one that they held.

    Args:
        held: What `held_values` returned. A value that a step has used up is
            left out; Keras then puts back what the step returned.
    """
    for variable, value in held:
        if variable._value is None and not value.is_deleted():
            variable.assign(value)


def sum_gradients_before_clipping(optimizer) -> None:
    """Lets an optimizer clip the gradient of the batch on several replicas.

    Keras 3.15 clips each replica's share of the gradient and then sums the
    shares, so two replicas step up to twice as far as one device. Here the
    shares are summed first. Each replica hands on its part of what is left,
    since the optimizer sums once more.

    Args:
        optimizer: Optimizer of Keras that holds no other.
    """
    if not (
        optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue
    ):
        return
    import tensorflow as tf

    clip = type(optimizer)._clip_gradients

    def clip_sum(grads):
        context = tf.distribute.get_replica_context()
        there = [g for g in grads if g is not None]
        if context is None or context.num_replicas_in_sync == 1 or not there:
            return clip(optimizer, grads)
        sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, there))
        sums = [g if g is None else next(sums) for g in grads]
        share = 1.0 / context.num_replicas_in_sync
        return [
            g if g is None else tf.math.scalar_mul(share, g)
            for g in clip(optimizer, sums)
        ]

    optimizer._clip_gradients = clip_sum


def check_gradients_of_all_replicas(optimizer) -> None:
    """Lets a `LossScaleOptimizer` skip a step that overflows on any replica.

    Keras 3.15 asks the first replica only, taking its gradients for the sum
    over all; they are its share. An overflow elsewhere would reach the
    weights.

    Args:
        optimizer: `keras.optimizers.LossScaleOptimizer`.
    """
    import tensorflow as tf

    check = type(optimizer).check_finite

    def check_all(grads):
        finite = check(optimizer, grads)
        context = tf.distribute.get_replica_context()
        if context is None:
            return finite
        num_bad = context.all_reduce(
            tf.distribute.ReduceOp.SUM,
            tf.cast(tf.logical_not(finite), tf.int32),
        )
        return tf.equal(num_bad, 0)

    optimizer.check_finite = check_all


def clear_losses(model) -> None:
    """Forgets the activity losses of an earlier step.

    Keras does so where a model is called; an engine calls its layers.
    """
    model._clear_losses()


def activity_losses(model) -> list:
    """Lists what `add_loss` and activity regularizers gave since then."""
    losses = []
    for layer in model._flatten_layers():
        losses.extend(layer._get_own_losses())
    return losses


def nested_layers(layer) -> list:
    """Lists the layers inside a layer or model, at every depth.

    Keras lists those of a model in `layers`, and has no public list of those
    inside a layer such as an attention block.
    """
    return list(layer._flatten_layers(include_self=False))


def weight_losses(model) -> list:
    """Lists the penalties of the weights that have a regularizer."""
    return model._get_regularization_losses()


def get_mask(tensor):
    """Returns the mask that Keras carries on a tensor, or `None`."""
    return get_keras_mask(tensor)


def set_mask(tensor, mask) -> None:
    """Puts a mask on a tensor, for the layers that read it."""
    set_keras_mask(tensor, mask)
