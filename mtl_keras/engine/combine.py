"""Asks the balancer and applies its answer to the tasks' gradients."""

import dataclasses
import math

from keras import ops

from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.engine import rows as rows_of


@dataclasses.dataclass(frozen=True, eq=False)
class Mix:
    """What a step's balancing gave.

    Args:
        gradients: List of tensors, one for each of the trunk's variables,
            under the loss scale.
        weights: float32 tensor of shape `(num_tasks,)`, what each task's loss
            weighs in the trunk, or `None` of a method that is no weighting.
        gramian: float32 tensor of shape `(num_tasks, num_tasks)`.
        is_new: Boolean tensor, whether the Gramian is this step's.
    """

    gradients: list
    weights: object
    gramian: object
    is_new: object


@dataclasses.dataclass(frozen=True, eq=False)
class Pullbacks:
    """How a backend brings cotangents of the frontier down the trunk.

    Args:
        trunk: Function of a row of cotangents; returns a list of gradients of
            the trunk's variables, `None` where they are not reached.
        last: Function of a row; returns those of the last shared layers.
        after: Function of a row and tensors; returns the row, which is not
            read before the tensors are there.
        dense: Function of a list of gradients; returns tensors only, zeros
            for `None`.
        branch: Function of a condition and two functions; runs one of them.
        solver: Function of a balancer; returns its `weights`, compiled where
            that is faster.
        num_replicas: Integer.
        sum_over_replicas: Function of a list of tensors of one shape.
    """

    trunk: object
    last: object
    after: object
    dense: object
    branch: object
    solver: object
    num_replicas: int
    sum_over_replicas: object


def choose(
    step_plan, rows, frontier, found, scale, pullbacks: Pullbacks, is_exact=None
) -> Mix:
    """Weighs the tasks and computes the trunk's gradients.

    Args:
        step_plan: `StepPlan`.
        rows: List of rows, the cotangents of the frontier, one row a task.
        frontier: List of tensors, what the heads read.
        found: `TaskLosses` of the step.
        scale: float32 scalar tensor, the loss scale within the rows.
        pullbacks: `Pullbacks`.
        is_exact: Boolean, whether this step computes the weights anew, where
            that is known outside of the program; `None` to branch in it.

    Returns:
        `Mix`.
    """
    balancer = step_plan.balancer
    if isinstance(balancer, JacobianBalancer):
        if balancer.on == "features":
            return _drop(step_plan, rows, frontier, found, scale, pullbacks)
        return _merge(step_plan, rows, found, scale, pullbacks)
    due = balancer.is_due()
    given = (found.losses, found.present)
    solve = pullbacks.solver(balancer)

    def weigh(gramian):
        gramian = gramian / scale**2
        return gramian, solve(gramian, *given)

    def exact():
        jacobian = _jacobian(rows, pullbacks)
        gramian, weights = weigh(_gramian_of(jacobian, pullbacks))
        return rows_of.mixed(jacobian, weights), weights, gramian

    def reuse():
        weights = balancer.held_weights() * found.present
        gradients = pullbacks.dense(
            pullbacks.trunk(rows_of.mixed(rows, weights))
        )
        unknown = ops.zeros((len(rows),) * 2, "float32")
        return gradients, weights, unknown

    if balancer.on != "parameters":
        if balancer.on == "features":
            gramian = rows_of.gramian(rows)
            (gramian,) = pullbacks.sum_over_replicas([gramian])
        else:
            last = [pullbacks.last(row) for row in rows]
            gramian = _gramian_of(last, pullbacks)
        gramian, weights = weigh(gramian)
        if balancer.update_every > 1:
            held = balancer.held_weights() * found.present
            weights = ops.where(due, weights, held)
        gradients = pullbacks.trunk(rows_of.mixed(rows, weights))
    elif balancer.update_every == 1 or pullbacks.num_replicas > 1:
        gradients, weights, gramian = exact()
        if balancer.update_every > 1:
            # Replicas meet in `exact`, which a branch does not allow: the
            # weights are held, but nothing is saved.
            held = balancer.held_weights() * found.present
            weights = ops.where(due, weights, held)
            gradients = pullbacks.trunk(rows_of.mixed(rows, weights))
    elif is_exact is None:
        gradients, weights, gramian = pullbacks.branch(due, exact, reuse)
    else:
        gradients, weights, gramian = exact() if is_exact else reuse()
    # The rows hold these already; what a task weighs is their product.
    whole = weights * balancer.head_weights(*given)
    balancer.update(gramian, *given, when=due)
    balancer.hold(weights, found.present, due)
    return Mix(gradients, whole, gramian, due)


