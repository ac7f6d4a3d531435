"""JAX's part of the step: the evaluation loop; arrays are global."""

import jax

from mtl_keras.engine.backend import Backend
from mtl_keras.engine.jax_masks import MaskedOutputs


class _JAX(Backend):
    name = "jax"

    def num_replicas(self):
        return 1

    def sum_over_replicas(self, tensors):
        return tensors

    def gather_over_replicas(self, tensors):
        return tensors

    def keep_masks(self, outputs):
        return MaskedOutputs(outputs)

    def collecting(self, test_function, steps, key, collect):
        def run(state, iterator):
            logs = None
            for _ in range(steps()):
                try:
                    logs, state = test_function(state, iterator)
                except StopIteration:
                    # The split ended inside an execution of several steps.
                    if logs is None:
                        raise
                    break
                logs = dict(logs)
                collect(logs.pop(key))
            return logs, state

        return run

    def make_deterministic(self):
        """Does nothing: XLA's kernels on a CPU are deterministic already."""

    def devices(self):
        return [f"{d.platform.upper()}:{d.id}" for d in jax.devices()]

    def event_callbacks(self, folder):
        return []

    def step_function(self, model, x, y):
        # JAX's state is handed over in between.
        return lambda: model.train_on_batch(x, y)

    def step_memory(self, model, x, y, steps):
        from mtl_keras.engine import jax_program, jax_step

        model.optimizer.build(model.trainable_variables)
        # Makes the metrics, whose state the step receives.
        model.test_on_batch(x, y)
        state = [
            [variable.value for variable in variables]
            for variables in (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
                model.metrics_variables,
            )
        ]
        if getattr(model, "step_plan", None) and jax_program.is_needed(model):
            step = jax_program.program(model, jax_step.step, None)
        else:
            step = jax.jit(model.train_step, donate_argnums=0)
        memory = step.lower(state, (x, y)).compile().memory_analysis()
        return (
            memory.argument_size_in_bytes
            + memory.output_size_in_bytes
            + memory.temp_size_in_bytes
            # Results that take their arguments' place.
            - memory.alias_size_in_bytes
        )

    def make_train_function(self, model, make):
        from mtl_keras.engine import jax_program

        model.step_plan.programs.clear()
        if not jax_program.is_needed(model):
            return make()
        # `train_step` compiles the step itself.
        model.jit_compile = False
        try:
            return make()
        finally:
            model.jit_compile = True

    def task_gradients(self, model, variables):
        from mtl_keras.engine import jax_rows

        return jax_rows.task_gradients(model, variables)

    def train_step(self, model, *args):
        from mtl_keras.engine import jax_step

        if model.step_plan is None:
            return jax_step.plain_step(model, *args)
        return jax_step.train_step(model, *args)


BACKEND = _JAX()
