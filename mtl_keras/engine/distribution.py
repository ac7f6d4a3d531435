"""What several replicas of a TensorFlow strategy can and cannot do."""

from mtl_keras import compat


def prepare_replicas(model) -> None:
    """Makes a compiled model's training on several replicas that of one.

    Raises for options that fail between replicas, and corrects optimizers
    that would train differently there.
    Does nothing on one device, nor on JAX, where one program sees the batch
    of all devices.

    Args:
        model: Compiled `keras.Model`.

    Raises:
        ValueError: If the model was compiled with an option that does not
            work on several replicas in Keras 3.15.
    """
    strategy = getattr(model, "distribute_strategy", None)
    num_replicas = getattr(strategy, "num_replicas_in_sync", 1)
    if num_replicas == 1:
        return
    if compat.is_multi_worker(strategy):
        compat.train_on_several_workers(model)
    where = f"{num_replicas} replicas of {type(strategy).__name__}"
    _check_steps(model, where)
    _check_skipping(model, where)
    for name, each in _plain_optimizers(model.optimizer):
        _check_optimizer(name, each, where)
        compat.sum_gradients_before_clipping(each)
    if hasattr(model.optimizer, "check_finite"):
        _check_gradients_of_all_replicas(model.optimizer)


def _check_steps(model, where):
    if model.steps_per_execution > 1:
        raise ValueError(
            f"`steps_per_execution` must be 1 on {where}: TensorFlow cannot "
            "put steps that wait for each other into one loop. Received: "
            f"steps_per_execution={model.steps_per_execution}. Leave it out of "
            "`compile`, or train on one device."
        )
    if model.jit_compile:
        raise ValueError(
            f"`jit_compile` must be False on {where}: XLA cannot compile the "
            "sums over the replicas. Received: jit_compile=True. Leave it out "
            "of `compile` ('auto' is off there), or train on one device."
        )


def _check_skipping(model, where):
    if model.finite_watch.skips:
        raise ValueError(
            f"`on_nonfinite` must be 'raise' on {where}: skipping a step puts "
            "the update under a condition, and there TensorFlow's replicas "
            "cannot wait for each other. Received: on_nonfinite='skip_step'. "
            "Leave it out of `compile`, or train on one device."
        )


def _check_optimizer(name, optimizer, where):
    repairs = {
        "gradient_accumulation_steps": "Leave it out and make the batch larger",
    }
    if optimizer.use_ema:
        repairs["ema_overwrite_frequency"] = (
            "Leave it out: `fit` ends with the averages as it is"
        )
    for option, repair in repairs.items():
        if value := getattr(optimizer, option):
            raise ValueError(
                f"`{option}` must be None on {where}: it puts an update under "
                "a condition, and there TensorFlow's replicas cannot wait for "
                f"each other. Received: {option}={value} in the optimizer "
                f"{name!r}. {repair}, or train on one device."
            )


def _plain_optimizers(optimizer) -> list:
    """Lists `(name, optimizer)` of those that hold no other."""
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        return _plain_optimizers(inner)
    parts = getattr(optimizer, "optimizers", None)
    if parts:
        return [pair for part in parts for pair in _plain_optimizers(part)]
    return [(optimizer.name, optimizer)]


def _check_gradients_of_all_replicas(optimizer) -> None:
    """Makes `LossScaleOptimizer` skip steps that overflow on any replica.

    Keras 3.15 checks the gradients of the first replica only. An overflow on
    another one would reach the weights.

    Args:
        optimizer: `keras.optimizers.LossScaleOptimizer`.
    """
    import tensorflow as tf

    check = type(optimizer).check_finite

    def check_all(grads):
        finite = check(optimizer, grads)
        context = tf.distribute.get_replica_context()
        if context is None:
            return finite
        num_bad = context.all_reduce(
            tf.distribute.ReduceOp.SUM,
            tf.cast(tf.logical_not(finite), tf.int32),
        )
        return tf.equal(num_bad, 0)

    optimizer.check_finite = check_all
