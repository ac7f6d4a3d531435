"""TensorFlow's training step of a balancer that reads gradients."""

import functools

import keras
import tensorflow as tf

from mtl_keras import compat
from mtl_keras.engine.combine import Pullbacks, combine
from mtl_keras.engine.step_plan import total_of
from mtl_keras.engine.tensorflow import BACKEND


def train_step(model, data) -> dict:
    """Takes one training step.

    One backward pass through all heads, each on its own copy of what the
    trunk gave, yields every task's gradient there; then one pass through the
    trunk, or one for each task at the level of the parameters.

    Args:
        model: `MultiTaskModel` with a step plan.
        data: Batch, as `fit` gives it.

    Returns:
        Dict, the logs.
    """
    step_plan = model.step_plan
    if (
        not step_plan.branches
        or model.run_eagerly
        or BACKEND.num_replicas() > 1
    ):
        return _step(model, step_plan, data)
    exact, reuse = (
        tf.function(
            functools.partial(_step, model, step_plan, is_exact=is_exact),
            jit_compile=model.jit_compile,
            autograph=False,
        )
        for is_exact in (True, False)
    )
    return tf.cond(
        step_plan.balancer.is_due(), lambda: exact(data), lambda: reuse(data)
    )


def _step(model, step_plan, data, *, is_exact=None) -> dict:
    batch = keras.utils.unpack_x_y_sample_weight(data)
    x, y, sample_weight = batch
    optimizer = model.optimizer
    # The optimizer sums gradients over replicas; a penalty counts once.
    share = 1.0 / BACKEND.num_replicas()
    scale = tf.cast(optimizer.scale_loss(tf.ones(())), tf.float32)
    compat.clear_losses(model)
    with tf.GradientTape(persistent=True) as tape:
        values = step_plan.run_trunk(compat.standardize_inputs(model, x))
        activity = compat.activity_losses(model)
        penalty = share * scale * total_of(activity)
    masks = step_plan.masks(values)
    with tf.GradientTape() as head_tape:
        copies = {
            name: {s: tf.identity(values[s]) for s in step_plan.reads(name)}
            for name in step_plan.tasks
        }
        head_tape.watch(copies)
        predictions = step_plan.run_heads(values, copies, masks)
        task_losses = model.task_losses(y, predictions, sample_weight)
        known = {id(loss) for loss in activity}
        late = [
            loss
            for loss in compat.activity_losses(model)
            if id(loss) not in known
        ]
        weights = step_plan.balancer.head_weights(
            task_losses.losses, task_losses.present
        )
        objective = tf.reduce_sum(
            tf.stop_gradient(weights) * task_losses.shares
        )
        objective = scale * (objective + share * total_of(late))
    trained = model.trainable_variables
    shared = {id(v) for v in step_plan.trunk_variables}
    own = [v for v in trained if id(v) not in shared]
    cotangents, head_gradients = head_tape.gradient(
        objective, (copies, [v.value for v in own])
    )
    rows = [
        [cotangents[name].get(slot) for slot in step_plan.slots]
        for name in step_plan.tasks
    ]
    frontier = [values[slot] for slot in step_plan.slots]
    pullbacks = _pullbacks(step_plan, tape, frontier)
    mix = combine(
        step_plan, rows, frontier, task_losses, scale, pullbacks, is_exact
    )
    gradients = dict(zip(map(id, own), head_gradients, strict=True))
    gradients.update(
        zip(map(id, step_plan.trunk_variables), mix.gradients, strict=True)
    )
    extra = []
    if activity:
        variables = [v.value for v in step_plan.trunk_variables]
        extra.append(
            (step_plan.trunk_variables, tape.gradient(penalty, variables))
        )
    with tf.GradientTape() as penalty_tape:
        penalties = step_plan.weight_penalties(model)
        penalty = share * scale * total_of(penalties)
    if penalties:
        variables = [v.value for v in trained]
        extra.append((trained, penalty_tape.gradient(penalty, variables)))
    for variables, more in extra:
        for variable, gradient in zip(variables, more, strict=True):
            gradients[id(variable)] = _sum(gradients[id(variable)], gradient)
    optimizer.apply_gradients([(gradients[id(v)], v) for v in trained])
    penalties = [*activity, *late, *penalties]
    return model.finish_step(batch, predictions, task_losses, penalties, mix)


def _pullbacks(step_plan, tape, targets) -> Pullbacks:
    def pull(row, variables):
        there = [
            (target, cotangent)
            for target, cotangent in zip(targets, row, strict=True)
            if cotangent is not None
        ]
        return tape.gradient(
            [target for target, _ in there],
            [v.value for v in variables],
            output_gradients=[cotangent for _, cotangent in there],
        )

    def dense(gradients):
        return [
            tf.zeros(v.shape, v.dtype) if g is None else tf.convert_to_tensor(g)
            for g, v in zip(gradients, step_plan.trunk_variables, strict=True)
        ]

    return Pullbacks(
        trunk=lambda row: pull(row, step_plan.trunk_variables),
        last=lambda row: [
            None if g is None else tf.convert_to_tensor(g)
            for g in pull(row, step_plan.last_variables)
        ],
        after=_after,
        dense=dense,
        branch=tf.cond,
        solver=_solver,
        num_replicas=BACKEND.num_replicas(),
        sum_over_replicas=BACKEND.sum_over_replicas,
    )


def _solver(balancer):
    # XLA does a solver's small operations in a tenth of the time, which shows
    # beside one pass through the trunk. Beside a pass for each task it does
    # not, and XLA's 150 MB of memory would. At several replicas, and where
    # nothing is compiled, it can't be had.
    is_compiled = (
        balancer.solves_in_steps
        and balancer.on != "parameters"
        and BACKEND.num_replicas() == 1
        and not tf.executing_eagerly()
    )
    if not is_compiled:
        return balancer.weights
    return tf.function(balancer.weights, jit_compile=True, autograph=False)


def _after(row, tensors):
    with tf.control_dependencies(tensors):
        return [None if t is None else tf.identity(t) for t in row]


def _sum(gradient, more):
    if gradient is None or more is None:
        return more if gradient is None else gradient
    return tf.convert_to_tensor(gradient) + tf.convert_to_tensor(more)
