"""Task affinity: does a step on one task lower the loss of another?

Fifty et al., NeurIPS 2021, https://arxiv.org/abs/2109.04617.
"""

import contextlib

import numpy as np
from keras import ops

from mtl_keras import checks
from mtl_keras.relations import batches, trained
from mtl_keras.relations.cosines import shared_variables
from mtl_keras.relations.matrix import Relations


def affinity(
    model,
    data,
    steps: int | None = None,
    *,
    learning_rate: float | None = None,
) -> Relations:
    r"""Steps on each task in turn and looks at the losses of all.

    With `theta_i = theta - learning_rate * gradient of L_i` the trunk's
    parameters after a plain step on task i alone, row i, column j is
    `1 - L_j(theta_i) / L_j(theta)`, equation 1, on the batch of the step: above
    0 where the step on i lowers the loss of j. It is averaged over batches in
    which both tasks have labels. The paper averages over the batches of a
    training; call it at several epochs for that. Layers run as in inference.

    Args:
        model: Compiled `MultiTaskModel`. Its weights are restored bitwise,
            even where a step fails.
        data: Batches `(inputs, labels)` or `(inputs, labels, weights)`, or a
            tuple of arrays.
        steps: Integer, the number of batches to read. Defaults to all.
        learning_rate: Float above 0, of the step. Defaults to the
            optimizer's.

    Returns:
        `Relations`, not symmetric; NaN for a pair without a batch in which
        both have labels and the loss of j is positive.

    Raises:
        ValueError: If the tasks share no trainable variable, the model is not
            compiled, labels are illegal, or a loss is NaN, infinite or
            negative: a ratio says nothing there.
    """
    from mtl_keras import engine

    trained.checked(model, is_compiled=True)
    variables = shared_variables(model)
    function = engine.task_gradients(model, variables)
    if learning_rate is None:
        learning_rate = float(
            ops.convert_to_numpy(model.optimizer.learning_rate)
        )
    learning_rate = checks.number("learning_rate", learning_rate, above=0.0)
    names = model.balancer.tasks
    total = np.zeros((len(names), len(names)))
    counts = np.zeros_like(total)
    with _restored(variables) as originals:
        for x, y, weight in batches.checked(model, data, steps):
            before, present, rows = function(x, y, weight)
            trained.check_losses(names, before, present)
            _check_positive(names, before, present)
            for i in np.flatnonzero(present):
                for variable, value, row in zip(
                    variables, originals, rows, strict=True
                ):
                    step = learning_rate * row[i].astype("float32")
                    variable.assign(value.astype("float32") - step)
                after, _, _ = function(x, y, weight, with_gradients=False)
                is_defined = (present > 0) & (before > 0) & np.isfinite(after)
                ratio = after / np.where(is_defined, before, 1.0)
                total[i] += np.where(is_defined, 1.0 - ratio, 0.0)
                counts[i] += is_defined
            for variable, value in zip(variables, originals, strict=True):
                variable.assign(value)
    mean = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return Relations(names, mean, "affinity")


@contextlib.contextmanager
def _restored(variables):
    """Yields copies of the variables' values, and restores them at the end."""
    originals = [np.array(ops.convert_to_numpy(v)) for v in variables]
    try:
        yield originals
    finally:
        for variable, value in zip(variables, originals, strict=True):
            variable.assign(value)


def _check_positive(names, losses, present):
    is_negative = (losses < 0) & (present > 0)
    if is_negative.any():
        name = names[int(np.argmax(is_negative))]
        raise ValueError(
            "Affinity is a ratio of losses, which must be positive. Received: "
            f"the loss {losses[is_negative][0]:.3g} of task {name!r}. "
            "`relations.gradients` has no such limit."
        )
