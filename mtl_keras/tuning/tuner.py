"""Runs the trials of a search, alone or as one of several processes."""

import contextlib
import os
import time

import keras_tuner
from keras_tuner.engine import base_tuner
from keras_tuner.engine.trial import TrialStatus

from mtl_keras.tuning.failure import reason
from mtl_keras.tuning.roles import CHIEF, address, role

# Between two requests for a trial, while others must end first.
_PAUSE_SECONDS = 0.5


class Tuner(base_tuner.BaseTuner):
    """Asks an oracle for trials until it has no more.

    Args:
        oracle: One of `mtl_keras.tuning.oracles`. A worker uses the chief's
            instead.
        run: Function of a trial's name and its `HyperParameters` that trains
            and returns the objective; what it raises fails the trial.
        folder: Path of the search's folder.
    """

    def __init__(self, oracle, run, folder):
        super().__init__(oracle, directory=str(folder), project_name="search")
        self._run = run

    def save(self) -> None:
        """Saves the oracle; a tuner has no state of its own."""
        if isinstance(self.oracle, keras_tuner.Oracle):
            self.oracle.save()

    def search(self) -> None:
        """Runs trials until the search is over.

        Raises:
            ConnectionError: If a worker's chief cannot be reached.
        """
        if role() == CHIEF:
            # KerasTuner 1.4.8 prints the condition of each hyperparameter
            # that it sends.
            with open(os.devnull, "w") as nowhere:
                with contextlib.redirect_stdout(nowhere):
                    super().search()
            return
        import grpc

        try:
            while self._next():
                continue
        except grpc.RpcError as error:
            raise ConnectionError(
                f"The chief of this search at {address()} cannot be reached: "
                f"{error.code()}. Start it again with the same command, then "
                "this worker."
            ) from error

    def _next(self) -> bool:
        """Runs a trial; returns whether there may be another."""
        trial = self.oracle.create_trial(self.tuner_id)
        if trial.status == TrialStatus.STOPPED:
            return False
        if trial.status == TrialStatus.IDLE:
            time.sleep(_PAUSE_SECONDS)
            return True
        try:
            value = self._run(trial.trial_id, trial.hyperparameters)
        except Exception as error:
            # Whatever a training raises: the others may still be good.
            trial.status, trial.message = TrialStatus.FAILED, reason(error)
        else:
            name = self.oracle.objective.name
            self.oracle.update_trial(trial.trial_id, {name: value})
            trial.status = TrialStatus.COMPLETED
        self.oracle.end_trial(trial)
        return True
