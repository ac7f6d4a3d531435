"""Compiles JAX's step that pulls each task's gradient, as a CPU needs it."""

import functools

import jax
import keras

# Else XLA for CPUs runs the tasks' passes side by side, each with memory of
# its own: at 40 tasks over twice as much, and no faster.
_OPTIONS = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}


def is_needed(model) -> bool:
    """Whether a model's step is compiled here and not by Keras.

    Args:
        model: `MultiTaskModel` with a step plan.
    """
    return (
        model.step_plan.balancer.on == "parameters"
        and model.jit_compile
        and not model.run_eagerly
        and jax.default_backend() == "cpu"
        # Keras then says how the state is spread over devices.
        and keras.distribution.distribution() is None
    )


def run(model, step, state, data) -> tuple:
    """Takes a step in the program of its kind, compiled when first needed.

    Within a branch XLA for CPUs runs convolutions on one thread, a hundred
    times slower. So whether the step is exact is decided here.

    Args:
        model: `MultiTaskModel` with a step plan.
        step: Function of the model, the state, the data and `is_exact`.
        state: As of the step.
        data: As of the step.

    Returns:
        What the step returns.
    """
    return program(model, step, _is_exact(model, state))(state, data)


def program(model, step, is_exact: bool | None):
    """Returns the compiled step, a function of the state and the data.

    Args:
        model: `MultiTaskModel` with a step plan.
        step: As of `run`.
        is_exact: As of the step.
    """
    programs = model.step_plan.programs
    if is_exact not in programs:
        programs[is_exact] = jax.jit(
            functools.partial(step, model, is_exact=is_exact),
            donate_argnums=0,
            compiler_options=_OPTIONS,
        )
    return programs[is_exact]


def _is_exact(model, state) -> bool | None:
    step_plan = model.step_plan
    if not step_plan.branches:
        return None
    counter = step_plan.balancer.step_counter
    places = {id(v): i for i, v in enumerate(model.non_trainable_variables)}
    num_steps = int(state[1][places[id(counter)]])
    return num_steps % step_plan.balancer.update_every == 0
