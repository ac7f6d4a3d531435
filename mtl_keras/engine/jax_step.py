"""JAX's training steps: Keras's own, and that of a balancer of gradients."""

import jax
import keras
from jax import numpy as jnp

from mtl_keras import compat
from mtl_keras.engine import jax_program
from mtl_keras.engine.combine import Pullbacks, combine, own_gradient
from mtl_keras.engine.group_rows import gathered
from mtl_keras.engine.jax_masks import MaskedOutputs
from mtl_keras.engine.step_plan import total_of


def plain_step(model, state, data) -> tuple:
    """Takes Keras's own training step, watched for values not finite.

    As `JAXTrainer.train_step` of Keras 3.15.

    Args:
        model: `MultiTaskModel` without a step plan.
        state: As of `train_step`.
        data: As of `train_step`.

    Returns:
        As `train_step`.
    """
    trainable, fixed, optimizer_state, metric_state = state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    differentiate = jax.value_and_grad(
        model.compute_loss_and_updates, has_aux=True
    )
    (_, after), gradients = differentiate(
        trainable,
        fixed,
        metric_state,
        x,
        y,
        sample_weight,
        training=True,
        optimizer_variables=optimizer_state,
    )
    loss, y_pred, fixed, metric_state = after
    run = _Scopes(model)
    is_finite, metric_state = run.watch(
        loss, gradients, (trainable, fixed, optimizer_state, metric_state)
    )
    trainable, optimizer_state = model.optimizer.stateless_apply(
        optimizer_state, gradients, trainable
    )
    logs, metric_state = compat.update_metrics(
        model, metric_state, loss, x, y, y_pred, sample_weight
    )
    new = (trainable, fixed, optimizer_state, metric_state)
    return run.finish(is_finite, logs, state, new)


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

    def heads(copies, probes, own):
        def see(name, scores):
            # The gradient in the scores is that in what is added to them.
            return scores + probes[name].astype(scores.dtype)

        def body():
            predictions = step_plan.run_heads(values, copies, masks, see)
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
            MaskedOutputs(predictions),
            task_losses,
            late,
            after,
        )

    copies = {
        name: {s: values[s] for s in step_plan.copied(name)}
        for name in step_plan.tasks
    }
    probes = {
        name: jnp.zeros((values[c.slot].shape[0], c.layer.units), "float32")
        for name, c in step_plan.columns.items()
    }
    gradients, (predictions, task_losses, late, fixed) = jax.grad(
        heads, argnums=(0, 1, 2), has_aux=True
    )(copies, probes, [trainable[i] for i in in_heads])
    cotangents, slopes, head_gradients = gradients
    owners = step_plan.owners
    own = [owners.get(id(model.trainable_variables[i])) for i in in_heads]
    head_gradients = [
        g if k is None else own_gradient(g, task_losses.present[k] > 0)
        for g, k in zip(head_gradients, own, strict=True)
    ]

    def weight_penalty(values):
        total, _, _ = run.step(
            lambda: total_of(step_plan.weight_penalties(model)), values, fixed
        )
        return total

    penalty, gradients = jax.value_and_grad(weight_penalty)(trainable)
    gradients = [scale * g for g in gradients]
    pullbacks = _pullbacks(step_plan, pull, live)

    def balance():
        rows = gathered(step_plan, cotangents, slopes, live)
        return combine(
            step_plan, rows, live, task_losses, scale, pullbacks, is_exact
        )

    mix, fixed, _ = run.step(balance, trainable, fixed)
    parts = [(in_trunk, mix.gradients), (in_heads, head_gradients)]
    if is_penalised[0]:
        # One more pass through the trunk, only where a layer of it asks.
        nothing = [jnp.zeros_like(tensor) for tensor in live]
        (of_activity,) = pull((nothing, scale))
        # First: of an overwritten variable the last value counts.
        parts.insert(0, (in_trunk, of_activity))
    variables = model.trainable_variables
    for places, more in parts:
        for i, gradient in zip(places, more, strict=True):
            if not variables[i].overwrite_with_gradient:
                gradient = gradients[i] + gradient
            gradients[i] = gradient
    penalties = [activity, late, penalty]
    is_finite, metric_state = run.watch(
        total_of(penalties),
        gradients,
        (trainable, fixed, optimizer_state, metric_state),
        task_losses.losses,
    )
    trainable, optimizer_state = optimizer.stateless_apply(
        optimizer_state, gradients, trainable
    )

    def track():
        return model.finish_step(
            batch, predictions, task_losses, penalties, mix
        )

    logs, metric_state = run.metrics(track, trainable, fixed, metric_state)
    new = (trainable, fixed, optimizer_state, metric_state)
    return run.finish(is_finite, logs, state, new)


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

    def watch(self, total, gradients, state, losses=None):
        """Looks for values that are not finite.

        Args:
            total: Scalar array, the total loss.
            gradients: List of arrays, under the loss scale.
            state: Tuple, the state of the step so far.
            losses: Array, the tasks' losses; `None` where the metrics' state
                has them.

        Returns:
            Tuple of a boolean array, whether all are finite, and the metrics'
            new state.
        """
        model = self.model
        trainable, fixed, optimizer_state, metric_state = state
        is_overflow = None
        if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
            # At a scale of 1 or less the scale isn't what overflows.
            is_overflow = self.loss_scale(model.optimizer, optimizer_state) > 1

        def body():
            if losses is not None:
                model.finite_watch.see_losses(losses)
            return model.finite_watch.update_state(
                total, gradients, model.trainable_variables, is_overflow
            )

        return self.metrics(body, trainable, fixed, metric_state)

    def finish(self, is_finite, logs, old, new) -> tuple:
        """Undoes a step that is to be skipped.

        Args:
            is_finite: Boolean array.
            logs: Dict, the logs of the step.
            old: Tuple, the state before the step.
            new: Tuple, the state after it.

        Returns:
            Tuple of the logs and the state.
        """
        model = self.model
        if not model.finite_watch.skips:
            return logs, new

        def kept(before, after):
            return [
                a if a is b else jnp.where(is_finite, a, b)
                for b, a in zip(before, after, strict=True)
            ]

        trainable, fixed, optimizer_state = map(kept, old[:3], new[:3])
        _, tracked = model.undone_by_skipping()
        undone = {id(v) for v in tracked}
        metric_state = [
            jnp.where(is_finite, a, b) if id(v) in undone else a
            for v, b, a in zip(
                model.metrics_variables, old[3], new[3], strict=True
            )
        ]
        logs_after, _ = self.metrics(
            model.get_metrics_result, trainable, fixed, metric_state
        )
        state = (trainable, fixed, optimizer_state, metric_state)
        return {**logs, **logs_after}, state

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

    def of_last(row):
        gradients = trunk(row)
        return [gradients[i] for i in last]

    def each(pull, block):
        # One row after the other: all at once would hold as many times the
        # activations' gradients.
        return jax.lax.map(
            lambda factors: pull(block.row(*factors)),
            (block.slopes, block.kernel),
        )

    return Pullbacks(
        trunk=trunk,
        last=of_last,
        after=_after,
        whole=lambda pull, row: pull(row),
        each=each,
        dense=lambda gradients: gradients,
        branch=jax.lax.cond,
        solver=lambda balancer: balancer.weights,
        num_replicas=1,
        sum_over_replicas=lambda tensors: tensors,
        first_place=lambda size: 0,
        overwritten=step_plan.overwritten,
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
