"""Tasks with inputs of their own: an adapter for each, then one trunk.

One adapter a data set: Rebuffi et al., NeurIPS 2017,
https://arxiv.org/abs/1705.08045; into one space, Kaiser et al., 2017,
https://arxiv.org/abs/1706.05137.
"""

import keras
from keras import layers

from mtl_keras import checks
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.sharing.composed import Composed
from mtl_keras.sharing.trunk import inputs_like


@keras.saving.register_keras_serializable(package="mtl_keras")
class Adapters(Composed):
    """Maps the inputs of several data sets into one space for one trunk.

    The model's inputs are a dict. Each task reads one of them, through the
    input's adapter and the trunk that all share. Tasks of the same data set
    share its adapter.

    Args:
        inputs: Dict, task name to the name of its input. A task left out
            reads the input `"<task>_input"`. Defaults to `None`: all do.
        adapters: Dict, input name to a Keras layer or model. Defaults to
            `None`: a linear layer into `units` for each input.
        units: Integer, the size of the common space. Defaults to `None`, the
            largest of the inputs'.
        base: Name of an architecture, a dict with hyperparameters, or a
            `Sharing`, which shares the trunk. Defaults to `"hard"`.
    """

    when_to_use = (
        "Tasks that come with data sets of their own, whose inputs differ in "
        "size or meaning."
    )
    cost = (
        "An adapter for each data set; the trunk runs once for each data set."
    )
    drawing = """\
x_a -- adapter a --+            +-- head a
                   +--( trunk )-+
x_b -- adapter b --+            +-- head b

       the trunk runs once for each input
"""
    levels = ("losses", "last_shared", "parameters")
    refusal = (
        "Each task reads the trunk on an input of its own, so no tensor is "
        "read by two tasks."
    )

    def __init__(
        self,
        *,
        inputs: dict | None = None,
        adapters: dict | None = None,
        units: int | None = None,
        base="hard",
    ):
        refusal, levels = self.refusal, self.levels
        super().__init__(base=base)
        if "parameters" in self.base.levels:
            self.refusal, self.levels = refusal, levels
        self.inputs = None if inputs is None else dict(inputs)
        self.adapters = None if adapters is None else _checked(adapters)
        self.units = units
        if units is not None:
            self.units = checks.integer("units", units, low=1)

    def features(self, inputs, task_names, trunk):
        """Builds the adapters and runs the base on each input."""
        input_of = self._input_of(inputs, task_names)
        used = {name: inputs[name] for name in input_of.values()}
        adapted = self._adapted(used)
        fresh = inputs_like(next(iter(adapted.values())))
        shared = keras.Model(
            fresh,
            self.base.features(fresh, task_names, trunk),
            name="shared",
        )
        features = {name: shared(tensor) for name, tensor in adapted.items()}
        return {task: features[input_of[task]][task] for task in task_names}

    def get_config(self):
        """Returns the hyperparameters, with the configs of the adapters."""
        save = keras.saving.serialize_keras_object
        adapters = self.adapters
        if adapters is not None:
            adapters = {key: save(layer) for key, layer in adapters.items()}
        return {**super().get_config(), "adapters": adapters}

    def _input_of(self, inputs, task_names) -> dict:
        if not isinstance(inputs, dict):
            raise ValueError(
                "The sharing 'adapters' needs a dict of inputs, one for each "
                "data set, such as {'a': keras.Input(...), 'b': ...}. "
                f"Received: inputs of type {type(inputs).__name__}"
            )
        input_of = {name: f"{name}_input" for name in task_names}
        for task in self.inputs or {}:
            if task not in input_of:
                raise ValueError(
                    f"`inputs` names the task {task!r}, which is not one of "
                    f"{listed(task_names)}.{did_you_mean(task, task_names)} "
                    f"Received: inputs={self.inputs}"
                )
        input_of.update(self.inputs or {})
        for task, name in input_of.items():
            if name not in inputs:
                raise ValueError(
                    f"Task {task!r} has no input: the model has no input "
                    f"{name!r}.{did_you_mean(name, inputs)} Expected one of "
                    f"{listed(inputs)}. Received: sharing={self!r}"
                )
        return input_of

    def _adapted(self, inputs) -> dict:
        units = self.units or max(t.shape[-1] for t in inputs.values())
        adapted = {}
        for name, tensor in inputs.items():
            if self.adapters is None:
                adapter = layers.Dense(units, name=f"{name}_adapter")
            elif name in self.adapters:
                adapter = self.adapters[name]
            else:
                raise ValueError(
                    f"The input {name!r} has no adapter."
                    f"{did_you_mean(name, self.adapters)} Received: adapters "
                    f"for {listed(self.adapters)}"
                )
            adapted[name] = adapter(tensor)
        shapes = {name: tuple(t.shape) for name, t in adapted.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(
                "The adapters must map all inputs to one shape, which the "
                f"trunk reads. Received: {shapes}"
            )
        return adapted


def _checked(adapters) -> dict:
    load = keras.saving.deserialize_keras_object
    read = {
        name: load(adapter) if isinstance(adapter, dict) else adapter
        for name, adapter in adapters.items()
    }
    for name, adapter in read.items():
        if not isinstance(adapter, keras.Layer):
            raise ValueError(
                f"The adapter of {name!r} must be a Keras layer or model. "
                f"Received: {adapter!r} of type {type(adapter).__name__}"
            )
    return read
