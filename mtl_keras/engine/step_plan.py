"""What a step that balances gradients runs, and in which order."""

import dataclasses
import functools
import math
import warnings
import weakref

from keras import ops

from mtl_keras import compat, graph
from mtl_keras.balancing import limits
from mtl_keras.balancing.balancer import Balancer
from mtl_keras.groups.members import abridged, places
from mtl_keras.sharing.dropout import FrontierDropout
from mtl_keras.sharing.regularization import SharedPenalty


@dataclasses.dataclass(frozen=True, eq=False)
class StepPlan:
    """The model taken apart for one backward pass through all heads.

    Args:
        parts: The model's `graph.Partition`.
        balancer: `GradientBalancer`.
        members: Dict, the name of each trained output, sorted, to a tuple:
            the members of a group, else the name. A row of gradients belongs
            to each of them.
        slots: Tuple of integers, the frontier that a gradient flows through.
        trunk_variables: List of trainable variables of the trunk.
        last_variables: List of those of its last layers.
        dropout: `FrontierDropout` or `None`.
        penalty: `SharedPenalty`.
        programs: Dict, where a backend keeps what it compiled.
    """

    parts: graph.Partition
    balancer: Balancer
    members: dict[str, tuple[str, ...]]
    slots: tuple[int, ...]
    trunk_variables: list
    last_variables: list
    dropout: FrontierDropout | None
    penalty: SharedPenalty
    programs: dict = dataclasses.field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the trained outputs."""
        return tuple(self.members)

    @property
    def columns(self) -> dict:
        """The `Columns` of each trained group of several members."""
        columns = self.parts.columns
        return {name: columns[name] for name in self.tasks if name in columns}

    @property
    def places(self) -> dict[str, slice]:
        """The rows of each trained output."""
        return places(self.members)

    @property
    def branches(self) -> bool:
        """Whether exact steps and steps that reuse their weights differ."""
        balancer = self.balancer
        return balancer.on == "parameters" and balancer.step_counter is not None

    @property
    def sizes(self) -> list[int]:
        """How many numbers each of the trunk's variables holds."""
        return [math.prod(v.shape) for v in self.trunk_variables]

    @property
    def overwritten(self) -> list[int]:
        """The places of the trunk's variables that a gradient overwrites.

        Of float8-quantized layers, the "gradient" of a scale is its next
        value.
        """
        return [
            i
            for i, v in enumerate(self.trunk_variables)
            if v.overwrite_with_gradient
        ]

    @property
    def owners(self) -> dict[int, slice]:
        """The rows of the output that owns a head's variable, by its id."""
        return {
            id(variable): self.places[task]
            for task in self.tasks
            for variable in self.parts.heads[task].trainable_variables
        }

    def reads(self, task: str) -> list[int]:
        """Lists the slots of `slots` that a task's head reads."""
        return [s for s in self.slots if s in self.parts.heads[task].reads]

    def run_trunk(self, inputs: list) -> dict:
        """Runs the trunk in training.

        Args:
            inputs: List of tensors, the flattened inputs.

        Returns:
            Dict, slot to tensor, of all that heads read.
        """
        values = dict(zip(self.parts.trunk.reads, inputs, strict=True))
        self.parts.trunk.run(values, training=True)
        if self.dropout is not None:
            self.dropout.drop(values)
        needed = {*self.parts.frontier, *self.parts.trunk.reads}
        return {slot: values[slot] for slot in values if slot in needed}

    def copied(self, task: str) -> list[int]:
        """Lists the slots of `slots` that a head reads from its own copy.

        A group reads no copy: its rows follow from its scores.
        """
        return [] if task in self.columns else self.reads(task)

    def run_heads(
        self, values: dict, copies: dict, masks: dict, see=None
    ) -> dict:
        """Runs every head in training, each on its own copy of the frontier.

        Args:
            values: Dict, slot to tensor.
            copies: Dict, task name to dict, slot to tensor.
            masks: Dict, slot to Keras's mask of it.
            see: Function of a group's name and its scores, which returns the
                scores; see `Columns.run`.

        Returns:
            Dict, task name to output tensor.
        """
        predictions, columns = {}, self.columns
        for name, head in self.parts.heads.items():
            own = {**values, **copies.get(name, {})}
            for slot, mask in masks.items():
                compat.set_mask(own[slot], mask)
            if name in columns:
                note = functools.partial(see, name)
                predictions[name] = columns[name].run(own, note)
            else:
                predictions[name] = head.run(own, training=True)[0]
        return predictions

    def masks(self, values: dict) -> dict:
        """Collects Keras's masks, which copies and transformations lose."""
        masks = {slot: compat.get_mask(t) for slot, t in values.items()}
        return {slot: m for slot, m in masks.items() if m is not None}

    def weight_penalties(self, model) -> list:
        """Lists the penalties of a model's weights, scalar tensors."""
        return [*compat.weight_losses(model), *self.penalty.losses()]


