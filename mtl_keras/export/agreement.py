"""Compares the outputs and metrics of a converted file with its model's."""

import dataclasses
import math
import pathlib
import warnings

import numpy as np

from mtl_keras.export import runtimes, task_outputs
from mtl_keras.messages import listed


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The comparison of a converted file with its model.

    Attributes:
        file: String, the file's name.
        num_examples: Integer, the number of examples compared.
        differences: Dict of task name to float, the greatest absolute
            difference of an output.
        metrics: Dict of log name (`"cls_accuracy"`) to a pair of floats, the
            model's and the file's; empty without labels.
    """

    file: str
    num_examples: int
    differences: dict
    metrics: dict

    def table(self) -> str:
        """Returns a table with a line per task and per metric."""
        width = max(map(len, [*self.differences, *self.metrics]))
        lines = [f"{self.file} and the model, {self.num_examples} examples"]
        lines.append(f"  {'':<{width}}  greatest difference")
        lines += [
            f"  {task:<{width}}  {value:19.1e}"
            for task, value in self.differences.items()
        ]
        if self.metrics:
            lines.append(f"  {'':<{width}}     model      file  difference")
        for name, (ours, theirs) in self.metrics.items():
            lines.append(
                f"  {name:<{width}}{ours:10.4f}{theirs:10.4f}"
                f"{theirs - ours:+12.1e}"
            )
        return "\n".join(lines)

    def as_dict(self) -> dict:
        """Returns the values as plain data for JSON; NaN becomes `None`."""
        return {
            "file": self.file,
            "num_examples": self.num_examples,
            "differences": {k: _plain(v) for k, v in self.differences.items()},
            "metrics": {
                name: {"model": _plain(ours), "file": _plain(theirs)}
                for name, (ours, theirs) in self.metrics.items()
            },
        }


def compare(model, path, examples) -> Agreement:
    """Compares a LiteRT or ONNX file, in its own runtime, with the model.

    Args:
        model: Functional `keras.Model` from which the file was made; with
            labels, a `MultiTaskModel`.
        path: String or `pathlib.Path`, ending in `.tflite` or `.onnx`.
        examples: Dict of the model's input names to arrays of shape
            `(examples, ...)`, a list of such batches, or a `tf.data.Dataset`
            of batches, each of inputs, `(inputs, labels)` or `(inputs,
            labels, weights)`, as from `zoo.dataset`. With labels, each task's
            loss and metrics are computed for both.

    Returns:
        `Agreement`.

    Raises:
        ValueError: If there is no example, the file cannot be opened, or it
            was made from another model.
    """
    outputs = task_outputs.task_outputs(model)
    runtime = runtimes.open_file(path)
    names = [tensor.name for tensor in model.inputs]
    for what, theirs, ours in (
        ("inputs", runtime.inputs, names),
        ("outputs", runtime.outputs, outputs),
    ):
        if set(theirs) != set(ours):
            raise ValueError(
                f"Expected a file made from this model, with the {what} "
                f"{listed(sorted(ours))}. Received: {str(path)!r} with the "
                f"{what} {listed(sorted(theirs))}"
            )
    part = task_outputs.part_of(model, outputs)
    specs = _specs(examples)
    model_outputs, file_outputs, labelled = [], [], []
    num_examples = 0
    for inputs, *truth in _batches(examples):
        features = task_outputs.features(model, inputs)
        batch = dict(zip(names, map(np.asarray, features), strict=True))
        num_examples += len(features[0])
        predictions = part(list(batch.values()), training=False)
        model_outputs.append({k: np.asarray(v) for k, v in predictions.items()})
        file_outputs.append(runtime(batch))
        labelled.append(truth)
    if not num_examples:
        raise ValueError("Expected at least one example. Received: none.")
    differences = {
        task: max(
            _difference(ours[task], theirs[task])
            for ours, theirs in zip(model_outputs, file_outputs, strict=True)
        )
        for task in sorted(outputs)
    }
    metrics = {}
    if specs:
        ours = _measure(model, model_outputs, labelled, specs)
        theirs = _measure(model, file_outputs, labelled, specs)
        metrics = {name: (ours[name], theirs[name]) for name in ours}
    name = pathlib.Path(path).name
    return Agreement(name, num_examples, differences, metrics)


def _specs(examples) -> tuple:
    """Returns the specs of labels and weights, empty without labels."""
    spec = getattr(examples, "element_spec", None)
    return tuple(spec[1:]) if isinstance(spec, tuple) else ()


def _batches(examples):
    if isinstance(examples, dict):
        yield (examples,)
        return
    if not hasattr(examples, "element_spec") and not isinstance(examples, list):
        raise ValueError(
            "`examples` must be a dict of input name to array, a list of such "
            "dicts, or a tf.data.Dataset of batches. Received: "
            f"{type(examples).__name__}"
        )
    for batch in examples:
        yield batch if isinstance(batch, tuple) else (batch,)


def _difference(ours, theirs) -> float:
    if ours.shape != theirs.shape:
        raise ValueError(
            "Expected a file made from this model. Received: an output of "
            f"shape {theirs.shape} instead of {ours.shape}"
        )
    return float(np.max(np.abs(ours.astype("float64") - theirs), initial=0.0))


def _measure(model, batches, labelled, specs) -> dict:
    """Computes the metrics of outputs as `model.evaluate` does."""
    import keras
    import tensorflow as tf

    from mtl_keras.model.model import MultiTaskModel

    if not isinstance(model, MultiTaskModel):
        raise ValueError(
            "Metrics need a MultiTaskModel, which knows its tasks. "
            f"Received: labels, and a model of type {type(model).__name__}. "
            "Pass inputs only."
        )
    outputs = task_outputs.task_outputs(model)
    inputs = {
        _input(name): keras.Input(tensor.shape[1:], name=_input(name))
        for name, tensor in outputs.items()
    }
    evaluator = MultiTaskModel(
        inputs,
        {
            name: keras.layers.Identity(name=name, dtype="float32")(
                inputs[_input(name)]
            )
            for name in outputs
        },
        tasks=list(model.tasks.values()),
    )
    compile_arguments = {
        key: value
        for key, value in model.get_compile_config().items()
        if key in ("loss", "metrics", "weighted_metrics")
    }
    with warnings.catch_warnings():
        # The warning that the tasks share nothing.
        warnings.simplefilter("ignore")
        evaluator.compile(
            **keras.saving.deserialize_keras_object(compile_arguments)
        )
    signature = (
        {
            name: tf.TensorSpec((None, *tensor.shape[1:]), tf.float32)
            for name, tensor in inputs.items()
        },
        *specs,
    )

    def generate():
        for batch, truth in zip(batches, labelled, strict=True):
            yield {_input(name): batch[name] for name in outputs}, *truth

    dataset = tf.data.Dataset.from_generator(
        generate, output_signature=signature
    ).apply(tf.data.experimental.assert_cardinality(len(labelled)))
    logs = evaluator.evaluate(dataset, verbose=0, return_dict=True)
    return {k: float(value) for k, value in logs.items() if k != "loss"}


def _input(task) -> str:
    return f"{task}_output"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
