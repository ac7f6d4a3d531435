"""Checks the options of `compile` that Keras reads only in `fit`."""

from mtl_keras import checks


def check(optimizer, steps_per_execution) -> None:
    """Raises early for impossible values.

    Args:
        optimizer: As for `keras.Model.compile`.
        steps_per_execution: As for `keras.Model.compile`.

    Raises:
        ValueError: If a dict is no config of an optimizer, or the number of
            steps is no integer of at least 1.
    """
    checks.integer("steps_per_execution", steps_per_execution, low=1)
    if isinstance(optimizer, dict) and not isinstance(
        optimizer.get("class_name"), str
    ):
        raise ValueError(
            "`optimizer` must be a name, a keras.optimizers.Optimizer, or a "
            "config {'class_name': name, 'config': arguments}. "
            f"Received: optimizer={optimizer!r}"
        )
