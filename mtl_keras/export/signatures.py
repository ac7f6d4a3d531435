"""The signatures of a SavedModel: their names and functions."""

from mtl_keras.export.task_outputs import dense_signature, features, part_of
from mtl_keras.messages import listed

DEFAULT = "serving_default"
_DENSE = "_dense"
_SERVING_DENSE = "serving_dense"
# Attributes of the object that TensorFlow saves, as endpoints are.
_RESERVED = (
    "non_trainable_variables",
    "signatures",
    "trainable_variables",
    "variables",
)


class Signature:
    """One signature of a SavedModel.

    Attributes:
        name: String.
        function: Function of a dict of tensors, a batch, that returns a dict.
        inputs: Dict of input name to `tf.TensorSpec`.
        is_raw: Boolean, whether it includes the preprocessor.
    """

    def __init__(self, name, function, inputs, *, is_raw):
        self.name = name
        self.function = function
        self.inputs = inputs
        self.is_raw = is_raw


def signatures(model, outputs, preprocessor, postprocessor) -> list[Signature]:
    """Returns a signature for all tasks and one for each task.

    Args:
        model: Functional `keras.Model`.
        outputs: Dict of task name to its symbolic output.
        preprocessor: As for `saved_model`.
        postprocessor: As for `saved_model`.

    Returns:
        List of `Signature`; with a preprocessor a raw and a dense one of each.

    Raises:
        ValueError: If two have the same name.
    """
    _check_names(outputs, with_raw=preprocessor is not None)
    result = []
    parts = {DEFAULT: outputs}
    parts |= {name: {name: tensor} for name, tensor in outputs.items()}
    for name, part_outputs in parts.items():
        part = part_of(model, part_outputs)
        dense = _dense_function(part, postprocessor)
        specs = dense_signature(part)
        if preprocessor is None:
            result.append(Signature(name, dense, specs, is_raw=False))
            continue
        raw = _raw_function(part, preprocessor, postprocessor)
        raw_specs = dict(preprocessor.input_signature())
        result.append(Signature(name, raw, raw_specs, is_raw=True))
        result.append(Signature(_dense_name(name), dense, specs, is_raw=False))
    return result


def _dense_name(name):
    return _SERVING_DENSE if name == DEFAULT else name + _DENSE


def _dense_function(model, postprocessor):
    def compute(inputs):
        return _outputs(model, inputs, postprocessor, None)

    return compute


def _raw_function(model, preprocessor, postprocessor):
    def compute(raw):
        inputs, context = preprocessor(raw)
        return _outputs(model, inputs, postprocessor, context)

    return compute


def _outputs(model, inputs, postprocessor, context):
    """Computes the model's outputs, by task name, and the decoded ones."""
    outputs = dict(model(features(model, inputs), training=False))
    if postprocessor is None:
        return outputs
    further = postprocessor(outputs, context)
    clash = sorted(set(further) & set(outputs))
    if clash:
        raise ValueError(
            "The postprocessor's outputs must not have names of tasks. "
            f"Received: {listed(clash)} from both. Rename the task."
        )
    return {**outputs, **further}


def _check_names(tasks, with_raw):
    names_of = {task: {task} for task in [DEFAULT, *tasks]}
    own = f"{DEFAULT!r}"
    if with_raw:
        own += f", {_SERVING_DENSE!r} and '<task>{_DENSE}'"
        for task, names in names_of.items():
            names.add(_dense_name(task))
    for task in tasks:
        others = set(_RESERVED).union(
            *(names for other, names in names_of.items() if other != task)
        )
        if task == DEFAULT or task[0] == "_" or names_of[task] & others:
            raise ValueError(
                f"A signature is named after each task, beside {own}; "
                f"{listed(_RESERVED)} and names that begin with '_' are "
                f"reserved by TensorFlow. Received: the task {task!r} among "
                f"{listed(tasks)}. Rename it."
            )
