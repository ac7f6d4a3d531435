"""The inputs and outputs of a model that is exported."""

from mtl_keras import checks
from mtl_keras.messages import listed


def check_backend(what: str) -> None:
    """Checks that Keras runs on TensorFlow.

    Args:
        what: String, the kind of export: `"A SavedModel"`.

    Raises:
        ValueError: If Keras has another backend.
    """
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            f"{what} is exported with the TensorFlow backend. "
            f"Received: the backend {backend!r}. Save the model as .keras, and "
            "load and export it where KERAS_BACKEND=tensorflow."
        )


def task_outputs(model) -> dict:
    """Returns a model's outputs by task.

    Args:
        model: Functional `keras.Model`.

    Returns:
        Dict of task name to symbolic tensor.

    Raises:
        ValueError: If the model is not built, or its outputs are not a flat
            dict.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise ValueError(
            "`model` must be a keras.Model, such as a MultiTaskModel. "
            f"Received: model={model!r} of type {type(model).__name__}"
        )
    tensors = getattr(model, "outputs", None)
    if not tensors:
        raise ValueError(
            "`model` must be a functional model, built from inputs to a dict "
            "of outputs. "
            f"Received: {model.name!r} of type {type(model).__name__}, which "
            "has no symbolic outputs. Use MultiTaskModel(inputs, {task: "
            "tensor})."
        )
    structure = model.compute_output_spec(model.inputs)
    if not isinstance(structure, dict) or not all(
        isinstance(part, keras.KerasTensor) for part in structure.values()
    ):
        raise ValueError(
            "The outputs of `model` must be one flat dict of task name to "
            "tensor. "
            f"Received: {keras.tree.map_structure(_brief, structure)}. "
            "Use MultiTaskModel(inputs, {task: tensor})."
        )
    return dict(keras.tree.pack_sequence_as(structure, tensors))


def part_of(model, outputs: dict):
    """Returns a model of some outputs of a model, with the same variables.

    It starts at the model's inputs, so Keras copies no node; the heads of other
    outputs are not part of it and not exported.

    Args:
        model: Functional `keras.Model`.
        outputs: Dict of task name to symbolic tensor of the model.

    Returns:
        `keras.Model` from a list of tensors, in the order of `model.inputs`,
        to a dict.
    """
    import keras

    return keras.Model(model.inputs, outputs)


def dense_signature(model, batch_size: int | None = None) -> dict:
    """Returns the specs of a batch of a model's inputs.

    Args:
        model: Functional `keras.Model`.
        batch_size: Integer, or `None` for any.

    Returns:
        Dict of input name to `tf.TensorSpec`.
    """
    import tensorflow as tf

    return {
        tensor.name: tf.TensorSpec(
            (batch_size, *tensor.shape[1:]), tensor.dtype, name=tensor.name
        )
        for tensor in model.inputs
    }


def check_input_names(model) -> None:
    """Checks that a signature of TensorFlow can have a model's inputs.

    Args:
        model: Functional `keras.Model`.

    Raises:
        ValueError: If an input has another name.
    """
    for tensor in model.inputs:
        if not checks.is_input_name(tensor.name):
            raise ValueError(
                "A signature needs inputs named by letters, digits, '.', '_' "
                "and '-', beginning with a letter, digit or '.', and not "
                "'self'. "
                f"Received: an input {tensor.name!r}. Rename the keras.Input."
            )


def features(model, inputs) -> list:
    """Sorts a batch of inputs in the order of the model's inputs.

    Args:
        model: Functional `keras.Model`.
        inputs: Dict of input name to tensor, or the one input's tensor.

    Returns:
        List of tensors.

    Raises:
        ValueError: If one is missing.
    """
    names = [tensor.name for tensor in model.inputs]
    if not isinstance(inputs, dict):
        inputs = {names[0]: inputs} if len(names) == 1 else {}
    if len(names) == len(inputs) == 1:
        # With one input the names need not agree.
        return list(inputs.values())
    if not set(names) <= set(inputs):
        raise ValueError(
            f"Expected the model's inputs {listed(names)} from a preprocessor "
            "or examples. "
            f"Received: inputs named {listed(inputs)}"
        )
    return [inputs[name] for name in names]


def _brief(tensor):
    return f"tensor of shape {tensor.shape}"
