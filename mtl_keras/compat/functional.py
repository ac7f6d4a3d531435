"""The graph of a functional model.

Keras has no public way to walk it, and models made of parts of it
(`keras.Model(inner, output)`) rewire the user's graph.
"""

from keras.src.models.functional import Functional, operation_fn
from keras.src.models.sequential import Sequential

# The methods through which Keras 3.15 runs a functional model's graph. A
# subclass that overrides one of them may compute something else.
_RUN = (
    "__call__",
    "call",
    "_run_through_graph",
    "_standardize_inputs",
    "_convert_inputs_to_tensors",
    "_adjust_input_rank",
)


def inner_graph(operation):
    """Returns the functional graph inside an operation.

    Of a subclass, such as KerasHub's backbones, only where it runs the graph
    as Keras does: it overrides neither `call` nor what `call` uses.

    Args:
        operation: Layer or operation of Keras.

    Returns:
        `Functional` model whose nodes the operation runs, or `None` where the
        operation is opaque.
    """
    if type(operation) is Sequential:
        operation = operation._functional
    if not isinstance(operation, Functional):
        return None
    cls = type(operation)
    runs_as_keras = all(
        getattr(cls, name) is getattr(Functional, name)
        and name not in vars(operation)
        for name in _RUN
    )
    return operation if runs_as_keras else None


def inner_order(model, node) -> list[int]:
    """Finds which tensor of a node enters each input of its model.

    A model whose inputs are a list may be called with a dict of their names.

    Args:
        model: Functional model.
        node: Keras node, a call of the model.

    Returns:
        List of integers, a place in `node.input_tensors` for each of
        `flat_inputs(model)`.
    """
    received = node.arguments.args[0] if node.arguments.args else None
    if isinstance(received, dict) and not isinstance(
        model._inputs_struct, dict
    ):
        names = sorted(received)
        return [names.index(tensor.name) for tensor in model._inputs]
    return list(range(len(model._inputs)))


def convert_inputs(model, tensors: list) -> list:
    """Casts flat inputs, and adds or drops an axis, as the model's call does.

    Args:
        model: Functional model.
        tensors: List of tensors in the order of `flat_inputs(model)`.
    """
    return model._adjust_input_rank(model._convert_inputs_to_tensors(tensors))


def is_functional(model) -> bool:
    """Tells whether a model was built from input and output tensors."""
    return isinstance(model, Functional)


def is_plain(model) -> bool:
    """Tells whether a model is functional and of no class of its own."""
    return type(model) is Functional


def lambda_like(layer, name: str):
    """Makes a `Lambda` of the same function.

    Its config holds the code of a Python lambda, without the names that the
    code reads from its module.

    Args:
        layer: `keras.layers.Lambda`.
        name: String, the name of the new one.
    """
    return type(layer)(
        layer.function,
        output_shape=layer._output_shape,
        mask=layer.mask,
        arguments=layer.arguments,
        name=name,
        dtype=layer.dtype_policy,
    )


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
    """Binds `training` where the operation accepts it."""
    return operation_fn(operation, training=training)


def nested_layers(layer) -> list:
    """Lists the layers inside a layer or model, at every depth.

    Keras lists those of a model in `layers`, and has no public list of those
    inside a layer such as an attention block.
    """
    return list(layer._flatten_layers(include_self=False))