def make_step_plan(
    parts, balancer, members, dropout, penalty
) -> StepPlan | None:
    """Plans the step of a balancer that reads gradients.

    Args:
        parts: The model's `graph.Partition`.
        balancer: `Balancer`.
        members: Dict, as of `StepPlan`.
        dropout: `FrontierDropout` or `None`.
        penalty: `SharedPenalty`.

    Returns:
        `StepPlan`; `None` where a plain step does: a balancer of losses, one
        task, or nothing shared that is trained.

    Raises:
        ValueError: If the tasks share no variable at all at a level that
            compares what heads read, or the members of a group cannot be
            told apart.
    """
    tasks = tuple(name for group in members.values() for name in group)
    if not balancer.reads_gradients or len(tasks) < 2:
        return None
    limits.check(balancer, len(tasks))
    _check_columns(parts, members)
    read = {slot: _readers(parts, slot, members) for slot in parts.live}
    slots = tuple(slot for slot in parts.live if read[slot])
    variables = parts.trunk.trainable_variables
    if not variables or not slots:
        _without_trunk(parts, balancer, tasks)
        return None
    if balancer.on == "features" and all(len(n) < 2 for n in read.values()):
        warnings.warn(
            f"{type(balancer).__name__}(on='features') compares the tasks "
            "where their heads read the trunk, and no tensor there is read by "
            "two tasks: no conflict can be seen, only magnitudes are balanced."
            " on='parameters' sees conflicts. mtl_keras.graph.describe(model) "
            "shows which task reads what.",
            UserWarning,
            stacklevel=5,
        )
    return StepPlan(
        parts=parts,
        balancer=balancer,
        members=members,
        slots=slots,
        trunk_variables=variables,
        last_variables=_last_variables(parts, slots),
        dropout=dropout,
        penalty=penalty,
    )


def bind(model, balancer, members, step_plan: StepPlan | None) -> None:
    """Fixes a balancer's tasks and makes its state.

    Compiling the same model again keeps the state.

    Args:
        model: The model that it belongs to.
        balancer: `Balancer`.
        members: Dict, as of `StepPlan`.
        step_plan: `StepPlan` or `None`.

    Raises:
        ValueError: If another model has its state, or gave it other tasks.
    """
    tasks = tuple(name for group in members.values() for name in group)
    owner = balancer.owner() if balancer.owner is not None else None
    is_taken = balancer.variables or balancer.tasks != tasks
    if is_taken and owner is not None and owner is not model:
        name = type(balancer).__name__
        raise ValueError(
            f"This {name} already balances the model {owner.name!r}, with its "
            "tasks and state. Give each model a balancer of its own: "
            f"{name}.from_config(balancer.get_config()). "
            f"Received: loss_weights={balancer!r}"
        )
    balancer.owner = weakref.ref(model)
    balancer.groups = {
        name: group for name, group in members.items() if group != (name,)
    }
    num_parameters = None if step_plan is None else sum(step_plan.sizes)
    balancer.bind(tasks, num_parameters)


