"""Combines the tasks' gradients as a balancer says."""

import dataclasses

from keras import ops

from mtl_keras.balancing.step import FrontierTensor
from mtl_keras.engine import rows as rows_of


@dataclasses.dataclass(frozen=True, eq=False)
class Mix:
    """The balanced gradients of a step, and what the logs show of it.

    Args:
        gradients: List of tensors, one for each of the trunk's variables,
            under the loss scale.
        weights: float32 tensor of shape `(num_tasks,)`, what each task's loss
            weighs in the trunk, or `None` of a method without weights.
        gramian: float32 tensor of shape `(num_tasks, num_tasks)`.
        is_new: Boolean tensor, whether the Gramian is this step's.
    """

    gradients: list
    weights: object
    gramian: object
    is_new: object


@dataclasses.dataclass(frozen=True, eq=False)
class Pullbacks:
    """How a backend pulls cotangents of the frontier back through the trunk.

    Args:
        trunk: Function of a row of cotangents; returns a list of gradients of
            the trunk's variables, `None` where they are not reached.
        last: Function of a row; returns those of the last shared layers.
        after: Function of a row and tensors; returns the row, which is not
            read before the tensors are computed.
        whole: Function of `trunk` or `last` and a row; returns the gradients
            as tensors only, zeros for `None`.
        each: Function of `trunk` or `last` and a `GroupBlock`; does the same
            to one row after the other, and returns the results stacked.
        dense: Function of a list of gradients; returns tensors only, zeros
            for `None`.
        branch: Function of a condition and two functions; runs one of them.
        solver: Function of a balancer; returns its `weights`, compiled where
            that is faster.
        num_replicas: Integer.
        sum_over_replicas: Function of a list of tensors of one shape.
        first_place: Function of the number of examples on this replica;
            returns the number on the replicas before it.
        overwritten: List of integers, the trunk's variables whose "gradient"
            is their next value (`overwrite_with_gradient`, as of float8
            scales). It is never weighed nor compared.
    """

    trunk: object
    last: object
    after: object
    whole: object
    each: object
    dense: object
    branch: object
    solver: object
    num_replicas: int
    sum_over_replicas: object
    first_place: object
    overwritten: list


def combine(
    step_plan,
    rows,
    frontier,
    task_losses,
    scale,
    pullbacks: Pullbacks,
    is_exact=None,
) -> Mix:
    """Balances the tasks and computes the trunk's gradients.

    Args:
        step_plan: `StepPlan`.
        rows: `Rows` or `GroupedRows`, the cotangents of the frontier, one row
            a task.
        frontier: List of tensors, what the heads read.
        task_losses: `TaskLosses` of the step.
        scale: float32 scalar tensor, the loss scale within the rows.
        pullbacks: `Pullbacks`.
        is_exact: Boolean, whether this step computes the weights anew, where
            that is known outside of the program; `None` to branch in it.

    Returns:
        `Mix`.
    """
    balancer = step_plan.balancer
    rows = rows.without_absent(task_losses.present)
    if balancer.is_weighting:
        return _weigh(balancer, rows, task_losses, scale, pullbacks, is_exact)
    if balancer.on == "features":
        return _merge_frontier(
            step_plan, rows, frontier, task_losses, scale, pullbacks
        )
    return _merge(step_plan, rows, task_losses, scale, pullbacks)


