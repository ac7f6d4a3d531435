"""Gives the examples of several data sets the same structure."""

import numpy as np
import tensorflow as tf

from mtl_keras.data import targets
from mtl_keras.messages import listed, unknown


class Alignment:
    """The common structure of the examples of mixed data sets.

    Labels that a data set lacks become the task's missing marker with weight
    0; inputs that it lacks become zeros.

    Args:
        specs: Dict of data set name to the element spec of its examples:
            `(inputs, {task: label})` or `(inputs, {task: label}, {task:
            weight})`.
        tasks: Dict of name to `Task`.
        inputs: Dict of input name to `tf.TensorSpec` of one example, the
            inputs that a data set may lack; or `None`: all data sets must
            have the same inputs.

    Raises:
        ValueError: If a task is in no data set, a data set has an unknown
            one, or two disagree about a label or an input.
    """

    def __init__(self, specs: dict, tasks: dict, inputs: dict | None):
        self._tasks = tasks
        for name, spec in specs.items():
            _check_example(name, spec, tasks)
        self._labels = {
            task: _common_label(task, tasks[task].label, specs)
            for task in sorted(tasks)
        }
        self.inputs = _common_inputs(specs, inputs)

    @property
    def spec(self):
        """The element spec of an aligned example."""
        weights = {name: tf.TensorSpec((), tf.float32) for name in self._labels}
        return self.inputs, dict(self._labels), weights

    @property
    def is_ragged(self) -> bool:
        """Whether examples differ in a size, so that batches are padded."""
        return any(
            None in spec.shape.as_list() for spec in tf.nest.flatten(self.spec)
        )

    def complete(self, inputs, labels, weights=None):
        """Completes the labels and weights of one example.

        Args:
            inputs: Tensor, or dict of tensors.
            labels: Dict of task name to tensor.
            weights: Dict of task name to scalar, or `None`.

        Returns:
            Tuple of the same inputs, labels and weights of all tasks.
        """
        weights = weights or {}
        all_labels, all_weights = {}, {}
        for name, spec in self._labels.items():
            if name in labels:
                all_labels[name] = tf.cast(labels[name], spec.dtype)
                weight = weights.get(name, 1.0)
                all_weights[name] = tf.cast(weight, tf.float32)
            else:
                marker = _marker(self._tasks[name].label)
                marker = tf.cast(marker, spec.dtype)
                all_labels[name] = tf.fill(spec.shape, marker)
                all_weights[name] = tf.zeros(())
        return inputs, all_labels, all_weights

    def lacks_inputs(self, spec) -> bool:
        """Returns whether examples of an element spec lack inputs."""
        is_dict = isinstance(self.inputs, dict)
        return is_dict and set(spec[0]) != set(self.inputs)

    def add_inputs(self, inputs, labels, weights):
        """Adds zeros for the inputs that an example lacks.

        Args:
            inputs: Dict of tensors.
            labels: Dict of task name to tensor.
            weights: Dict of task name to tensor.

        Returns:
            Tuple of all inputs, the same labels and weights.
        """
        inputs = {
            name: inputs[name] if name in inputs else _zeros(spec)
            for name, spec in self.inputs.items()
        }
        return inputs, labels, weights

    def padding(self):
        """Returns the values that pad shorter examples of a batch.

        Returns:
            Tuple of the structure of `spec`, of scalars.
        """
        inputs, labels, weights = self.spec
        return (
            tf.nest.map_structure(_blank, inputs),
            {
                name: np.array(
                    _marker(self._tasks[name].label), spec.dtype.as_numpy_dtype
                )
                for name, spec in labels.items()
            },
            {name: np.float32(0) for name in weights},
        )


def _check_example(name, spec, tasks):
    is_tuple = isinstance(spec, tuple) and len(spec) in (2, 3)
    if not (is_tuple and all(isinstance(part, dict) for part in spec[1:])):
        raise ValueError(
            f"The examples of the data set {name!r} must be (inputs, {{task: "
            "label}) or (inputs, {task: label}, {task: weight}). "
            f"Received: {spec}"
        )
    for task in (task for part in spec[1:] for task in part):
        if task not in tasks:
            what = f"task in the labels of the data set {name!r}"
            raise ValueError(unknown(what, task, tasks, sorted(spec[1])))
    if not spec[1]:
        raise ValueError(
            f"The data set {name!r} has labels of no task. Expected some of "
            f"{listed(sorted(tasks))}."
        )
    for task, weight in (spec[2] if len(spec) == 3 else {}).items():
        if weight.shape.rank != 0:
            raise ValueError(
                f"The data set {name!r} must give the task {task!r} one "
                "weight an example. Received: weights of shape "
                f"{weight.shape}"
            )
    labelled = {task: tasks[task] for task in spec[1]}
    targets.check_labels((spec[0], spec[1]), labelled)


