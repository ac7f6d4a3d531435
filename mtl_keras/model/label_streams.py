"""Gives every batch of a generator or `PyDataset` the same structure.

TensorFlow makes a dataset of them, whose batches must not differ in the tasks
that have labels, in ranks or in types. A task left out of a batch gets labels
that are all missing.
"""

import inspect

import keras
import numpy as np

from mtl_keras.messages import listed
from mtl_keras.model import label_checks


class LabelStream:
    """Completes the batches of the generators of one call of `fit`.

    A context: an error raised while TensorFlow reads a batch would reach the
    user as TensorFlow's; on leaving, it is raised as it was.

    Args:
        model: `MultiTaskModel`, compiled.
        checked: Names of the tasks whose labels are checked.
    """

    def __init__(self, model, checked):
        self._model = model
        self._tasks = model.tasks
        self._checked = tuple(checked)
        self._error = None
        self._has_weights = None
        self._weight_ranks = {}
        self._output_shapes = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if self._error is not None and isinstance(error, Exception):
            if error is not self._error:
                raise self._error from error

    def of(self, data):
        """Completes a generator or a `PyDataset`.

        Args:
            data: What `fit` takes as `x`.

        Returns:
            One that completes each batch of `data`; anything but a generator
            or a `PyDataset` unchanged.
        """
        if isinstance(data, _CompletedPyDataset):
            return data
        if isinstance(data, keras.utils.PyDataset):
            return _CompletedPyDataset(data, self)
        if inspect.isgenerator(data):
            return (self.batch(batch) for batch in data)
        return data

    def batch(self, batch) -> tuple:
        """Completes a batch.

        Args:
            batch: Tuple `(inputs, labels)` or `(inputs, labels, weights)`.

        Returns:
            Tuple of the same length.

        Raises:
            ValueError: If it is none, or names, shapes or types are wrong.
        """
        try:
            return self._completed(batch)
        except ValueError as error:
            self._error = error
            raise

    def _completed(self, batch):
        if not isinstance(batch, list | tuple) or len(batch) not in (2, 3):
            length = f" of {len(batch)}" if hasattr(batch, "__len__") else ""
            raise ValueError(
                "A batch must be (inputs, {task: label}) or (inputs, {task: "
                "label}, {task: weight}). Received: "
                f"{type(batch).__name__}{length}"
            )
        x, y, *weights = batch
        labels = label_checks.label_arrays(y, self._tasks, self._checked)
        label_checks.check_lengths(x, labels)
        size = len(next(iter(labels.values())))
        for name in self._checked:
            spec = self._tasks[name].label
            if name in labels:
                labels[name] = _typed(name, spec, labels[name])
            else:
                labels[name] = self._missing(name, spec, x, size)
        labels = dict(sorted(labels.items()))
        weights = self._weights(*weights, labels=labels, x=x)
        return (x, labels) if weights is None else (x, labels, weights)

    def _missing(self, name, spec, x, size):
        shape = spec.shape
        if None in shape:
            known = self._shapes(x)[name][1:]
            shape = tuple(
                known[axis] if length is None else length
                for axis, length in enumerate(shape)
            )
        marker = np.nan if spec.missing == "nan" else spec.missing
        return np.full((size, *shape), marker, _dtype(spec))

    def _shapes(self, x):
        leaves = keras.tree.flatten(x)
        key = tuple(np.shape(leaf) for leaf in leaves)
        if key not in self._output_shapes:
            specs = keras.tree.map_structure(
                lambda leaf: keras.KerasTensor(
                    np.shape(leaf), keras.backend.standardize_dtype(leaf.dtype)
                ),
                x,
            )
            outputs = self._model.compute_output_spec(specs)
            self._output_shapes[key] = {
                name: tuple(output.shape) for name, output in outputs.items()
            }
        return self._output_shapes[key]

    def _weights(self, weights=None, *, labels, x):
        if self._has_weights is None:
            self._has_weights = weights is not None
        if not self._has_weights:
            if weights is None:
                return None
            raise ValueError(
                "The first batch has no sample weights, but a later one has "
                f"some. Received: weights of {_keys(weights)}. Give each batch "
                "weights, 1 where there are none."
            )
        if not isinstance(weights, dict):
            weights = dict.fromkeys(labels, weights)
        weights = label_checks.as_dict("sample_weight", weights, self._tasks)
        completed = {}
        for name, label in labels.items():
            weight = weights.get(name)
            if weight is not None:
                weight = label_checks.weight_array(name, weight, label)
                if weight.ndim > 1 and weight.size == len(label):
                    weight = weight.reshape(len(label))
                self._weight_ranks[name] = weight.ndim
            else:
                rank = self._weight_ranks.get(name, 1)
                weight = np.ones(label.shape[:rank], "float32")
            completed[name] = weight
        return completed


class _CompletedPyDataset(keras.utils.PyDataset):
    def __init__(self, inner, stream):
        super().__init__(
            workers=inner.workers,
            use_multiprocessing=inner.use_multiprocessing,
            max_queue_size=inner.max_queue_size,
        )
        self._inner, self._stream = inner, stream

    def __getitem__(self, index):
        return self._stream.batch(self._inner[index])

    @property
    def num_batches(self):
        return self._inner.num_batches

    def on_epoch_begin(self):
        self._inner.on_epoch_begin()

    def on_epoch_end(self):
        self._inner.on_epoch_end()


def _dtype(spec) -> str:
    can_mark = spec.dtype == "int32" and spec.missing != "nan"
    return "int32" if can_mark else "float32"


def _typed(name, spec, label):
    """Gives a task's labels one type in all batches."""
    dtype = _dtype(spec)
    if dtype == "int32" and label.dtype.kind == "f":
        # Before parts of numbers are cut off.
        spec.check_array(name, label)
        label = np.where(np.isnan(label), spec.missing, label)
    return label.astype(dtype)


def _keys(weights) -> str:
    return listed(weights) if isinstance(weights, dict) else "all tasks"
