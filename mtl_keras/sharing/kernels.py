"""Distinguishes the weights that multiply features from biases and scales."""


def kernels(variables) -> list:
    """Picks the kernels among variables, by the name that the layer gave.

    Args:
        variables: Iterable of `keras.Variable`.

    Returns:
        List of those named `kernel` or `..._kernel`: of dense, convolutional,
        recurrent and attention layers. Biases, scales and offsets of
        normalizations, embeddings and other weights are left out.
    """
    return [
        variable
        for variable in variables
        if variable.name == "kernel" or variable.name.endswith("_kernel")
    ]
