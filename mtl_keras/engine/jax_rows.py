"""The gradient of each task's loss by given variables, on JAX."""

import functools

import jax
import keras
import numpy as np


def task_gradients(model, variables):
    """Makes the function; see `Backend.task_gradients`."""
    chosen = {id(variable) for variable in variables}
    others = [v for v in model.variables if id(v) not in chosen]

    @functools.partial(jax.jit, static_argnames="with_gradients")
    def compute(values, fixed, batch, with_gradients):
        x, y, sample_weight = batch

        def losses_of(values):
            mapping = [
                *zip(variables, values, strict=True),
                *zip(others, fixed, strict=True),
            ]
            with keras.StatelessScope(state_mapping=mapping):
                losses = model.task_losses(
                    y, model(x, training=False), sample_weight, training=False
                )
            # The means themselves, `losses`, carry no gradient.
            return losses.shares, (losses.losses, losses.present)

        if not with_gradients:
            return (*losses_of(values)[1], [])
        shares, pull, means = jax.vjp(losses_of, values, has_aux=True)
        (rows,) = jax.vmap(pull)(np.eye(len(shares), dtype="float32"))
        return (*means, rows)

    def function(x, y, sample_weight, *, with_gradients=True):
        # Weights are arguments: a constant would keep those of the trace.
        losses, present, rows = compute(
            [v.value for v in variables],
            [v.value for v in others],
            (x, y, sample_weight),
            with_gradients=with_gradients,
        )
        return np.array(losses), np.array(present), [np.array(r) for r in rows]

    return function
