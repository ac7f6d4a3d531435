"""The joint probability model of separately trained models."""

import keras
import numpy as np
from keras import ops

from mtl_keras import checks
from mtl_keras.ensemble import forms, members, nesting
from mtl_keras.ensemble.label_prior import LabelPrior
from mtl_keras.losses import probability
from mtl_keras.messages import listed
from mtl_keras.task import Task

_JOINT = "joint"
_MODE = "joint_mode"


@keras.saving.register_keras_serializable(package="mtl_keras")
class JointPosterior(keras.layers.Layer):
    """Combines the tasks' outputs with a prior over combinations of labels.

    The output holds a probability for each combination, in the order of the
    flattened table of `LabelPrior`.

    Args:
        sizes: Sequence of integers, the number of classes of each task.
        from_logits: Sequence of booleans, whether each output holds logits.
        strength: Non-negative float; see `LabelPrior.posterior`.
        log_ratio: Array of the shape `sizes`, `LabelPrior.log_ratio`; `None`
            where the weights are loaded.
    """

    def __init__(
        self, sizes, from_logits, strength=1.0, log_ratio=None, **kwargs
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.sizes = tuple(int(size) for size in sizes)
        self.from_logits = tuple(bool(each) for each in from_logits)
        self.strength = float(strength)
        self._places = _places(self.sizes)
        self._log_ratio = log_ratio

    def build(self, input_shape):
        """Creates the table, which is not trainable."""
        del input_shape
        self.log_ratio = self.add_weight(
            shape=(len(self._places),),
            initializer="zeros",
            name="log_ratio",
            trainable=False,
        )
        if self._log_ratio is not None:
            self.log_ratio.assign(np.reshape(self._log_ratio, -1))

    def call(self, inputs):
        """Computes the probabilities of the combinations.

        Args:
            inputs: List of tensors, one a task, of shape `(batch, classes)`,
                or `(batch, 1)` of presence.

        Returns:
            float32 tensor of shape `(batch, combinations)`.
        """
        scores = self.strength * self.log_ratio
        # Gathered, not broadcast: TensorFlow has a limit of axes.
        for axis, (output, logits) in enumerate(
            zip(inputs, self.from_logits, strict=True)
        ):
            logs = _log_probabilities(output, logits)
            scores = scores + ops.take(logs, self._places[:, axis], axis=1)
        return ops.softmax(scores, axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, combinations)`."""
        return (input_shape[0][0], len(self._places))

    def get_config(self):
        """Returns the arguments of the constructor but the table."""
        return {
            **super().get_config(),
            "sizes": list(self.sizes),
            "from_logits": list(self.from_logits),
            "strength": self.strength,
        }


@keras.saving.register_keras_serializable(package="mtl_keras")
class Marginal(keras.layers.Layer):
    """Sums the probabilities of combinations to those of one task.

    Args:
        sizes: Sequence of integers, the number of classes of each task.
        axis: Integer, the task's place.
        is_binary: Boolean, whether the result is the probability of 1 only.
        to_logits: Boolean, whether the result holds logits.
    """

    def __init__(
        self, sizes, axis, *, is_binary=False, to_logits=False, **kwargs
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.sizes = tuple(int(size) for size in sizes)
        self.axis = int(axis)
        self.is_binary = bool(is_binary)
        self.to_logits = bool(to_logits)
        column = _places(self.sizes)[:, self.axis]
        self._sums = np.eye(self.sizes[self.axis], dtype="float32")[column]

    def call(self, inputs):
        """Sums.

        Args:
            inputs: float32 tensor of shape `(batch, combinations)`.

        Returns:
            float32 tensor of shape `(batch, classes)` or `(batch, 1)`.
        """
        sums = ops.matmul(inputs, ops.convert_to_tensor(self._sums))
        if not self.is_binary:
            return probability.log(sums) if self.to_logits else sums
        if self.to_logits:
            logs = probability.log(sums)
            return logs[:, 1:] - logs[:, :1]
        return sums[:, 1:]

    def compute_output_shape(self, input_shape):
        """Returns `(batch, classes)` or `(batch, 1)`."""
        return (input_shape[0], 1 if self.is_binary else self.sizes[self.axis])

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "sizes": list(self.sizes),
            "axis": self.axis,
            "is_binary": self.is_binary,
            "to_logits": self.to_logits,
        }


@keras.saving.register_keras_serializable(package="mtl_keras")
class JointMode(keras.layers.Layer):
    """Returns the labels of the most probable combination.

    Args:
        sizes: Sequence of integers, the number of classes of each task.
    """

    def __init__(self, sizes, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.sizes = tuple(int(size) for size in sizes)
        self._places = _places(self.sizes)

    def call(self, inputs):
        """Finds the mode.

        Args:
            inputs: float32 tensor of shape `(batch, combinations)`.

        Returns:
            int32 tensor of shape `(batch, tasks)`; of equal probabilities the
            first combination's.
        """
        winner = ops.argmax(inputs, axis=-1)
        return ops.take(ops.convert_to_tensor(self._places), winner, axis=0)

    def compute_output_spec(self, inputs):
        """Returns a spec of shape `(batch, tasks)`, int32."""
        shape = (inputs.shape[0], len(self.sizes))
        return keras.KerasTensor(shape, dtype="int32")

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "sizes": list(self.sizes)}


def joint(
    models,
    prior: LabelPrior,
    *,
    strength: float = 1.0,
    mode: bool = False,
    name: str = "joint_model",
):
    """Combines models of one task each to a model of all labels at once.

        p(y | x) ~ prod_k p(y_k | x) * (p(y) / prod_k p(y_k)) ** strength

    With `strength=1` this is Bayes' rule where the evidence of the models is
    independent given the labels. Models that read the same inputs share
    evidence, so fit the strength:

    ```python
    prior = ensemble.LabelPrior.fit(train_labels, tasks)
    strength = prior.fit_strength(predictions, validation_labels)
    model = ensemble.joint([income, status], prior, strength=strength)
    ```

    The outputs are the marginal probabilities, by task name, and `"joint"`,
    the probability of each combination, a classification whose labels are
    `prior.encode(labels)` and whose mode is
    `prior.decode(outputs["joint"].argmax(-1))`.

    Args:
        models: Sequence of `MultiTaskModel`; each task of the prior is a task
            of one of them. Other tasks are left out.
        prior: `LabelPrior`.
        strength: Non-negative float, 0 for independent tasks.
        mode: Boolean, whether there is an output `"joint_mode"` as well, int32
            of shape `(batch, tasks)`, the labels of the most probable
            combination in the order of `prior.names`. It has no loss:
            compile with `loss={"joint_mode": None}`.
        name: String, the name of the model.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: If a task of the prior is in no model or in several,
            classes or inputs or preprocessors differ, or weights are not
            finite.
    """
    if not isinstance(prior, LabelPrior):
        raise ValueError(
            "`prior` must be a LabelPrior. Received: "
            f"{type(prior).__name__}. Use LabelPrior.fit(labels, tasks)."
        )
    strength = checks.number("strength", strength, low=0)
    mode = checks.boolean("mode", mode)
    models = members.check(models, "A joint model", least=1)
    owners = {task.name: _owner(task, models) for task in prior.tasks}
    for reserved in (_JOINT, _MODE):
        if reserved in owners:
            raise ValueError(
                f"A joint model has an output {reserved!r}. Received: a task "
                "of this name. Rename the task."
            )
    inputs, outputs = nesting.nested(models)
    read = [
        forms.form_of(models[owners[task.name]], task.name)
        for task in prior.tasks
    ]
    layer = JointPosterior(
        prior.table.shape,
        [form.from_logits for form in read],
        strength,
        prior.log_ratio,
        name=_JOINT,
    )
    posterior = layer([outputs[owners[n]][n] for n in prior.names])
    combined = {_JOINT: posterior}
    tasks = [Task(_JOINT, "classification", class_names=prior.class_names)]
    for axis, (task, form) in enumerate(zip(prior.tasks, read, strict=True)):
        combined[task.name] = Marginal(
            prior.table.shape,
            axis,
            is_binary=form.kind == forms.BINARY,
            to_logits=form.from_logits,
            name=nesting.layer_name(task.name, inputs),
        )(posterior)
        tasks.append(members.task_of(models[owners[task.name]], task.name))
    if mode:
        combined[_MODE] = JointMode(prior.table.shape, name=_MODE)(posterior)
    return nesting.joined(inputs, combined, tasks, models, name)


def _owner(task, models) -> int:
    """Finds the model that has a task, and checks what it is there."""
    owners = [i for i, model in enumerate(models) if task.name in model.tasks]
    if len(owners) != 1:
        known = [listed(model.tasks) for model in models]
        raise ValueError(
            f"The task {task.name!r} of the prior must be a task of one model. "
            f"Received: models {owners} have it, of models with the tasks "
            f"{known}"
        )
    own = models[owners[0]].tasks[task.name]
    for what in ("kind", "num_classes", "class_names"):
        if getattr(own, what) != getattr(task, what):
            raise ValueError(
                f"The task {task.name!r} must have the same {what} in the "
                f"prior and its model. Received: {getattr(task, what)!r} and "
                f"{getattr(own, what)!r}"
            )
    return owners[0]


def _log_probabilities(output, from_logits):
    if output.shape[-1] > 1:
        if from_logits:
            return ops.log_softmax(output, axis=-1)
        return probability.log(output)
    if from_logits:
        return ops.concatenate(
            [ops.log_sigmoid(-output), ops.log_sigmoid(output)], axis=-1
        )
    return ops.concatenate(
        [probability.log(1.0 - output), probability.log(output)], axis=-1
    )


def _places(sizes):
    """Lists the classes of each combination, of shape `(combinations, K)`."""
    return np.stack(
        np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1
    ).astype("int32")
