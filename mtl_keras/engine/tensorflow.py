"""TensorFlow's training step, replicas and evaluation loop."""

import functools

import keras
import tensorflow as tf

from mtl_keras import compat
from mtl_keras.engine import tensorflow_rows
from mtl_keras.engine.backend import Backend
from mtl_keras.engine.combine import Pullbacks, combine, own_gradient
from mtl_keras.engine.group_rows import gathered
from mtl_keras.engine.step_plan import total_of
from mtl_keras.engine.tensorflow_update import Update, absent_tasks, plain_step


class _TensorFlow(Backend):
    name = "tensorflow"

    def num_replicas(self):
        # No context: outside of a strategy's step.
        context = tf.distribute.get_replica_context()
        return 1 if context is None else context.num_replicas_in_sync

    def sum_over_replicas(self, tensors):
        if self.num_replicas() == 1:
            return tensors
        # One collective for all of them.
        packed = tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM,
            tf.stack([tf.cast(t, tf.float32) for t in tensors]),
        )
        return tf.unstack(packed, num=len(tensors))

    def gather_over_replicas(self, tensors):
        if self.num_replicas() == 1:
            return tensors
        context = tf.distribute.get_replica_context()
        return tf.nest.map_structure(
            lambda t: context.all_gather(tf.convert_to_tensor(t), axis=0),
            tensors,
        )

    def keep_masks(self, outputs):
        # A mask is an attribute of a tensor, which a tape leaves as it is.
        return outputs

    def collecting(self, test_function, steps, key, collect):
        def run(iterator):
            logs = None
            for _ in range(steps()):
                try:
                    logs = dict(test_function(iterator))
                except (StopIteration, tf.errors.OutOfRangeError):
                    # The split ended inside an execution of several steps.
                    if logs is None:
                        raise
                    break
                collect(logs.pop(key))
            return logs

        return run

    def make_deterministic(self):
        tf.config.experimental.enable_op_determinism()

    def devices(self):
        return [
            device.name.removeprefix("/device:")
            for device in tf.config.list_logical_devices()
        ]

    def event_callbacks(self, folder):
        return [keras.callbacks.TensorBoard(str(folder))]

    def step_function(self, model, x, y):
        # The step that `fit` takes, from a dataset that holds the batch.
        batch = tf.data.Dataset.from_tensors((x, y))
        iterator = iter(batch.repeat())
        model.make_train_function()

        def step():
            # Reading the loss waits for the step.
            return float(model.train_function(iterator)["loss"])

        return step

    def step_memory(self, model, x, y, steps):
        from mtl_keras.profiling import cost

        step = self.step_function(model, x, y)
        for _ in range(steps):
            step()
        return cost.peak_memory()

    def make_train_function(self, model, make):
        # Within a branch XLA for CPUs runs convolutions on one thread, a
        # hundred times slower. So each branch is compiled, by `train_step`,
        # and not what is around it.
        if not model.step_plan.branches or not model.jit_compile:
            return make()
        model.jit_compile = False
        try:
            return make()
        finally:
            model.jit_compile = True

    def train_step(self, model, *args):
        if model.step_plan is None:
            return plain_step(model, *args)
        return _train_step(model, *args)

    def task_gradients(self, model, variables):
        return tensorflow_rows.task_gradients(model, variables)


BACKEND = _TensorFlow()


