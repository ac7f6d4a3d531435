"""Snapshot ensembles (Huang et al., ICLR 2017, arXiv 1704.00109)."""

import keras

from mtl_keras import checks
from mtl_keras.ensemble import nesting
from mtl_keras.ensemble.averaging import average

_SCHEDULE = "CosineDecayRestarts"


class Snapshots(keras.callbacks.Callback):
    """Keeps the weights at the end of each cycle of the learning rate.

    The learning rate falls along a cosine and restarts; at the end of each
    cycle the model has settled in another minimum. One training gives as many
    members as cycles.

    ```python
    rate = ensemble.Snapshots.schedule(0.1, cycle_steps=5 * steps_per_epoch)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9))
    snapshots = ensemble.Snapshots()
    model.fit(train, epochs=25, callbacks=[snapshots])
    five = snapshots.average(model)
    ```

    The weights are kept in memory. A cycle must end with an epoch.

    Args:
        cycle_epochs: Integer, epochs of a cycle, for a schedule of your own.
            Defaults to `None`: the cycles are those of the optimizer's
            `keras.optimizers.schedules.CosineDecayRestarts`.
        keep: Integer, the number of last cycles to keep. Defaults to `None`,
            all.

    Raises:
        ValueError: If a number is not positive.
    """

    def __init__(
        self, cycle_epochs: int | None = None, *, keep: int | None = None
    ):
        super().__init__()
        if cycle_epochs is not None:
            cycle_epochs = checks.integer("cycle_epochs", cycle_epochs, low=1)
        if keep is not None:
            keep = checks.integer("keep", keep, low=1)
        self._cycle_epochs, self._keep = cycle_epochs, keep
        self._cycles = None
        self.epochs = []
        self.weights = []

    @staticmethod
    def schedule(learning_rate: float, cycle_steps: int):
        """Returns the paper's learning rate: a cosine to 0, then a restart.

        Args:
            learning_rate: Float, at the start of each cycle.
            cycle_steps: Integer, training steps of a cycle: its epochs times
                the steps of an epoch.

        Returns:
            `keras.optimizers.schedules.CosineDecayRestarts`.

        Raises:
            ValueError: If a number is not positive.
        """
        return keras.optimizers.schedules.CosineDecayRestarts(
            checks.number("learning_rate", learning_rate, above=0),
            checks.integer("cycle_steps", cycle_steps, low=1),
            t_mul=1.0,
        )

    def on_train_begin(self, logs=None):
        """Reads the cycles of the optimizer."""
        self.epochs, self.weights = [], []
        if self._cycle_epochs is None:
            self._cycles = _cycles_of(self.model.optimizer)
            # A model that was trained before is within a cycle.
            self._num_ended = self._cycles_until(self._steps())

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights where a cycle has ended."""
        if self._cycle_epochs is not None:
            if (epoch + 1) % self._cycle_epochs:
                return
        elif not self._has_ended():
            return
        self.epochs.append(epoch)
        self.weights.append(nesting.weights_of(self.model))
        if self._keep is not None:
            self.epochs = self.epochs[-self._keep :]
            self.weights = self.weights[-self._keep :]

    def _steps(self) -> int:
        return int(self.model.optimizer.iterations)

    def _cycles_until(self, steps) -> int:
        """Counts the cycles that have ended after a number of steps."""
        first, factor = self._cycles
        end, length, count = first, first, 0
        while round(end) <= steps:
            length *= factor
            end += length
            count += 1
        return count

    def _has_ended(self) -> bool:
        steps = self._steps()
        num_ended = self._cycles_until(steps)
        if num_ended == self._num_ended:
            return False
        if self._cycles_until(steps - 1) == num_ended:
            raise ValueError(
                "A cycle of the learning rate must end with an epoch. "
                f"Received: a first cycle of {self._cycles[0]:g} steps and an "
                f"epoch that ended after step {steps}. Make the cycle a "
                "multiple of the steps of an epoch."
            )
        self._num_ended = num_ended
        return True

    def models(self, model) -> list:
        """Returns a copy of a model for each snapshot.

        Args:
            model: `MultiTaskModel`, the one that was trained.

        Returns:
            List of `MultiTaskModel`, the earliest snapshot first.

        Raises:
            ValueError: If no cycle has ended.
        """
        if not self.weights:
            raise ValueError(
                "There is no snapshot: no cycle of the learning rate has "
                "ended. Received: a training shorter than a cycle, or none"
            )
        shapes = [tuple(each.shape) for each in model.weights]
        if shapes != [each.shape for each in self.weights[-1]]:
            raise ValueError(
                "`model` must be the one that was trained. Received: "
                f"{model.name!r} with {len(shapes)} weights, other than the "
                f"{len(self.weights[-1])} of the snapshots"
            )
        copies = []
        for weights in self.weights:
            copy = nesting.clone(model)
            nesting.assign(copy, weights)
            if model.compiled:
                copy.compile_from_config(model.get_compile_config())
            nesting.copy_processors(model, copy)
            copies.append(copy)
        return copies

    def average(self, model, **options):
        """Averages the snapshots; see `ensemble.average`.

        Args:
            model: `MultiTaskModel`, the one that was trained.
            **options: As for `ensemble.average`.

        Returns:
            `MultiTaskModel`, not compiled.

        Raises:
            ValueError: If fewer than two cycles have ended.
        """
        return average(self.models(model), **options)


def _cycles_of(optimizer) -> tuple:
    """Returns the steps of the first cycle, and the factor of the next."""
    rate = optimizer.get_config().get("learning_rate")
    is_restarting = isinstance(rate, dict) and (
        rate.get("class_name") == _SCHEDULE
    )
    if not is_restarting:
        raise ValueError(
            "Snapshots reads cycles from an optimizer with a learning rate "
            f"{_SCHEDULE}. Received: {rate!r}. Use "
            "Snapshots.schedule(...), or pass `cycle_epochs`."
        )
    config = rate["config"]
    return float(config["first_decay_steps"]), float(config["t_mul"])
