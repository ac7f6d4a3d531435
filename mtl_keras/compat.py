"""Every touch of a private Keras name; checked on Keras 3.15.

Keras has no public way to walk the graph of a functional model, and models
made of parts of it (`keras.Model(inner, output)`) rewire the user's graph.
"""

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
