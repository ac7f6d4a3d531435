"""The training and evaluation loops of a multi-task model."""

import inspect

from keras import ops

from mtl_keras import engine
from mtl_keras.engine import distribution
from mtl_keras.engine.kept_state import KeptState
from mtl_keras.groups.members import task_of_each
from mtl_keras.model import arguments, label_checks
from mtl_keras.model.audit import (
    raise_illegal_labels,
    raise_misfits,
    raise_negative_losses,
    warn_of_clipped,
)
from mtl_keras.model.balance_log import BalancerEpochs
from mtl_keras.model.callbacks import (
    LabelCheck,
    add_callbacks,
    passing_over_nan,
)
from mtl_keras.model.collection import COLLECTED, SplitCollection
from mtl_keras.model.finite_watch import FiniteCheck, raise_nonfinite
from mtl_keras.model.group_logs import WorstMembers
from mtl_keras.model.label_streams import LabelStream
from mtl_keras.model.native_file import NativeFileModel
from mtl_keras.model.progress import add_progress


class CheckedLoops(NativeFileModel):
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
    # Tasks whose clipped labels a warning has named.
    _clipped_tasks = ()
    # The epoch that `fit` trains, counted from 1.
    _epoch = None

    def _set_untracked(self, name, value):
        """Sets an attribute past Keras's and TensorFlow's tracking.

        Tracking would wrap dicts and lists, and put what they hold into the
        model's weights and files.
        """
        object.__setattr__(self, name, value)

    def compile_arguments(self) -> dict:
        """Returns the arguments of `compile` by name; empty before it."""
        # No property: Keras would save the optimizer in it a second time.
        return {} if self._plan is None else dict(self._plan.arguments)

    @property
    def _board(self):
        return None if self._plan is None else self._plan.tracking

    @property
    def _checked(self):
        return () if self._plan is None else self._plan.checked

    @property
    def metrics(self) -> list:
        """Every tracker of this model, for resetting and the step's state."""
        return super().metrics + (
            [] if self._board is None else self._board.all()
        )

    def undone_by_skipping(self) -> tuple[list, list]:
        """Lists what a skipped step leaves as before, beside the weights.

        Returns:
            Lists of the variables that are not trained and of the metrics'.
        """
        tracked = self._board.undone_by_skipping(self.metrics_variables)
        return self.non_trainable_variables, tracked

    @property
    def metrics_names(self) -> list[str]:
        """The keys of the logs, in the order of `evaluate`'s list."""
        if self._board is None:
            return super().metrics_names
        if self._board.log_names is None:
            self.get_metrics_result()
        return [*self._board.log_names, *self._board.split_names()]

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
        task name to `{class: weight}`. Of more than 20 tasks, the progress
        bar shows the total losses only.

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
        stream = LabelStream(self, self._checked)
        held_out_stream = LabelStream(self, self._checked)
        label_checks.standardize(call, self.tasks, self._checked, stream)
        if hasattr(call.get("x"), "element_spec"):
            # Keras warns that it cannot shuffle a dataset unless told not to.
            call.setdefault("shuffle", False)
        if (held_out := call.get("validation_data")) is not None:
            call["validation_data"] = label_checks.standardize_held_out(
                held_out,
                self.tasks,
                self._checked,
                held_out_stream,
            )
        state, own = KeptState(self), call.get("callbacks")
        verbose = call.get("verbose", "auto")
        is_reported = self._board.groups.names and verbose
        call["callbacks"] = add_callbacks(
            [
                state,
                LabelCheck(type(self)._check_audit),
                FiniteCheck(type(self)._check_finite),
                BalancerEpochs(),
                *([WorstMembers()] if is_reported else []),
            ],
            self._with_progress(own, verbose),
            self,
        )
        with passing_over_nan(own), stream, held_out_stream, state:
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
        return_dict = call.pop("return_dict", False)
        is_within_fit = private.get("_use_cached_eval_dataset", False)
        stream = LabelStream(self, self._checked)
        verbose = call.get("verbose", "auto")
        call["callbacks"] = self._with_progress(call.get("callbacks"), verbose)
        if is_within_fit:
            # Before the training epoch's counts are reset.
            self._check_audit()
            self._check_finite()
        else:
            label_checks.standardize(call, self.tasks, self._checked, stream)
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
            with stream, KeptState(self):
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
        if verbose and not is_within_fit:
            self.print_worst_members()
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

    def worst_members(
        self, group: str, metric: str = "loss", count: int = 5
    ) -> dict:
        """Names the members of a group that were worst.

        Args:
            group: String, the group of tasks.
            metric: String, `"loss"` or the name of one of its metrics.
            count: Integer, how many members.

        Returns:
            Dict, member to its value, the worst first: of the last
            evaluation, the validation in `fit` included, else of the last
            epoch. Members without labels are left out.

        Raises:
            ValueError: If there is no such group or metric.
        """
        self._require_loss()
        return self._board.groups.worst(self._board, group, metric, count)

    def print_worst_members(self) -> None:
        """Prints the worst members of each group, by loss and metric."""
        if report := self._board.groups.report(self._board):
            print(report, flush=True)

    def _with_progress(self, callbacks, verbose):
        names = [*self.tasks, *self._board.groups.tasks]
        return add_progress(callbacks, names, verbose)

    def _split_results(self) -> dict:
        if not self._board.split_metrics:
            return {}
        return self._board.split_results(self._collection.arrays())

    def note_epoch(self, epoch: int | None) -> None:
        """Notes which epoch `fit` trains, for errors; `None` outside."""
        self._set_untracked("_epoch", epoch)

    def _check_finite(self):
        raise_nonfinite(self._board.watch, self._epoch)

    def _check_audit(self):
        seen, misfits, clipped = (
            dict(zip(self._board.label_counts.names, row, strict=False))
            for row in ops.convert_to_numpy(self._board.label_counts.result())
        )
        del seen
        raise_misfits(misfits)
        new = {n: c for n, c in clipped.items() if n not in self._clipped_tasks}
        named = warn_of_clipped(new, self.tasks)
        self._set_untracked("_clipped_tasks", (*self._clipped_tasks, *named))
        raise_illegal_labels(
            self._board.audit.by_task(), task_of_each(self.tasks)
        )
        balancer = self._plan.balancer
        if balancer.needs_positive_losses:
            raise_negative_losses(self._board.negative.by_task(), balancer)