def _jacobian(rows, pullbacks) -> list[list]:
    """Brings each row down the trunk, one after the other.

    A compiler would run several at a time, each with the activations'
    gradients of its own: at 40 tasks five times the memory.
    """
    jacobian = []
    for row in rows:
        if jacobian:
            row = pullbacks.after(row, jacobian[-1])
        jacobian.append(pullbacks.dense(pullbacks.trunk(row)))
    return jacobian


def _gramian_of(jacobian, pullbacks):
    if pullbacks.num_replicas == 1:
        return rows_of.gramian(jacobian)
    # Gradients are summed over replicas first: the inner products of the
    # replicas' own would not add up to those of the whole batch's.
    columns = [
        column
        for column in zip(*jacobian, strict=True)
        if any(tensor is not None for tensor in column)
    ]
    sizes = [
        max(math.prod(t.shape) for t in column if t is not None)
        for column in columns
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    (whole,) = pullbacks.sum_over_replicas([rows_of.flat(rows, sizes)])
    return ops.matmul(whole, ops.transpose(whole))


def _merge(step_plan, rows, found, scale, pullbacks):
    balancer = step_plan.balancer
    shapes = [tuple(v.shape) for v in step_plan.trunk_variables]
    jacobian = rows_of.flat(_jacobian(rows, pullbacks), step_plan.sizes)
    (jacobian,) = pullbacks.sum_over_replicas([jacobian / scale])
    given = (found.losses, found.present)
    direction = balancer.combine_rows(jacobian, *given)
    balancer.update(None, *given, jacobian=jacobian)
    # The optimizer sums over replicas, and this is the sum already.
    direction = direction * scale / pullbacks.num_replicas
    gradients = rows_of.unflat(direction, shapes)
    gramian = ops.matmul(jacobian, ops.transpose(jacobian))
    return Mix(gradients, None, gramian, ops.convert_to_tensor(True))


def _drop(step_plan, rows, frontier, found, scale, pullbacks):
    """Keeps one sign of each feature's gradients, as `GradDrop` draws it."""
    balancer = step_plan.balancer
    mixed = []
    for stream, (slot, values) in enumerate(
        zip(step_plan.slots, frontier, strict=True)
    ):
        column = [row[stream] for row in rows]
        there = [g for g in column if g is not None]
        shape = step_plan.parts.tensors[slot].shape
        # All examples share one sign a feature; places of a length that
        # varies, such as a sentence's, count as examples.
        axes = tuple(i for i, size in enumerate(shape) if size is None)
        sign = ops.sign(ops.cast(values, "float32"))
        sums = [
            ops.sum(sign * ops.cast(g, "float32"), axis=axes, keepdims=True)
            for g in there
        ]
        sums = pullbacks.sum_over_replicas(sums)
        stacked = ops.reshape(ops.stack(sums), (len(sums), -1))
        keeps = balancer.keeps_positive(
            ops.sum(stacked, axis=0),
            ops.sum(ops.abs(stacked), axis=0),
            stream=stream,
        )
        total = 0.0
        for gradient, signed in zip(there, sums, strict=True):
            chosen = ops.reshape(keeps, signed.shape)
            kept = ops.where(chosen, signed > 0, signed < 0)
            share = balancer.leak + (1.0 - balancer.leak) * ops.cast(
                kept, "float32"
            )
            total = total + share * ops.cast(gradient, "float32")
        mixed.append(ops.cast(total, there[0].dtype))
    gramian = rows_of.gramian(rows) / scale**2
    (gramian,) = pullbacks.sum_over_replicas([gramian])
    # Its state counts steps alone.
    balancer.update(
        None,
        found.losses,
        found.present,
        jacobian=ops.zeros((len(rows), 1), "float32"),
    )
    gradients = pullbacks.trunk(mixed)
    return Mix(gradients, None, gramian, ops.convert_to_tensor(True))
