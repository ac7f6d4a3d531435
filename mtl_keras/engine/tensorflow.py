"""TensorFlow's part of the step: replicas and the evaluation loop."""

import keras
import tensorflow as tf

from mtl_keras.engine.backend import Backend


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
        from mtl_keras.engine import tensorflow_step

        return tensorflow_step.train_step(model, *args)


BACKEND = _TensorFlow()