def _weigh(balancer, rows, task_losses, scale, pullbacks, is_exact) -> Mix:
    losses, present = task_losses.losses, task_losses.present
    is_due = balancer.is_due()
    solve = pullbacks.solver(balancer)

    def solved(products):
        products = [each / scale**2 for each in products]
        gramian, *halves = products
        return products, solve(gramian, losses, present, *halves)

    def pulled(pull):
        """Pulls each row, or each half of it; returns rows and products."""
        if not balancer.needs_halves:
            jacobian, values = pull(rows)
            return jacobian, values, [_gramian_of(jacobian, pullbacks)]
        first, second = _halved(rows.each(), pullbacks.first_place)
        both = rows_of.Rows([*first, *second])
        twice, values = pull(both, present=_both(present))
        halves = _gramian_of(twice, pullbacks)
        size, each = len(rows), twice.each()
        jacobian = rows_of.Rows(
            [
                rows_of.total(one, other)
                for one, other in zip(each[:size], each[size:], strict=True)
            ]
        )
        whole = ops.sum(ops.reshape(halves, (2, size, 2, size)), axis=(0, 2))
        # Each half estimates the whole gradient: it is half of the labels'.
        return jacobian, values, [whole, 4.0 * halves]

    def held():
        return balancer.held_weights() * present

    def trunk(rows, present=present):
        return _jacobian(rows, present, pullbacks)

    def last(rows, present=present):
        return rows.pulled(pullbacks, pullbacks.last).without_absent(
            present
        ), None

    def exact():
        jacobian, values, products = pulled(trunk)
        products, weights = solved(products)
        gradients = _with_values(jacobian.mixed(weights), values)
        return gradients, weights, products

    def reuse():
        weights = held()
        gradients = pullbacks.dense(pullbacks.trunk(rows.mixed(weights)))
        sizes = [1, 2] if balancer.needs_halves else [1]
        unknown = [ops.zeros((n * len(rows),) * 2, "float32") for n in sizes]
        return gradients, weights, unknown

    if balancer.on != "parameters":
        if balancer.on == "features":
            gramian = rows.gramian()
            products = pullbacks.sum_over_replicas([gramian])
        else:
            _, _, products = pulled(last)
        products, weights = solved(products)
        if balancer.update_every > 1:
            weights = ops.where(is_due, weights, held())
        gradients = pullbacks.trunk(rows.mixed(weights))
    elif balancer.update_every == 1 or pullbacks.num_replicas > 1:
        gradients, weights, products = exact()
        if balancer.update_every > 1:
            # Replicas meet in `exact`, which a branch does not allow: the
            # weights are held, but nothing is saved.
            weights = ops.where(is_due, weights, held())
            gradients = pullbacks.trunk(rows.mixed(weights))
    elif is_exact is None:
        gradients, weights, products = pullbacks.branch(is_due, exact, reuse)
    else:
        gradients, weights, products = exact() if is_exact else reuse()
    gramian, *halves = products
    # The rows hold the heads' weights already; a task weighs their product.
    whole = weights * balancer.head_weights(losses, present)
    balancer.update(
        gramian,
        losses,
        present,
        when=is_due,
        weights=weights,
        halves=halves[0] if halves else None,
    )
    balancer.hold(weights, present, is_due)
    return Mix(gradients, whole, gramian, is_due)


def _merge(step_plan, rows, task_losses, scale, pullbacks) -> Mix:
    balancer = step_plan.balancer
    losses, present = task_losses.losses, task_losses.present
    shapes = [tuple(v.shape) for v in step_plan.trunk_variables]
    if balancer.takes_turns:
        chosen = balancer.turn(present)
        # The pass is linear: that of a sum with one row is that row's.
        rows = rows_of.Rows([rows.mixed(chosen)])
        jacobian, next_values = _jacobian(rows, ops.ones((1,)), pullbacks)
    else:
        jacobian, next_values = _jacobian(rows, present, pullbacks)
    jacobian = jacobian.flat(step_plan.sizes)
    (jacobian,) = pullbacks.sum_over_replicas([jacobian / scale])
    if balancer.takes_turns:
        jacobian = ops.where(chosen[:, None] > 0, jacobian, 0.0)
    direction = balancer.combine_rows(jacobian, losses, present)
    balancer.update(None, losses, present, jacobian=jacobian)
    # The optimizer sums over replicas, and this is the sum already.
    direction = direction * scale / pullbacks.num_replicas
    gradients = rows_of.unflat(direction, shapes)
    gradients = _with_values(gradients, next_values)
    gramian = ops.matmul(jacobian, ops.transpose(jacobian))
    return Mix(gradients, None, gramian, ops.convert_to_tensor(True))


