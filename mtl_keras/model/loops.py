"""The training and evaluation loops of a multi-task model."""

import inspect

import keras

from mtl_keras import engine
from mtl_keras.engine import distribution
from mtl_keras.engine.kept_state import KeptState
from mtl_keras.model import arguments, label_checks, random_state
from mtl_keras.model.audit import raise_illegal_labels, raise_negative_losses
from mtl_keras.model.balance_log import BalancerEpochs
from mtl_keras.model.callbacks import LabelCheck, add_callbacks
from mtl_keras.model.finite_watch import FiniteCheck, raise_nonfinite
from mtl_keras.model.tracking import COLLECTED, SplitCollection


class CheckedLoops(keras.Model):
    """Checks labels before it trains and evaluates on them.

    The base of `MultiTaskModel`, which says what a step computes.
    """

    # Replaced by `compile` (a `CompiledTasks`) and by the loops.
    _plan = None
    # The `StepPlan` of a step that balances gradients; `None` of another.
    step_plan = None
    # The `FiniteWatch` of its steps.
    finite_watch = None
    _class_tables = None
    _collection = None
    # Whether the step that runs, or is traced, evaluates: it then hands out
    # what the metrics of the whole split read.
    _is_evaluation_step = False
    # Whether `evaluate` or `test_on_batch` runs, within `fit` as well; the
    # logs then show no balancing.
    _in_evaluation_loop = False
    _evaluation_steps = 1
    # The epoch that `fit` trains, counted from 1.
    _epoch = None

    def _set_untracked(self, name, value):
        """Sets an attribute past Keras's and TensorFlow's tracking.

        Tracking would wrap dicts and lists, and put what they hold into the
        model's weights and files.
        """
        object.__setattr__(self, name, value)

    @property
    def _board(self):
        return None if self._plan is None else self._plan.tracking

    @property
    def _checked(self):
        return () if self._plan is None else self._plan.checked

    def _require_loss(self):
        if self._plan is None:
            raise ValueError(
                "This model is not compiled. Call `compile` before it trains "
                "or is evaluated."
            )
        if not self._plan.losses:
            raise ValueError(
                "No task has a loss. Pass loss={task: loss} to `compile`, or "
                "declare the tasks: MultiTaskModel(..., tasks=[Task(...)])."
            )

    def make_test_function(self, force=False):
        """Makes the evaluation function, which also collects the split."""
        if self.test_function is not None and not force:
            return self.test_function
        if self._board is None or not self._board.split_metrics:
            return super().make_test_function(force)
        super().make_test_function(force=True)
        self.test_function = engine.collecting(
            self.test_function,
            lambda: self._evaluation_steps,
            COLLECTED,
            self._collect,
        )
        return self.test_function

    def _collect(self, batch):
        if self._collection is not None:
            self._collection.add(batch)

    def fit(self, *args, **kwargs):
        """Trains the model; arguments as in `keras.Model.fit`.

        Beyond Keras: `y` may leave tasks out, `sample_weight` may be a dict
        of some tasks or one array for all, and `class_weight` is a dict of
        task name to `{class: weight}`.

        Args:
            *args: As in Keras.
            **kwargs: As in Keras.

        Returns:
            `keras.callbacks.History`.

        Raises:
            ValueError: If names, shapes, types or ranges of labels are wrong,
                or an option of `compile` does not work on several replicas.
        """
        self._require_loss()
        distribution.prepare_replicas(self)
        call = inspect.signature(super().fit).bind(*args, **kwargs).arguments
        self._use_class_weight(call.pop("class_weight", None))
        label_checks.standardize(call, self.tasks, self._checked)
        if hasattr(call.get("x"), "element_spec"):
            # Keras warns that it cannot shuffle a dataset unless told not to.
            call.setdefault("shuffle", False)
        if (held_out := call.get("validation_data")) is not None:
            call["validation_data"] = label_checks.standardize_held_out(
                held_out, self.tasks, self._checked
            )
        state = KeptState(self)
        call["callbacks"] = add_callbacks(
            [
                state,
                LabelCheck(type(self)._check_audit),
                FiniteCheck(type(self)._check_finite),
                BalancerEpochs(),
            ],
            call.get("callbacks"),
            self,
        )
        with state:
            return super().fit(**call)

    def _use_class_weight(self, class_weight):
        tables = arguments.resolve_class_weight(
            class_weight, self.tasks, self._plan.losses
        )
        if tables != self._class_tables:
            self._set_untracked("_class_tables", tables)
            self.train_function = None

    def train_on_batch(
        self,
        x,
        y=None,
        sample_weight=None,
        class_weight=None,
        return_dict=False,
    ):
        """Trains on one batch; arguments as in `fit`.

        Args:
            x: As in Keras.
            y: Dict, task name to array; tasks may be absent.
            sample_weight: As in `fit`.
            class_weight: As in `fit`.
            return_dict: As in Keras.

        Returns:
            Dict of the batch's logs, or the list of its values.
        """
        self._require_loss()
        distribution.prepare_replicas(self)
        self._use_class_weight(class_weight)
        y, sample_weight = label_checks.standardize_arrays(
            x, y, sample_weight, self.tasks, self._checked
        )
        logs = super().train_on_batch(x, y, sample_weight, return_dict=True)
        self._check_audit()
        self._check_finite()
        return logs if return_dict else self._in_order(logs)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Evaluates one batch, without the metrics of the whole split.

        Args:
            x: As in Keras.
            y: Dict, task name to array; tasks may be absent.
            sample_weight: As in `fit`.
            return_dict: As in Keras.

        Returns:
            Dict of the batch's logs, or the list of its values.
        """
        self._require_loss()
        y, sample_weight = label_checks.standardize_arrays(
            x, y, sample_weight, self.tasks, self._checked
        )
        self._in_evaluation_loop = True
        try:
            logs = super().test_on_batch(x, y, sample_weight, return_dict=True)
        finally:
            self._in_evaluation_loop = False
        self._check_audit()
        return logs if return_dict else self._in_order(logs)

    def save_assets(self, dir_path):
        """Saves the states of the random generators in a `.keras` file."""
        random_state.save(self, dir_path)

    def load_assets(self, dir_path):
        """Restores the states of the random generators."""
        random_state.load(self, dir_path)

    def _in_order(self, logs):
        return [logs[name] for name in self.metrics_names if name in logs]

    def evaluate(self, *args, **kwargs):
        """Evaluates the model; arguments as in `keras.Model.evaluate`.

        Args:
            *args: As in Keras.
            **kwargs: As in Keras, and `bootstrap`: the number of bootstrap
                samples for 95% intervals of its metrics, such as 1000. Adds
                `<task>_<metric>_low` and `_high` for each metric of the whole
                split; see `metrics.bootstrap.intervals`.

        Returns:
            Dict of the logs with `return_dict=True`, else the list of its
            values in the order of `metrics_names`: the total loss, the tasks'
            losses, their metrics, and metrics of the whole split; then the
            intervals.
        """
        self._require_loss()
        num_samples = self._board.num_samples(kwargs.pop("bootstrap", None))
        private = {k: kwargs.pop(k) for k in list(kwargs) if k[0] == "_"}
        call = inspect.signature(super().evaluate).bind(*args, **kwargs)
        call = call.arguments
        call.update(call.pop("kwargs", {}))
        label_checks.standardize(call, self.tasks, self._checked)
        return_dict = call.pop("return_dict", False)
        is_within_fit = private.get("_use_cached_eval_dataset", False)
        if is_within_fit:
            # Before the training epoch's counts are reset.
            self._check_audit()
            self._check_finite()
        self._collection = SplitCollection()
        # An execution of several steps returns the last step's outputs only,
        # so metrics of the whole split need one step an execution.
        steps = self.steps_per_execution
        if self._board.split_metrics:
            self.steps_per_execution = 1
            # The iterator that `fit` caches still counts in executions.
            self._evaluation_steps = steps if is_within_fit else 1
        self._in_evaluation_loop = True
        try:
            with KeptState(self):
                logs = super().evaluate(**call, **private, return_dict=True)
            self._check_audit()
            logs.update(self._split_results())
            intervals = {}
            if num_samples:
                intervals = self._board.split_intervals(
                    self._collection.arrays(), num_samples
                )
        finally:
            self._in_evaluation_loop = False
            self._collection = None
            self._evaluation_steps = 1
            self.steps_per_execution = steps
        if return_dict:
            return {**logs, **intervals}
        return [*self._in_order(logs), *intervals.values()]

    def predict(self, *args, **kwargs):
        """Computes the outputs; arguments as in `keras.Model.predict`.

        Args:
            *args: As in Keras.
            **kwargs: As in Keras.

        Returns:
            Dict, task name to NumPy array.
        """
        with KeptState(self):
            return super().predict(*args, **kwargs)

    def _split_results(self) -> dict:
        if not self._board.split_metrics:
            return {}
        return self._board.split_results(self._collection.arrays())

    def note_epoch(self, epoch: int | None) -> None:
        """Notes which epoch `fit` trains, for errors; `None` outside."""
        self._set_untracked("_epoch", epoch)

    def undone_by_skipping(self) -> tuple[list, list]:
        """Lists what a skipped step leaves as before, beside the weights.

        Returns:
            Lists of the variables that are not trained and of the metrics'.
        """
        tracked = self._board.undone_by_skipping(self.metrics_variables)
        return self.non_trainable_variables, tracked

    def _check_finite(self):
        raise_nonfinite(self._board.watch, self._epoch)

    def _check_audit(self):
        raise_illegal_labels(self._board.audit.by_task(), self.tasks)
        balancer = self._plan.balancer
        if balancer.needs_positive_losses:
            raise_negative_losses(self._board.negative.by_task(), balancer)
