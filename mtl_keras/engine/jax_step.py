"""JAX's training step of a balancer that reads gradients."""

import jax
import keras
from jax import numpy as jnp

from mtl_keras import compat
from mtl_keras.engine import jax_program
from mtl_keras.engine.combine import Pullbacks, combine, own_gradient
from mtl_keras.engine.step_plan import total_of


def train_step(model, state, data) -> tuple:
    """Takes one training step; see TensorFlow's for the idea.

    Args:
        model: `MultiTaskModel` with a step plan.
        state: Tuple of the lists of values of the trainable, non-trainable,
            optimizer's and metrics' variables.
        data: Batch, as `fit` gives it.

    Returns:
        Tuple of the logs and the new state.
    """
    is_traced = isinstance(jax.tree.leaves(state)[0], jax.core.Tracer)
    if is_traced or not jax_program.is_needed(model):
        return step(model, state, data)
    return jax_program.run(model, step, state, data)


def step(model, state, data, *, is_exact: bool | None = None) -> tuple:
    """Takes one training step within a program.

    Args:
        model: As of `train_step`.
        state: As of `train_step`.
        data: As of `train_step`.
        is_exact: As of `combine`.

    Returns:
        As `train_step`.
    """
    trainable, fixed, optimizer_state, metric_state = state
    batch = keras.utils.unpack_x_y_sample_weight(data)
    x, y, sample_weight = batch
    step_plan, optimizer = model.step_plan, model.optimizer
    run = _Scopes(model)
    place = {id(v): i for i, v in enumerate(model.trainable_variables)}
    in_trunk = [place[id(v)] for v in step_plan.trunk_variables]
    in_heads = [i for i in place.values() if i not in set(in_trunk)]
    scale = run.loss_scale(optimizer, optimizer_state)

    is_penalised = []

    def trunk(values):
        def body():
            slots = step_plan.run_trunk(compat.standardize_inputs(model, x))
            return slots, step_plan.masks(slots)

        replaced = _replaced(trainable, in_trunk, values)
        (slots, masks), after, losses = run.step(body, replaced, fixed)
        is_penalised[:] = [bool(losses)]
        live = [slots.pop(slot) for slot in step_plan.slots]
        return (live, total_of(losses)), (slots, masks, after)

    (live, activity), pull, (rest, masks, fixed) = jax.vjp(
        trunk, [trainable[i] for i in in_trunk], has_aux=True
    )
    values = {**rest, **dict(zip(step_plan.slots, live, strict=True))}

    def heads(copies, own):
        def body():
            predictions = step_plan.run_heads(values, copies, masks)
            task_losses = model.task_losses(y, predictions, sample_weight)
            weights = step_plan.balancer.head_weights(
                task_losses.losses, task_losses.present
            )
            return predictions, task_losses, weights

        replaced = _replaced(trainable, in_heads, own)
        outputs, after, losses = run.step(body, replaced, fixed)
        predictions, task_losses, weights = outputs
        late = total_of(losses)
        objective = jnp.sum(jax.lax.stop_gradient(weights) * task_losses.shares)
        return scale * (objective + late), (
            predictions,
            task_losses,
            late,
            after,
        )

    copies = {
        name: {s: values[s] for s in step_plan.reads(name)}
        for name in step_plan.tasks
    }
    (cotangents, head_gradients), (predictions, task_losses, late, fixed) = (
        jax.grad(heads, argnums=(0, 1), has_aux=True)(
            copies, [trainable[i] for i in in_heads]
        )
    )
    owners = step_plan.owners
    own = [owners.get(id(model.trainable_variables[i])) for i in in_heads]
    head_gradients = [
        g if k is None else own_gradient(g, task_losses.present[k] > 0)
        for g, k in zip(head_gradients, own, strict=True)
    ]
    rows = [
        [cotangents[name].get(slot) for slot in step_plan.slots]
        for name in step_plan.tasks
    ]

    def penalties(values):
        total, _, _ = run.step(
            lambda: total_of(step_plan.weight_penalties(model)), values, fixed
        )
        return total

    penalty, gradients = jax.value_and_grad(penalties)(trainable)
    gradients = [scale * g for g in gradients]
    pullbacks = _pullbacks(step_plan, pull, live)
    mix, fixed, _ = run.step(
        lambda: combine(
            step_plan, rows, live, task_losses, scale, pullbacks, is_exact
        ),
        trainable,
        fixed,
    )
    parts = [(in_trunk, mix.gradients), (in_heads, head_gradients)]
    if is_penalised[0]:
        # One more pass through the trunk, only where a layer of it asks.
        nothing = [jnp.zeros_like(tensor) for tensor in live]
        (of_activity,) = pull((nothing, scale))
        parts.append((in_trunk, of_activity))
    for places, more in parts:
        for i, gradient in zip(places, more, strict=True):
            gradients[i] = gradients[i] + gradient
    trainable, optimizer_state = optimizer.stateless_apply(
        optimizer_state, gradients, trainable
    )

    def track():
        penalties = [activity, late, penalty]
        return model.finish_step(
            batch, predictions, task_losses, penalties, mix
        )

    logs, metric_state = run.metrics(track, trainable, fixed, metric_state)
    return logs, (trainable, fixed, optimizer_state, metric_state)


