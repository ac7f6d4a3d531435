"""Counts the multiply-accumulates of a model, on the TensorFlow backend.

Keras has no counter, and the statistics inside TensorFlow's profiler count a
transposed convolution by its output and a loop's body once. The products are
few; their sizes are read from the traced graph.
"""

import math

_LOOPS = {"While", "StatelessWhile", "Enter"}


def macs(model) -> int:
    """Counts the multiply-accumulates of one forward pass over one example.

    Convolutions and matrix products count; sums, activations and
    normalisations, which are small beside them, do not.

    Args:
        model: `keras.Model` with tensors as inputs; unknown sizes other than
            the batch's are not allowed.

    Returns:
        Integer.

    Raises:
        ValueError: If the model holds a product that is not counted here, a
            loop, or an input of unknown size.
    """
    import tensorflow as tf

    specs = []
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise ValueError(
                "Counting needs inputs of known size. Received: input "
                f"{tensor.name!r} of shape {tensor.shape}"
            )
        specs.append(tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype))
    structure = model.input

    @tf.function
    def forward(*tensors):
        import keras

        inputs = keras.tree.pack_sequence_as(structure, list(tensors))
        return model(inputs, training=False)

    # Tracing takes place all the same, but functions inside the model, such as
    # Keras's for grouped convolutions, become a part of its graph.
    was_eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        graph = forward.get_concrete_function(*specs).graph
    finally:
        tf.config.run_functions_eagerly(was_eager)
    return sum(_count(operation) for operation in graph.get_operations())


def _count(operation) -> int:
    if operation.type in _LOOPS:
        raise ValueError(
            "The products in a loop are not counted. Received: a model with "
            f"the loop {operation.name!r}. A recurrent layer has none with "
            "`unroll=True`."
        )
    count = _COUNTERS.get(operation.type)
    if count is not None:
        return count(operation)
    if operation.type in _UNCOUNTED:
        raise ValueError(
            f"The operation {operation.type!r} is not counted. "
            f"Received: a model with {operation.name!r}"
        )
    return 0


def _size(shape) -> int:
    return math.prod(shape.as_list())


def _convolution(operation) -> int:
    # The kernel's shape is (..., channels in a group, channels out).
    kernel = operation.inputs[1].shape
    return _size(operation.outputs[0].shape) * _size(kernel[:-1])


def _depthwise(operation) -> int:
    kernel = operation.inputs[1].shape
    return _size(operation.outputs[0].shape) * _size(kernel[:2])


def _transposed(operation) -> int:
    # Each input position is multiplied with the kernel of all its outputs:
    # the kernel's shape is (..., channels out, channels in).
    kernel, source = operation.inputs[1].shape, operation.inputs[2].shape
    return _size(source) * _size(kernel[:-1])


def _product(operation) -> int:
    transposed = operation.get_attr(
        "transpose_a" if operation.type == "MatMul" else "adj_x"
    )
    inner = operation.inputs[0].shape[-2 if transposed else -1]
    return _size(operation.outputs[0].shape) * inner


def _einsum(operation) -> int:
    # Every combination of the indices is one product.
    equation = operation.get_attr("equation").decode()
    operands = equation.split("->")[0].split(",")
    if "..." in equation or len(operands) != 2:
        raise ValueError(
            "An einsum of two operands without an ellipsis is counted. "
            f"Received: {equation!r} in {operation.name!r}"
        )
    sizes = {}
    for indices, tensor in zip(operands, operation.inputs, strict=True):
        sizes.update(zip(indices.strip(), tensor.shape, strict=True))
    return math.prod(sizes.values())


_COUNTERS = {
    "BatchMatMul": _product,
    "BatchMatMulV2": _product,
    "BatchMatMulV3": _product,
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _transposed,
    "Conv3D": _convolution,
    "Conv3DBackpropInputV2": _transposed,
    "DepthwiseConv2dNative": _depthwise,
    "Einsum": _einsum,
    "MatMul": _product,
}
_UNCOUNTED = {"PartitionedCall", "StatefulPartitionedCall", "XlaDot"}
