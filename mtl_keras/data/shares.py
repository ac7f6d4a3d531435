"""Logs the fraction of training examples from each data set of a mixture."""

import keras


class Shares(keras.callbacks.Callback):
    """Counts the examples that a model was trained on, by data set.

    Logs `share_<name>` at the end of each epoch: the fraction of all examples
    since the start of this run that came from the data set. The counts are
    computed from the mixture, not from the batches.

    Args:
        mixture: `Mixture` that made the training data.

    Attributes:
        counts: Dict of data set name to number of examples so far.
    """

    def __init__(self, mixture):
        super().__init__()
        self.counts = dict.fromkeys(mixture.names, 0)
        self._mixture = mixture
        self._counted = self._finished = None

    def on_train_begin(self, logs=None):
        """Resets the counts."""
        self.counts = dict.fromkeys(self._mixture.names, 0)
        self._counted = self._finished = None

    def on_epoch_begin(self, epoch, logs=None):
        """Notes where the epoch starts."""
        if self._counted is None:
            self._counted = 0
            self._finished = epoch * self._mixture.steps_per_epoch
        self._first = self._finished
        # With several steps per execution Keras may report a step beyond the
        # end of the data, which is the epoch's or the run's.
        last = epoch + 1
        if not self._mixture.restarts:
            last = (self.params or {}).get("epochs") or last
        self._end = last * self._mixture.steps_per_epoch

    def on_train_batch_end(self, batch, logs=None):
        """Notes how many batches of the epoch are finished."""
        self._finished = min(self._first + batch + 1, self._end)

    def on_epoch_end(self, epoch, logs=None):
        """Counts examples and adds their fractions to the logs."""
        new = self._mixture.counts(self._counted, self._finished)
        self.counts = {n: c + new[n] for n, c in self.counts.items()}
        self._counted = self._finished
        total = max(sum(self.counts.values()), 1)
        if logs is not None:
            for name, count in self.counts.items():
                logs[f"share_{name}"] = count / total