class _Scopes:
    """Runs code of Keras on values in the place of a model's variables."""

    def __init__(self, model):
        self.model = model

    def step(self, body, trainable, fixed):
        """Runs a body; returns its result, the new state and the losses."""
        model = self.model
        mapping = [
            *zip(model.trainable_variables, trainable, strict=True),
            *zip(model.non_trainable_variables, fixed, strict=True),
        ]
        with keras.StatelessScope(
            state_mapping=mapping, collect_losses=True
        ) as scope:
            result = body()
        after = _current(scope, model.non_trainable_variables, fixed)
        return result, after, list(scope.losses)

    def metrics(self, body, trainable, fixed, metric_state):
        """Runs a body that moves metrics; returns the logs and their state."""
        model = self.model
        mapping = [
            *zip(model.trainable_variables, trainable, strict=True),
            *zip(model.non_trainable_variables, fixed, strict=True),
            *zip(model.metrics_variables, metric_state, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = body()
        return logs, _current(scope, model.metrics_variables, metric_state)

    def loss_scale(self, optimizer, optimizer_state):
        """Returns the optimizer's factor of the loss."""
        mapping = list(zip(optimizer.variables, optimizer_state, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return jnp.float32(optimizer.scale_loss(jnp.float32(1.0)))


def _current(scope, variables, values) -> list:
    current = [scope.get_current_value(variable) for variable in variables]
    return [
        old if new is None else new
        for new, old in zip(current, values, strict=True)
    ]


def _replaced(values, places, new) -> list:
    values = list(values)
    for place, value in zip(places, new, strict=True):
        values[place] = value
    return values


def _pullbacks(step_plan, pull, live) -> Pullbacks:
    order = {id(v): i for i, v in enumerate(step_plan.trunk_variables)}
    last = [order[id(v)] for v in step_plan.last_variables]
    silent = jnp.zeros((), "float32")

    def trunk(row):
        row = [
            jnp.zeros_like(tensor) if cotangent is None else cotangent
            for cotangent, tensor in zip(row, live, strict=True)
        ]
        (gradients,) = pull((row, silent))
        return gradients

    return Pullbacks(
        trunk=trunk,
        last=lambda row: [trunk(row)[i] for i in last],
        after=_after,
        dense=lambda gradients: gradients,
        branch=jax.lax.cond,
        solver=lambda balancer: balancer.weights,
        num_replicas=1,
        sum_over_replicas=lambda tensors: tensors,
    )


def _after(row, tensors):
    # XLA drops its own barriers before it schedules for a CPU. A product with
    # zero stays: of an infinite number it would be NaN, and such a step is
    # lost anyway.
    zero = 0.0 * sum(tensor.ravel()[0].astype("float32") for tensor in tensors)
    return [
        cotangent
        if cotangent is None
        else cotangent + zero.astype(cotangent.dtype)
        for cotangent in row
    ]
