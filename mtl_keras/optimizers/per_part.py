"""An optimizer for the trunk and others for the heads."""

import keras
from keras import ops

from mtl_keras import compat, graph
from mtl_keras.messages import did_you_mean, listed

TRUNK = "trunk"
HEADS = "heads"


@keras.saving.register_keras_serializable(package="mtl_keras")
class PerPart(keras.optimizers.Optimizer):
    """Updates the trunk and the heads with optimizers of their own.

    ```python
    model.compile(
        PerPart({
            "trunk": keras.optimizers.AdamW(1e-4, global_clipnorm=1.0),
            "cls": keras.optimizers.SGD(0.1, momentum=0.9),
            "heads": "adam",
        }),
    )
    ```

    The trunk is all that `mtl_keras.graph.partition` finds shared, and what
    belongs to no part, such as a balancer's own variables. In a model of one
    task, where `"trunk"` is named, it is all but the layers named after the
    task.

    Everything that an optimizer does is done within its part:
    `global_clipnorm` is the norm over that part, weight decay, moving
    averages, gradient accumulation and schedules are its own.

    Learning rates: as with `keras.optimizers.MultiOptimizer`, callbacks find
    the parts in `optimizers`, so `ReduceLROnPlateau` lowers each part's rate
    by its factor, `LearningRateScheduler` asks the schedule for each part
    with that part's rate, and the logs show `learning_rate_trunk`. Where one
    number must do (`LossScaleOptimizer` knows no parts), `learning_rate` is
    the trunk's, or the first part's where no trunk is named; setting it
    multiplies the rate of every part by the same factor.

    Args:
        parts: Dict of part to optimizer: its name or an object, each part its
            own. `"trunk"`; the name of a task, for its head; `"heads"`, for
            all heads that are not named, as one part. Each optimizer takes
            the name of its part.
        name: String. Defaults to `"per_part"`.
        loss_scale_factor: Float or `None`, as in Keras; one for all parts.

    Raises:
        ValueError: If `parts` is no such dict. In `compile`: if a part isn't
            there, or a part with trainable variables has no optimizer.
    """

    def __init__(self, parts, name="per_part", loss_scale_factor=None):
        super().__init__(
            learning_rate=0.0, name=name, loss_scale_factor=loss_scale_factor
        )
        # A plain object: Keras would take the dict's variables for its own.
        self._own = _Parts(_checked(parts, loss_scale_factor))

    @property
    def parts(self) -> dict:
        """The optimizers by part."""
        return dict(self._own.optimizers)

    @property
    def optimizers(self) -> list:
        """The optimizers, where Keras's callbacks look for them."""
        return list(self._own.optimizers.values())

    @property
    def variables(self) -> list:
        """The state: the step's number, then each part's."""
        inner = [v for each in self.optimizers for v in each.variables]
        return super().variables + inner

    @property
    def learning_rate(self):
        """The trunk's learning rate."""
        return self._own.leader.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        fixed = [
            part
            for part, each in self._own.optimizers.items()
            # A number where it can be set, else the config of a schedule.
            if not isinstance(each.get_config()["learning_rate"], float)
        ]
        if fixed:
            raise TypeError(
                "`learning_rate` of a PerPart can be set only where each part "
                f"has a number, since it moves all of them: {listed(fixed)} "
                "have a schedule. Set `optimizer.parts[part].learning_rate`."
            )
        present = float(ops.convert_to_numpy(self.learning_rate))
        if present == 0:
            raise ValueError(
                "`learning_rate` of a PerPart cannot be set while the trunk's "
                "is 0: it multiplies the rate of each part by the same "
                "factor. Set `optimizer.parts[part].learning_rate`. "
                f"Received: learning_rate={learning_rate}"
            )
        factor = float(ops.convert_to_numpy(learning_rate)) / present
        for each in self.optimizers:
            rate = float(ops.convert_to_numpy(each.learning_rate))
            each.learning_rate = rate * factor

    def bind(self, model) -> None:
        """Finds the parts of a model; `MultiTaskModel.compile` calls this.

        Args:
            model: Functional model, as for `graph.partition`.

        Raises:
            ValueError: If a part isn't there, or a part with trainable
                variables has no optimizer.
        """
        partition = graph.partition(model)
        calls = partition.trunk.calls
        if TRUNK in self._own.optimizers:
            calls = graph.trunk_calls(partition)
        trunk = {id(variable) for call in calls for variable in call.weights}
        self._check_names(partition, trunk)
        owners = {
            id(variable): task
            for task, variables in partition.task_variables.items()
            for variable in variables
        }
        owners.update(dict.fromkeys(trunk, TRUNK))
        # Also holds the model: an `id` may pass to another variable else.
        self._own.owners, self._own.model = owners, model
        self._group(model.trainable_variables)

    def _check_names(self, partition, trunk):
        for clash in {TRUNK, HEADS} & set(partition.tasks):
            raise ValueError(
                f"PerPart cannot tell the part {clash!r} from this model's "
                f"task {clash!r}. Rename the task."
            )
        known = [TRUNK, HEADS, *partition.tasks]
        received = list(self._own.optimizers)
        for part in received:
            if part not in known:
                raise ValueError(
                    f"PerPart names the part {part!r}, which this model does "
                    f"not have. Its parts are {listed(known)}."
                    f"{did_you_mean(part, known)} "
                    f"Received: parts with the keys {received}"
                )
        if TRUNK in received and not trunk:
            reason = (
                f"its one task {partition.tasks[0]!r} owns every variable"
                if len(partition.tasks) == 1
                else "its tasks share no variable"
            )
            raise ValueError(
                f"PerPart names the part 'trunk', and this model has none: "
                f"{reason}. Name the tasks, or 'heads', only. "
                f"Received: parts with the keys {received}"
            )

    def _group(self, variables) -> dict:
        """Sorts variables by part, in the order of the parts."""
        groups = {part: [] for part in self._own.optimizers}
        for variable in variables:
            owner = self._own.owners.get(id(variable), TRUNK)
            is_named = owner in groups or owner == TRUNK
            part = owner if is_named else HEADS
            if part not in groups:
                raise ValueError(_without(owner, variable, groups))
            groups[part].append(variable)
        return groups

    def build(self, variables):
        """Makes the state of each part.

        Args:
            variables: List of the model's trainable variables.

        Raises:
            ValueError: If no model is bound, or a part has no optimizer.
        """
        if self.built:
            return
        if self._own.owners is None:
            raise ValueError(
                "PerPart finds trunk and heads when a MultiTaskModel is "
                "compiled with it. For another functional model whose outputs "
                "are a dict, call `optimizer.bind(model)` first."
            )
        for part, group in self._group(variables).items():
            each = self._own.optimizers[part]
            each.loss_scale_factor = self.loss_scale_factor
            # Of a part without variables too, so that its state is complete.
            each.build(group)
        super().build(variables)
        self._own.variables = list(variables)

    def apply(self, grads, trainable_variables=None):
        """Updates each part with its own optimizer.

        Args:
            grads: List of gradients.
            trainable_variables: List of variables, one a gradient; `None` for
                those of `build`.
        """
        grads = list(grads)
        if not grads:
            return
        if trainable_variables is None:
            trainable_variables = self._own.variables
        trainable_variables = list(trainable_variables)
        if not self.built:
            self.build(trainable_variables)
        if len(grads) != len(trainable_variables):
            raise ValueError(
                "`grads` must hold one gradient a variable. Received: "
                f"{len(grads)} gradients, {len(trainable_variables)} variables"
            )
        by_variable = {
            id(v): g for g, v in zip(grads, trainable_variables, strict=True)
        }
        is_updated = False
        for part, group in self._group(trainable_variables).items():
            pullbacks = [by_variable[id(v)] for v in group]
            # The head of a task without a loss has no gradient at all.
            if any(pull is not None for pull in pullbacks):
                self._own.optimizers[part].apply(pullbacks, group)
                is_updated = True
        if not is_updated:
            raise ValueError("No gradients provided for any variable.")
        self.iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        """Overwrites the variables of parts with a moving average.

        Args:
            var_list: List of the model's trainable variables.
        """
        for part, group in self._group(var_list).items():
            each = self._own.optimizers[part]
            if not group or not each.use_ema:
                continue
            each.finalize_variable_values(group)
            compat.own_buffers(group)

    def set_weights(self, weights):
        """Sets the state, in the order of `variables`."""
        own = len(super().variables)
        super().set_weights(weights[:own])
        for each in self.optimizers:
            end = own + len(each.variables)
            each.set_weights(weights[own:end])
            own = end

    def save_own_variables(self, store):
        """Saves the step's number; the parts save their own."""
        for index, variable in enumerate(super().variables):
            store[str(index)] = ops.convert_to_numpy(variable)

    def load_own_variables(self, store):
        """Loads what `save_own_variables` saved."""
        own = super().variables
        if len(store.keys()) != len(own):
            raise ValueError(
                f"The saved state of the optimizer {self.name!r} is not that "
                f"of a PerPart: expected {len(own)} variables. "
                f"Received: {len(store.keys())}"
            )
        for index, variable in enumerate(own):
            variable.assign(store[str(index)])

    def get_config(self) -> dict:
        """Returns the optimizers by part, as data."""
        return {
            "parts": {
                part: keras.optimizers.serialize(each)
                for part, each in self._own.optimizers.items()
            },
            "name": self.name,
            "loss_scale_factor": self.loss_scale_factor,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the optimizer that `get_config` described."""
        parts = {
            part: keras.optimizers.deserialize(
                dict(each), custom_objects=custom_objects
            )
            for part, each in config["parts"].items()
        }
        return cls(**{**config, "parts": parts})


def bind(optimizer, model) -> None:
    """Tells an optimizer the parts of the model, where it asks for them.

    Args:
        optimizer: What `compile` was given: a name, an optimizer, or one
            that wraps another, such as `LossScaleOptimizer`.
        model: Functional model, as for `graph.partition`.
    """
    while (inner := getattr(optimizer, "inner_optimizer", None)) is not None:
        optimizer = inner
    if isinstance(optimizer, PerPart):
        optimizer.bind(model)


class _Parts:
    """The optimizers and the model's variables, out of Keras's tracking."""

    def __init__(self, optimizers):
        self.optimizers = optimizers
        self.owners = self.model = None
        self.variables = []
        self.leader = optimizers.get(TRUNK, next(iter(optimizers.values())))


def _checked(parts, loss_scale_factor) -> dict:
    if not isinstance(parts, dict) or not parts:
        raise ValueError(
            "PerPart expects a dict of part to optimizer, such as "
            "{'trunk': 'adam', 'heads': keras.optimizers.SGD(0.1)}. "
            f"Received: {parts!r}"
        )
    optimizers = {}
    for part, given in parts.items():
        each = _optimizer(part, given)
        if any(each is other for other in optimizers.values()):
            raise ValueError(
                "PerPart needs an optimizer for each part: one object cannot "
                f"hold the state of two. Received: the same {given!r} twice, "
                f"the second time for {part!r}. Heads that shall go together "
                "are the part 'heads'."
            )
        if each.loss_scale_factor not in (None, loss_scale_factor):
            raise ValueError(
                "The loss has one scale: PerPart(parts, loss_scale_factor="
                f"{each.loss_scale_factor}). Received: loss_scale_factor="
                f"{each.loss_scale_factor} in the part {part!r}"
            )
        # The name under which callbacks log the part's learning rate.
        each.name = part
        optimizers[part] = each
    return optimizers


def _optimizer(part, given):
    try:
        each = keras.optimizers.get(given)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"PerPart expects an optimizer for the part {part!r}: its name or "
            f"an object. Received: {given!r}"
        ) from error
    if each is None or isinstance(
        each, PerPart | keras.optimizers.LossScaleOptimizer
    ):
        raise ValueError(
            f"PerPart expects a plain optimizer for the part {part!r}; what "
            "holds other optimizers goes around it: "
            "LossScaleOptimizer(PerPart(...)). "
            f"Received: {type(each).__name__}"
        )
    return each


def _without(owner, variable, groups) -> str:
    what = "the trunk" if owner == TRUNK else f"the head of {owner!r}"
    wanted = "'trunk'" if owner == TRUNK else f"{owner!r} or 'heads'"
    return (
        f"PerPart has no optimizer for {what}, which owns the variable "
        f"{variable.path!r}. Name {wanted}. "
        f"Received: parts with the keys {list(groups)}"
    )