def check_overrides(model, base, step_plan: StepPlan | None) -> None:
    """Raises for a subclass whose own loss a step would not call.

    Args:
        model: The model that is compiled.
        base: `MultiTaskModel`.
        step_plan: `StepPlan` or `None`.

    Raises:
        ValueError: If gradients are balanced and `compute_loss` is overridden.
    """
    if step_plan is None or type(model).compute_loss is base.compute_loss:
        return
    raise ValueError(
        f"{type(model).__name__} overrides `compute_loss`, which a balancer "
        "of gradients does not call: it needs each task's loss alone. Override "
        "`task_losses`, use `add_loss` for a penalty, or balance by losses, "
        "such as loss_weights='uncertainty'. Received: "
        f"loss_weights={step_plan.balancer!r}"
    )


def refuse_own_step(model) -> None:
    """Raises for a sum of losses where gradients are balanced.

    Args:
        model: A model whose own `train_step` computes the loss.

    Raises:
        ValueError: Always.
    """
    name = type(model.balancer).__name__
    raise ValueError(
        f"{name} balances the tasks' gradients, which a summed loss does not "
        "give: `compute_loss` was called in training, as by a `train_step` of "
        f"your own. Received: the class {type(model).__name__}. Call "
        "super().train_step there, balance by losses, such as "
        "loss_weights='uncertainty', or, to look at the loss alone, pass "
        "training=False."
    )


def _readers(parts, slot, members):
    readers = [name for name in parts.readers(slot) if name in members]
    return [member for name in readers for member in members[name]]


def _check_columns(parts, members):
    for name, group in members.items():
        if len(group) > 1 and name not in parts.columns:
            raise ValueError(
                "A balancer of gradients needs a group's output to come from "
                "one Dense layer on features of shape (batch, channels), with "
                "nothing behind it that mixes the members. Received: the "
                f"group {name!r}, whose output does not. Build it with "
                "heads.get(kind).build."
            )


def _without_trunk(parts, balancer, tasks):
    name = type(balancer).__name__
    hint = "mtl_keras.graph.describe(model) shows what they share."
    if not parts.shared_variables and balancer.on != "parameters":
        raise ValueError(
            f"{name}(on={balancer.on!r}) has nothing to act on: the tasks "
            f"{abridged(tasks)} share no variable. {hint} Let the heads read a "
            "trunk, or balance by losses alone, such as "
            "loss_weights='uncertainty'."
        )
    warnings.warn(
        f"{name} has nothing to balance: the tasks {abridged(tasks)} share no "
        f"variable that is trained. Each trains with the weight 1. {hint} "
        "Compile again when you unfreeze the trunk.",
        UserWarning,
        stacklevel=6,
    )


def _last_variables(parts, slots) -> list:
    """Finds the trained variables nearest to the frontier, on each way down."""
    producer = {s: call for call in parts.trunk.calls for s in call.writes}
    nearest, waiting, seen = {}, list(slots), set()
    while waiting:
        call = producer.get(waiting.pop())
        if call is None or call in seen:
            continue
        seen.add(call)
        variables = getattr(call.operation, "trainable_variables", ())
        # A normalisation has only two vectors; take the layer before it.
        if any(len(v.shape) > 1 for v in variables):
            nearest.update((id(v), v) for v in variables)
        else:
            waiting.extend(call.reads)
    trained = {id(v) for v in parts.trunk.trainable_variables}
    last = [v for key, v in nearest.items() if key in trained]
    last = last or parts.trunk.trainable_variables
    return [v for v in last if not v.overwrite_with_gradient]


def total_of(losses: list):
    """Adds up scalar losses.

    Args:
        losses: List of scalar tensors.

    Returns:
        float32 scalar tensor; 0 for none.
    """
    total = ops.zeros((), "float32")
    for loss in losses:
        total = total + ops.sum(ops.cast(loss, "float32"))
    return total
