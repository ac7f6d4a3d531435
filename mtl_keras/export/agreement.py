"""What a converted model's answers differ by, and what that costs."""

import dataclasses
import math
import pathlib
import warnings

import numpy as np

from mtl_keras.export import runtimes, task_outputs
from mtl_keras.messages import listed


@dataclasses.dataclass(frozen=True)
class Agreement:
    """A converted model beside the model that it was made of.

    Attributes:
        file: String, the file's name.
        num_examples: Integer, how many examples both were asked about.
        differences: Dict of task name to float, the greatest absolute
            difference of an output.
        metrics: Dict of log name (`"cls_accuracy"`) to a pair of floats, the
            model's and the file's; empty where no labels were given.
    """

    file: str
    num_examples: int
    differences: dict
    metrics: dict

    def table(self) -> str:
        """Writes a line a task, then a line a metric."""
        width = max(map(len, [*self.differences, *self.metrics]))
        lines = [f"{self.file} beside the model, {self.num_examples} examples"]
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
        """Returns the figures as data that JSON knows; NaN is `None`."""
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
    """Asks a LiteRT or an ONNX file, in its own runtime, and the model.

    Args:
        model: Functional `keras.Model`, what the file was made of. Labels need
            a `MultiTaskModel`.
        path: String or `pathlib.Path`, ending in `.tflite` or `.onnx`.
        examples: Dict of the model's input names to arrays of shape
            `(examples, ...)`, a list of such batches, or a `tf.data.Dataset`
            of batches, each of inputs, `(inputs, labels)` or `(inputs,
            labels, weights)`, as `zoo.dataset` gives them. With labels each
            task's loss and metrics are measured for both.

    Returns:
        `Agreement`.

    Raises:
        ValueError: If there is no example, the file cannot be opened, or it
            is of another model.
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
                f"Expected a file that was made of this model, with the {what} "
                f"{listed(sorted(ours))}. Received: {str(path)!r} with the "
                f"{what} {listed(sorted(theirs))}"
            )
    part = task_outputs.part_of(model, outputs)
    specs = _specs(examples)
    answers = ([], [])
    labelled = []
    num_examples = 0
    for inputs, *truth in _batches(examples):
        features = task_outputs.features(model, inputs)
        batch = dict(zip(names, map(np.asarray, features), strict=True))
        num_examples += len(features[0])
        ours = part(list(batch.values()), training=False)
        answers[0].append({k: np.asarray(value) for k, value in ours.items()})
        answers[1].append(runtime(batch))
        labelled.append(truth)
    if not num_examples:
        raise ValueError("Expected at least one example. Received: none.")
    differences = {
        task: max(
            _difference(ours[task], theirs[task])
            for ours, theirs in zip(*answers, strict=True)
        )
        for task in sorted(outputs)
    }
    metrics = {}
    if specs:
        ours, theirs = (
            _measure(model, found, labelled, specs) for found in answers
        )
        metrics = {name: (ours[name], theirs[name]) for name in ours}
    name = pathlib.Path(path).name
    return Agreement(name, num_examples, differences, metrics)


def _specs(examples) -> tuple:
    """Returns the specs of labels and weights, empty where there are none."""
    spec = getattr(examples, "element_spec", None)
    return tuple(spec[1:]) if isinstance(spec, tuple) else ()


def _batches(examples):
    if isinstance(examples, dict):
        yield (examples,)
        return
    if not hasattr(examples, "element_spec") and not isinstance(examples, list):
        raise ValueError(
            "`examples` must be a dict of input name to array, a list of such, "
            "or a tf.data.Dataset of batches. Received: "
            f"{type(examples).__name__}"
        )
    for batch in examples:
        yield batch if isinstance(batch, tuple) else (batch,)


def _difference(ours, theirs) -> float:
    if ours.shape != theirs.shape:
        raise ValueError(
            "Expected a file that was made of this model. Received: an answer "
            f"of shape {theirs.shape} in the place of {ours.shape}"
        )
    return float(np.max(np.abs(ours.astype("float64") - theirs), initial=0.0))


def _measure(model, answers, labelled, specs) -> dict:
    """Measures answers as `model.evaluate` would its own."""
    import keras
    import tensorflow as tf

    from mtl_keras.model.model import MultiTaskModel

    if not isinstance(model, MultiTaskModel):
        raise ValueError(
            "Labels are judged by a MultiTaskModel, which knows its tasks. "
            f"Received: labels, and a model of type {type(model).__name__}. "
            "Give inputs only."
        )
    outputs = task_outputs.task_outputs(model)
    inputs = {
        _answer(name): keras.Input(tensor.shape[1:], name=_answer(name))
        for name, tensor in outputs.items()
    }
    judge = MultiTaskModel(
        inputs,
        {
            name: keras.layers.Identity(name=name, dtype="float32")(
                inputs[_answer(name)]
            )
            for name in outputs
        },
        tasks=list(model.tasks.values()),
    )
    kept = {
        key: value
        for key, value in model.get_compile_config().items()
        if key in ("loss", "metrics", "weighted_metrics")
    }
    with warnings.catch_warnings():
        # That its tasks share nothing is what a judge is for.
        warnings.simplefilter("ignore")
        judge.compile(**keras.saving.deserialize_keras_object(kept))
    signature = (
        {
            name: tf.TensorSpec((None, *tensor.shape[1:]), tf.float32)
            for name, tensor in inputs.items()
        },
        *specs,
    )

    def batches():
        for answer, truth in zip(answers, labelled, strict=True):
            yield {_answer(name): answer[name] for name in outputs}, *truth

    dataset = tf.data.Dataset.from_generator(
        batches, output_signature=signature
    ).apply(tf.data.experimental.assert_cardinality(len(labelled)))
    logs = judge.evaluate(dataset, verbose=0, return_dict=True)
    return {k: float(value) for k, value in logs.items() if k != "loss"}


def _answer(task) -> str:
    return f"{task}_answer"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