def _merge_frontier(
    step_plan, rows, frontier, task_losses, scale, pullbacks
) -> Mix:
    balancer = step_plan.balancer
    losses, present = task_losses.losses, task_losses.present
    tensors = []
    for slot, values, column in zip(
        step_plan.slots, frontier, zip(*rows.each(), strict=True), strict=True
    ):
        shape = step_plan.parts.tensors[slot].shape
        tensors.append(
            FrontierTensor(
                values,
                [gradient for gradient in column if gradient is not None],
                tuple(i for i, size in enumerate(shape) if size is None),
                pullbacks.sum_over_replicas,
            )
        )
    merged = balancer.combine_frontier(tensors, losses, present)
    gramian = rows.gramian() / scale**2
    (gramian,) = pullbacks.sum_over_replicas([gramian])
    # A state of this level has no entry for each parameter.
    no_rows = ops.zeros((len(rows), 1), "float32")
    balancer.update(None, losses, present, jacobian=no_rows)
    gradients = pullbacks.trunk(merged)
    return Mix(gradients, None, gramian, ops.convert_to_tensor(True))


def own_gradient(gradient, is_present):
    """Drops what is not finite from the head's gradient of an absent task.

    The gradient of a head with an infinite derivative is then 0 times
    infinity. What is finite is that of the head's activity penalties.

    Args:
        gradient: Tensor.
        is_present: Boolean tensor of shape `(members,)`, whether the task, or
            each member of a group, has labels. The last axis of a group's
            variables runs over its members, each with as many units.

    Returns:
        Tensor of the same shape.
    """
    size, num_members = gradient.shape[-1:], is_present.shape[0]
    if num_members > 1 and size and size[0] % num_members == 0:
        is_present = ops.repeat(is_present, size[0] // num_members)
    else:
        is_present = ops.any(is_present)
    is_kept = ops.logical_or(is_present, ops.isfinite(gradient))
    return ops.where(is_kept, gradient, ops.zeros_like(gradient))


def _halved(rows, first_place) -> tuple[list[list], list[list]]:
    """Splits each row by its examples, every second one into either half.

    The examples lie along the first axis. A trunk that mixes them, such as by
    batch normalization, gives each half's gradient a part of the other's.
    """

    def is_first(tensor):
        size = ops.shape(tensor)[0]
        place = ops.arange(size, dtype="int32") + first_place(size)
        sizes = (-1, *[1] * (len(tensor.shape) - 1))
        return ops.reshape(ops.equal(place % 2, 0), sizes)

    # One mask for each tensor that heads read, for all tasks.
    masks = [
        next((is_first(t) for t in column if t is not None), None)
        for column in zip(*rows, strict=True)
    ]

    def half(is_kept):
        return [
            [
                t if t is None else ops.where(is_kept(m), t, ops.zeros_like(t))
                for t, m in zip(row, masks, strict=True)
            ]
            for row in rows
        ]

    return half(lambda mask: mask), half(ops.logical_not)


def _both(present):
    return ops.concatenate([present, present])


def _jacobian(rows, present, pullbacks) -> tuple:
    """Pulls each row back through the trunk, one after the other.

    Returns:
        Tuple of the tasks' gradients, a `Rows` or `StackedRows`, and a dict of
        the next values of the variables that are overwritten, by place. A
        pass through the trunk measures the range of what it quantizes; the
        largest holds for each task's pass.
    """
    jacobian = rows.pulled(pullbacks, pullbacks.trunk)
    next_values = {
        place: jacobian.largest(place) for place in pullbacks.overwritten
    }
    # A trunk with an infinite derivative turns the zeros into NaN.
    return jacobian.without(next_values).without_absent(present), next_values


def _with_values(gradients: list, next_values: dict) -> list:
    return [next_values.get(i, g) for i, g in enumerate(gradients)]


def _gramian_of(jacobian, pullbacks):
    if pullbacks.num_replicas == 1:
        return jacobian.gramian()
    # Gradients are summed over replicas first: the inner products of the
    # replicas' own would not add up to those of the whole batch's.
    (whole,) = pullbacks.sum_over_replicas([jacobian.flat()])
    return ops.matmul(whole, ops.transpose(whole))
