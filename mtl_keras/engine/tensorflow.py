"""TensorFlow's part of the step: replicas and the evaluation loop."""

import tensorflow as tf


def num_replicas() -> int:
    """Returns the number of replicas in sync, 1 outside a strategy."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def sum_over_replicas(tensors: list) -> list:
    """Sums tensors over replicas, in one collective."""
    if num_replicas() == 1:
        return tensors
    context = tf.distribute.get_replica_context()
    packed = context.all_reduce(
        tf.distribute.ReduceOp.SUM,
        tf.stack([tf.cast(t, tf.float32) for t in tensors]),
    )
    return tf.unstack(packed, num=len(tensors))


def gather_over_replicas(tensors):
    """Gathers a structure of tensors along the batch axis."""
    if num_replicas() == 1:
        return tensors
    context = tf.distribute.get_replica_context()
    return tf.nest.map_structure(
        lambda t: context.all_gather(tf.convert_to_tensor(t), axis=0), tensors
    )


def collecting(test_function, steps: int, key: str, collect):
    """Runs `steps()` evaluation steps a call and hands out each one's entry."""

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


def make_deterministic() -> None:
    """Makes TensorFlow choose deterministic kernels."""
    tf.config.experimental.enable_op_determinism()


def devices() -> list[str]:
    """Lists TensorFlow's logical devices."""
    return [
        device.name.removeprefix("/device:")
        for device in tf.config.list_logical_devices()
    ]


def event_callbacks(folder) -> list:
    """Returns Keras's TensorBoard callback, which writes through TensorFlow."""
    import keras

    return [keras.callbacks.TensorBoard(str(folder))]


def step_function(model, x, y):
    """Takes the step that `fit` takes, from a dataset that holds the batch."""
    batch = tf.data.Dataset.from_tensors((x, y))
    iterator = iter(batch.repeat())
    model.make_train_function()

    def step():
        # Reading the loss waits for the step.
        return float(model.train_function(iterator)["loss"])

    return step


def step_memory(model, x, y, steps: int) -> int:
    """Takes steps, and returns this process's peak of resident memory."""
    from mtl_keras.profiling import cost

    step = step_function(model, x, y)
    for _ in range(steps):
        step()
    return cost.peak_memory()


def make_train_function(model, make):
    """Makes `fit`'s function, with XLA inside of a branch, not around it.

    Within a branch XLA for CPUs runs convolutions on one thread, a hundred
    times slower. `train_step` then compiles each branch.
    """
    if not model.step_plan.branches or not model.jit_compile:
        return make()
    model.jit_compile = False
    try:
        return make()
    finally:
        model.jit_compile = True