def _common_label(task, expected, specs):
    """Returns the common spec of a task's label in all data sets."""
    label_specs = {n: s[1][task] for n, s in specs.items() if task in s[1]}
    if not label_specs:
        raise ValueError(
            f"No data set has labels of the task {task!r}. Expected them in "
            f"one of {listed(specs)}. Leave the task out of `tasks`, or check "
            "the keys of the labels."
        )
    shape = _common(f"the label of the task {task!r}", label_specs)
    if len(label_specs) < len(specs) and not shape.is_fully_defined():
        lacking = [name for name in specs if name not in label_specs]
        raise ValueError(
            f"The label of the task {task!r} has no fixed size: {shape}. The "
            f"data sets {listed(lacking)} must give it themselves, as "
            f"{_marker(expected)} in the size of their inputs."
        )
    return tf.TensorSpec(shape, tf.as_dtype(expected.dtype))


def _common_inputs(specs, declared):
    inputs = {name: spec[0] for name, spec in specs.items()}
    are_dicts = {isinstance(part, dict) for part in inputs.values()}
    if are_dicts == {True} and declared is not None:
        for name, part in inputs.items():
            for key in part:
                if declared and key not in declared:
                    what = f"input of the data set {name!r}"
                    raise ValueError(unknown(what, key, declared, sorted(part)))
        keys = dict.fromkeys(
            [*declared, *(k for p in inputs.values() for k in p)]
        )
    else:
        first, reference = next(iter(inputs.items()))
        for name, part in inputs.items():
            _check_same_structure(first, reference, name, part)
        if are_dicts == {False}:
            return _common_structure(inputs)
        keys = reference
    return {
        key: _common_input(
            key,
            {name: part[key] for name, part in inputs.items() if key in part},
            (declared or {}).get(key),
            is_everywhere=all(key in part for part in inputs.values()),
        )
        for key in keys
    }


def _check_same_structure(first, reference, name, part):
    def keys(spec):
        return sorted(spec) if isinstance(spec, dict) else type(spec).__name__

    if isinstance(part, dict) != isinstance(reference, dict) or (
        isinstance(part, dict) and set(part) != set(reference)
    ):
        raise ValueError(
            "Data sets that are mixed within a batch must have the same "
            f"inputs. Received: {keys(reference)} in {first!r}, {keys(part)} "
            f"in {name!r}. With how='alternate' missing inputs are zeros "
            "(inputs must be dicts)."
        )


def _common_structure(inputs):
    flat = {name: tf.nest.flatten(part) for name, part in inputs.items()}
    if len({len(parts) for parts in flat.values()}) > 1:
        lengths = {name: len(parts) for name, parts in flat.items()}
        raise ValueError(
            "Data sets must have the same number of inputs. Received: "
            f"{lengths}"
        )
    common = []
    for index in range(len(next(iter(flat.values())))):
        parts_at = {name: parts[index] for name, parts in flat.items()}
        dtype = next(iter(parts_at.values())).dtype
        shape = _common(f"input {index}", parts_at, same_dtype=True)
        common.append(tf.TensorSpec(shape, dtype))
    return tf.nest.pack_sequence_as(next(iter(inputs.values())), common)


def _common_input(key, specs, declared, *, is_everywhere):
    if not specs:
        return declared
    shape = _common(f"the input {key!r}", specs, same_dtype=True)
    dtype = next(iter(specs.values())).dtype
    if declared is not None and not shape.is_compatible_with(declared.shape):
        raise ValueError(
            f"The input {key!r} is declared with the shape {declared.shape} "
            f"(one example). Received: {_described(specs)}"
        )
    if is_everywhere:
        return tf.TensorSpec(shape, dtype)
    if not shape.is_fully_defined() and declared is None:
        raise ValueError(
            f"The input {key!r} has no fixed size, {shape}, and some data "
            "sets lack it. Declare it: give `inputs`, a model or a dict of "
            "input name to tf.TensorSpec of one example."
        )
    return tf.TensorSpec(shape, dtype)


def _common(what, specs, same_dtype=False):
    """Returns the shape that fits all; a size that varies is None."""
    kinds = {
        spec.dtype if same_dtype else _kind(spec) for spec in specs.values()
    }
    shapes = [spec.shape for spec in specs.values()]
    if len(kinds) > 1 or any(
        not shape.is_compatible_with(shapes[0]) for shape in shapes
    ):
        raise ValueError(
            f"Data sets disagree about {what}. Received: {_described(specs)}. "
            "Convert them to one shape and type in their pipelines. Data are "
            "read as batches only with weights of shape (batch,)."
        )
    common = shapes[0]
    for shape in shapes[1:]:
        common = common.most_specific_compatible_shape(shape)
    return common


def _kind(spec):
    return "floating point" if spec.dtype.is_floating else "integer"


def _described(specs) -> str:
    return ", ".join(
        f"{spec.dtype.name} of shape {tuple(spec.shape)} in {name!r}"
        for name, spec in specs.items()
    )


def _marker(spec):
    if spec.missing != "nan":
        return spec.missing
    # An integer has no NaN; only the weight 0 marks it as missing.
    return float("nan") if spec.dtype == "float32" else spec.legal_value


def _blank(spec):
    return np.array(
        "" if spec.dtype == tf.string else 0, spec.dtype.as_numpy_dtype
    )


def _zeros(spec):
    shape = [1 if size is None else size for size in spec.shape]
    return tf.fill(shape, tf.constant(_blank(spec), spec.dtype))
