"""KerasTuner's oracles, made to survive a kill at any moment.

An oracle decides what is tried next. What KerasTuner 1.4.8 lacks, and why it
matters here:

- It keeps the state in several files, none written atomically: after a kill a
  trial may be in one and not in another, or a file may be truncated. Here one
  file holds all, and is replaced as a whole.
- A trial that ended stays "ongoing" in the file until the next one starts,
  and would run twice. Here a trial's own status decides.
- Its Gaussian process draws from a generator that no file holds, and proposes
  points that were tried. Here the draws depend on the seed and on the number
  of trials, and what was tried is drawn again at random.
- An error in a chief's oracle leaves its lock taken, so that the process hangs.
  Here too many failures end the search like any other end.
"""

import json
import pathlib

import keras_tuner
import numpy as np
from keras_tuner.engine import trial as trials
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    HyperbandOracle,
    RandomSearchOracle,
)

from mtl_keras.files import write_text
from mtl_keras.tuning.space import short

TUNERS = ("bayesian", "hyperband", "random")
MAX_FAILURES = 3
_ENDED = (trials.TrialStatus.COMPLETED, trials.TrialStatus.FAILED)
_DIGITS = 4
# Fewer epochs than this cannot be thirded twice.
_FEW_EPOCHS = 9


class Kept:
    """Keeps an oracle's whole state in one file, after each change.

    Attributes:
        path: Path of the file.
        unfinished: List of trials that were killed, to be run again first.
        on_end: Function of a trial that has ended, or `None`.
    """

    def keep_in(self, path, *, max_trials: int) -> None:
        """Chooses the file, and resumes from what it holds.

        Args:
            path: Path of the file.
            max_trials: Integer, the number of trials after which to end.

        Raises:
            ValueError: If the file is damaged.
        """
        self.path = pathlib.Path(path)
        self.max_trials = max_trials
        # KerasTuner's own check raises before the trial is saved.
        self.max_consecutive_failed_trials = float("inf")
        self.unfinished, self.on_end = [], None
        self.verbose = 0
        if self.path.exists():
            self.reload()

    def save(self) -> None:
        """Writes the state, the trials included."""
        state = {
            "oracle": self.get_state(),
            "trials": {i: t.get_state() for i, t in self.trials.items()},
        }
        text = json.dumps(state)
        write_text(self.path, text)

    def reload(self) -> None:
        """Reads the state; what was running will be run again.

        Raises:
            ValueError: If the file is damaged.
        """
        state = read(self.path)
        self.trials = {
            name: trials.Trial.from_state(each)
            for name, each in state["trials"].items()
        }
        self.set_state(state["oracle"])
        self.ongoing_trials = {}
        again = {n for n, t in self.trials.items() if t.status not in _ENDED}
        again.update(trial.trial_id for trial in self._last_failures())
        for name in again:
            # Without what was measured before the kill.
            hyperparameters = self.trials[name].hyperparameters
            self.trials[name] = trials.Trial(hyperparameters, name)
        self.end_order = [name for name in self.end_order if name not in again]
        self.unfinished = [self.trials[n] for n in sorted(again, key=int)]

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str):
        """Gives a tuner its next trial, a killed one first.

        Args:
            tuner_id: String, who asks.

        Returns:
            `Trial`, with the status `"STOPPED"` where the search is over.
        """
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        if self.has_failed():
            self.tuner_ids.discard(tuner_id)
            return trials.Trial(
                self.get_space(), "none", trials.TrialStatus.STOPPED
            )
        if self.unfinished:
            self.tuner_ids.add(tuner_id)
            trial = self.unfinished.pop(0)
            self.ongoing_trials[tuner_id] = trial
            self.save()
            return trial
        return super().create_trial(tuner_id)

    @keras_tuner.synchronized
    def end_trial(self, trial) -> None:
        """Notes that a trial has ended.

        Args:
            trial: `Trial`, completed or failed.
        """
        super().end_trial(trial)
        if self.on_end is not None:
            self.on_end(self.trials[trial.trial_id])

    def has_failed(self) -> bool:
        """Tells whether too many trials in a row have failed."""
        return len(self._last_failures()) >= MAX_FAILURES

    def _last_failures(self) -> list:
        """The failed trials at the end, where they end the search."""
        failures = []
        for name in reversed(self.end_order):
            if self.trials[name].status != trials.TrialStatus.FAILED:
                break
            failures.append(self.trials[name])
        return failures if len(failures) >= MAX_FAILURES else []

    def populate_space(self, trial_id: str) -> dict:
        """Chooses the values of a new trial, of a few digits each."""
        response = super().populate_space(trial_id)
        if response.get("values"):
            response["values"] = short(response["values"], _DIGITS)
            if not self.trials:
                response["values"] |= self._defaults()
        return response

    def _random_values(self):
        # The first trial is the recipe itself, for the others to be better.
        return super()._random_values() if self.trials else self._defaults()

    def _defaults(self) -> dict:
        return dict(self.hyperparameters.values)


class RandomSearch(Kept, RandomSearchOracle):
    """Random points."""


class Hyperband(Kept, HyperbandOracle):
    """Many points for few epochs, the best of them for more."""


class BayesianOptimization(Kept, BayesianOptimizationOracle):
    """Random points, then those that a Gaussian process expects most of."""

    def populate_space(self, trial_id: str) -> dict:
        """Chooses the values of a new trial."""
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        response = super().populate_space(trial_id)
        values = response.get("values")
        if values and self._duplicate(values):
            values = self._random_values()
            if values is None:
                return {"status": trials.TrialStatus.STOPPED, "values": None}
            response["values"] = short(values, _DIGITS)
        return response


def make(
    tuner: str,
    hyperparameters,
    objective,
    *,
    max_trials: int,
    epochs: int,
    seed: int,
):
    """Makes an oracle.

    Args:
        tuner: String, a name of `TUNERS`.
        hyperparameters: `keras_tuner.HyperParameters`, the whole space; its
            values are the first point that is tried.
        objective: `objective.Objective`.
        max_trials: Integer; for Bayesian search, a third of it is random.
        epochs: Integer, the epochs of a whole training, for Hyperband. It
            keeps the best third after each round, or the best half where
            there are less than 9 epochs.
        seed: Integer, the seed of the choices.

    Returns:
        An oracle; call its `keep_in` before it is used.
    """
    options = {
        "objective": keras_tuner.Objective(objective.name, objective.direction),
        "hyperparameters": hyperparameters,
        # Of 0, KerasTuner would make a random one.
        "seed": seed + 1,
        "allow_new_entries": True,
        "tune_new_entries": True,
    }
    if tuner == "hyperband":
        return Hyperband(
            max_epochs=epochs,
            factor=2 if epochs < _FEW_EPOCHS else 3,
            # As often as `max_trials` lets it.
            hyperband_iterations=max_trials,
            **options,
        )
    if tuner == "bayesian":
        return BayesianOptimization(
            max_trials=max_trials,
            num_initial_points=max(2, max_trials // 3),
            **options,
        )
    return RandomSearch(max_trials=max_trials, **options)


def read(path) -> dict:
    """Reads the file of `Kept`.

    Args:
        path: Path of the file.

    Returns:
        Dict: `"oracle"` and `"trials"`.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        state = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        return {"oracle": state["oracle"], "trials": state["trials"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"The search's state {str(path)!r} is damaged: {error}. Choose "
            "another workdir, or delete that one to start again."
        ) from error
