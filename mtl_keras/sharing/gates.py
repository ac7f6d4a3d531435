"""What gates read, and the gates of mixtures of experts."""

import keras
from keras import layers, tree

from mtl_keras.sharing.layers.mixture import Mixture

READS = ("auto", "inputs", "features")
_POOLING = {
    3: layers.GlobalAveragePooling1D,
    4: layers.GlobalAveragePooling2D,
    5: layers.GlobalAveragePooling3D,
}


def checked_reads(gate_reads: object) -> str:
    """Checks the argument `gate_reads`.

    Args:
        gate_reads: What was received.

    Returns:
        `gate_reads`, a string.

    Raises:
        ValueError: If it is not one of `READS`.
    """
    if gate_reads in READS:
        return gate_reads
    raise ValueError(
        "`gate_reads` must be 'auto', 'inputs' or 'features'. "
        f"Received: gate_reads={gate_reads!r}"
    )


def gate_input(inputs, features: list, gate_reads: str):
    """Builds the vector that gates read.

    Args:
        inputs: Keras tensor, or a list or dict of them: the model's inputs.
        features: List of Keras tensors, the experts' features.
        gate_reads: `"inputs"`, as in the papers; `"features"`: the experts'
            features, averaged over positions; `"auto"`: the inputs where all
            are vectors of numbers, else the features, since single pixels and
            ids of words say little to a linear gate.

    Returns:
        Keras tensor of shape `(batch, channels)`.

    Raises:
        ValueError: If gates are to read inputs that are no vectors of numbers.
    """
    tensors = tree.flatten(inputs)
    are_vectors = all(
        len(tensor.shape) == 2 and keras.backend.is_float_dtype(tensor.dtype)
        for tensor in tensors
    )
    if gate_reads == "inputs" and not are_vectors:
        shapes = [(tuple(t.shape), str(t.dtype)) for t in tensors]
        raise ValueError(
            "Gates read inputs that are vectors of floating point numbers. "
            f"Received: inputs {shapes}. Use gate_reads='features', the "
            "pooled features of the experts."
        )
    if gate_reads == "features" or not are_vectors:
        tensors = [pooled(each) for each in features]
    return joined(tensors)


def pooled(features):
    """Averages features over positions; vectors stay as they are.

    Args:
        features: Keras tensor of shape `(batch, ..., channels)`.

    Returns:
        Keras tensor of shape `(batch, channels)`.
    """
    if len(features.shape) == 2:
        return features
    return _POOLING[len(features.shape)]()(features)


def joined(tensors: list):
    """Concatenates tensors along their channels; a single one stays.

    Args:
        tensors: List of Keras tensors.

    Returns:
        Keras tensor.
    """
    return tensors[0] if len(tensors) == 1 else layers.Concatenate()(tensors)


def softmax_mixture(gate_tensor, experts: list, name: str):
    """Mixes experts by a linear gate with a softmax, in float32.

    Args:
        gate_tensor: Keras tensor of shape `(batch, channels)`.
        experts: List of Keras tensors of one shape.
        name: String, the name of the gate's layer.

    Returns:
        Keras tensor of an expert's shape. A single expert has no gate.
    """
    if len(experts) == 1:
        return experts[0]
    gate = layers.Dense(
        len(experts),
        activation="softmax",
        use_bias=False,
        dtype="float32",
        name=name,
    )
    return Mixture(name=f"{name}_mixture")([gate(gate_tensor), *experts])