def _train_step(model, data) -> dict:
    """Takes one training step.

    One backward pass through all heads, each on its own copy of what the
    trunk gave, yields every task's gradient at the frontier; then one pass
    through the trunk, or one for each task at the level of the parameters.

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
    fraction = 1.0 / BACKEND.num_replicas()
    scale = tf.cast(optimizer.scale_loss(tf.ones(())), tf.float32)
    update = Update(model)
    compat.clear_losses(model)
    with tf.GradientTape(persistent=True) as tape:
        values = step_plan.run_trunk(compat.standardize_inputs(model, x))
        activity = compat.activity_losses(model)
        penalty = fraction * scale * total_of(activity)
    masks = step_plan.masks(values)
    with tf.GradientTape() as head_tape:
        copies = {
            name: {s: tf.identity(values[s]) for s in step_plan.copied(name)}
            for name in step_plan.tasks
        }
        head_tape.watch(copies)
        scores = {}

        def see(name, tensor):
            head_tape.watch(tensor)
            scores[name] = tensor
            return tensor

        predictions = step_plan.run_heads(values, copies, masks, see)
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
        objective = scale * (objective + fraction * total_of(late))
    trained = model.trainable_variables
    shared = {id(v) for v in step_plan.trunk_variables}
    own = [v for v in trained if id(v) not in shared]
    cotangents, slopes, head_gradients = head_tape.gradient(
        objective, (copies, scores, [v.value for v in own])
    )
    absent = absent_tasks(model, y)
    for name in absent.intersection(step_plan.tasks):
        cotangents[name] = tf.nest.map_structure(tf.zeros_like, copies[name])
    for name in absent.intersection(scores):
        slopes[name] = tf.zeros_like(scores[name])
    frontier = [values[slot] for slot in step_plan.slots]
    rows = gathered(step_plan, cotangents, slopes, frontier)
    pullbacks = _pullbacks(step_plan, tape, frontier)
    mix = combine(
        step_plan, rows, frontier, task_losses, scale, pullbacks, is_exact
    )
    owners = step_plan.owners
    gradients = {
        id(v): _own_gradient(g, owners.get(id(v)), task_losses.present)
        for v, g in zip(own, head_gradients, strict=True)
    }
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
        penalty = fraction * scale * total_of(penalties)
    if penalties:
        variables = [v.value for v in trained]
        extra.append((trained, penalty_tape.gradient(penalty, variables)))
    for variables, more in extra:
        for variable, gradient in zip(variables, more, strict=True):
            if not variable.overwrite_with_gradient:
                whole = _sum(gradients[id(variable)], gradient)
                gradients[id(variable)] = whole
    penalties = [*activity, *late, *penalties]
    model.finite_watch.see_losses(task_losses.losses)
    update.apply(
        [gradients[id(v)] for v in trained],
        trained,
        total_of(penalties),
        absent,
    )
    return update.logs(
        model.finish_step(batch, predictions, task_losses, penalties, mix)
    )


def _own_gradient(gradient, owner, present):
    if gradient is None or owner is None:
        return gradient
    if isinstance(gradient, tf.IndexedSlices):
        values = own_gradient(gradient.values, present[owner] > 0)
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return own_gradient(gradient, present[owner] > 0)


def _pullbacks(step_plan, tape, targets) -> Pullbacks:
    def pull(row, variables):
        reached = [
            (target, cotangent)
            for target, cotangent in zip(targets, row, strict=True)
            if cotangent is not None
        ]
        return tape.gradient(
            [target for target, _ in reached],
            [v.value for v in variables],
            output_gradients=[cotangent for _, cotangent in reached],
        )

    def dense(gradients):
        return [
            tf.zeros(v.shape, v.dtype) if g is None else tf.convert_to_tensor(g)
            for g, v in zip(gradients, step_plan.trunk_variables, strict=True)
        ]

    def trunk(row):
        return pull(row, step_plan.trunk_variables)

    def last(row):
        return [
            None if g is None else tf.convert_to_tensor(g)
            for g in pull(row, step_plan.last_variables)
        ]

    def whole(pull, row):
        if pull is trunk:
            return dense(trunk(row))
        return [
            tf.zeros(v.shape, v.dtype) if g is None else g
            for g, v in zip(last(row), step_plan.last_variables, strict=True)
        ]

    def each(pull, block):
        variables = (
            step_plan.trunk_variables
            if pull is trunk
            else step_plan.last_variables
        )
        # A backward pass of its own in each round of a loop: all at once
        # would hold as many times the activations' gradients.
        return tf.map_fn(
            lambda factors: whole(pull, block.row(*factors)),
            (block.slopes, block.kernel),
            fn_output_signature=[
                tf.TensorSpec(v.shape, v.value.dtype) for v in variables
            ],
            parallel_iterations=1,
        )

    return Pullbacks(
        trunk=trunk,
        last=last,
        after=_after,
        whole=whole,
        each=each,
        dense=dense,
        branch=tf.cond,
        solver=_solver,
        num_replicas=BACKEND.num_replicas(),
        sum_over_replicas=BACKEND.sum_over_replicas,
        first_place=_first_place,
        overwritten=step_plan.overwritten,
    )


def _first_place(size):
    """Counts the examples on the replicas before this one."""
    num_replicas = BACKEND.num_replicas()
    if num_replicas == 1:
        return 0
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    own = tf.one_hot(replica, num_replicas) * tf.cast(size, tf.float32)
    (sizes,) = BACKEND.sum_over_replicas([own])
    is_before = tf.range(num_replicas) < replica
    before = tf.where(is_before, sizes, tf.zeros_like(sizes))
    return tf.cast(tf.reduce_sum(before), tf.int32)


def _solver(balancer):
    # XLA does a solver's small operations in a tenth of the time, which shows
    # beside one pass through the trunk. Beside a pass for each task it does
    # not, and XLA's 150 MB of memory would. At several replicas, and where
    # nothing is compiled, XLA is unavailable.
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
