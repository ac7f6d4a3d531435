"""JAX's part of the step: the evaluation loop; arrays are global."""


def num_replicas() -> int:
    """Returns 1: under JAX one program sees the batch of all devices."""
    return 1


def sum_over_replicas(tensors: list) -> list:
    """Returns the tensors: a sum over the batch is already global."""
    return tensors


def gather_over_replicas(tensors):
    """Returns the tensors: an array of JAX is the whole batch."""
    return tensors


def collecting(test_function, steps, key: str, collect):
    """Runs `steps()` evaluation steps a call and hands out each one's entry."""

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


def make_deterministic() -> None:
    """Does nothing: XLA's kernels on a CPU are deterministic as they are."""


def devices() -> list[str]:
    """Lists JAX's devices."""
    import jax

    return [f"{d.platform.upper()}:{d.id}" for d in jax.devices()]


def event_callbacks(folder) -> list:
    """Returns none: Keras writes TensorBoard's events through TensorFlow."""
    del folder
    return []


def step_function(model, x, y):
    """Trains on the batch; the state of JAX is handed over in between."""
    return lambda: model.train_on_batch(x, y)


def step_memory(model, x, y, steps: int) -> int:
    """Adds up what the compiled step is given, returns and keeps meanwhile."""
    import jax

    from mtl_keras.engine import jax_program, jax_step

    del steps
    model.optimizer.build(model.trainable_variables)
    # Makes the metrics, whose state the step is given.
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
    held = step.lower(state, (x, y)).compile().memory_analysis()
    return (
        held.argument_size_in_bytes
        + held.output_size_in_bytes
        + held.temp_size_in_bytes
        # Results that take their arguments' place.
        - held.alias_size_in_bytes
    )


def make_train_function(model, make):
    """Makes `fit`'s function; `train_step` compiles the step itself."""
    from mtl_keras.engine import jax_program

    model.step_plan.programs.clear()
    if not jax_program.is_needed(model):
        return make()
    model.jit_compile = False
    try:
        return make()
    finally:
        model.jit_compile = True
