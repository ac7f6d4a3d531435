"""Training on several replicas and in several processes."""

import keras


def sum_gradients_before_clipping(optimizer) -> None:
    """Makes an optimizer clip the gradient of the whole batch on replicas.

    Keras 3.15 clips each replica's part of the gradient and then sums the
    parts, so the step on two replicas is up to twice as long as on one
    device. Here the parts are summed first and then clipped. Each replica
    returns its fraction of the clipped sum, since the optimizer sums again.

    Args:
        optimizer: Optimizer of Keras that holds no other.
    """
    if not (
        optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue
    ):
        return
    import tensorflow as tf

    clip = type(optimizer)._clip_gradients

    def clip_sum(grads):
        context = tf.distribute.get_replica_context()
        present = [g for g in grads if g is not None]
        if context is None or context.num_replicas_in_sync == 1 or not present:
            return clip(optimizer, grads)
        sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
        sums = [g if g is None else next(sums) for g in grads]
        fraction = 1.0 / context.num_replicas_in_sync
        return [
            g if g is None else tf.math.scalar_mul(fraction, g)
            for g in clip(optimizer, sums)
        ]

    optimizer._clip_gradients = clip_sum


def is_multi_worker(strategy) -> bool:
    """Whether a strategy of TensorFlow runs in several processes."""
    import tensorflow as tf

    kind = tf.distribute.MultiWorkerMirroredStrategy
    return isinstance(strategy, kind) and (
        strategy.extended._in_multi_worker_mode()
    )


def train_on_several_workers(model) -> None:
    """Lets a model train under `MultiWorkerMirroredStrategy`.

    Keras 3.15 fails there twice. It reduces the first batch as one structure
    to learn its shapes; a local replica's part has the same shapes. And it
    averages the logs along axis 0, which scalars do not have.

    Args:
        model: Compiled `keras.Model` made in the scope of such a strategy.
    """
    import tensorflow as tf
    from keras.src.backend.tensorflow import trainer

    strategy = model.distribute_strategy

    def local(value):
        if isinstance(value, tf.distribute.DistributedValues):
            return strategy.experimental_local_results(value)[0]
        return value

    def build(iterator=None, data_batch=None):
        if iterator is not None:
            _, _, batches = next(iter(iterator))
            data_batch = next(batches)
        data_batch = keras.tree.map_structure(local, data_batch)
        with strategy.scope():
            model._symbolic_build(data_batch=data_batch)

    object.__setattr__(model, "_maybe_symbolic_build", build)
    if getattr(trainer.reduce_per_replica, "takes_scalars", False):
        return
    reduce = trainer.reduce_per_replica

    def reduce_logs(values, strategy, reduction):
        is_mean = reduction in ("auto", "mean")
        if not (is_mean and is_multi_worker(strategy)):
            return reduce(values, strategy, reduction)
        return keras.tree.map_structure(
            lambda value: strategy.reduce("MEAN", value, axis=None), values
        )

    reduce_logs.takes_scalars = True
    trainer.reduce_per_replica = reduce_logs
