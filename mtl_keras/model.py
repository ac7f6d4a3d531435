"""A functional Keras model with several named answers."""

import inspect

import keras
from keras import ops

from mtl_keras import (
    arguments,
    balancing,
    engine,
    graph,
    optimizers,
    targets,
)
from mtl_keras.collection import COLLECTED, SplitCollection
from mtl_keras.dropout import FrontierDropout
from mtl_keras.inference import complete_task
from mtl_keras.labelled import (
    LabelledBatch,
    class_numbers,
    metric_weights,
    usable_labels,
)
from mtl_keras.regularization import SharedPenalty
from mtl_keras.task import Task
from mtl_keras.tracking import TaskTracking, update_metric
from mtl_keras.validation import (
    LabelCheck,
    declared_tasks,
    named_outputs,
    raise_illegal_labels,
)


@keras.saving.register_keras_serializable(package="mtl_keras")
class MultiTaskModel(keras.Model):
    """A `keras.Model` that trains one output for each task.

    ```python
    model = MultiTaskModel(inputs, {"price": price, "sold": sold})
    model.compile(
        "adam", loss={"price": "mse", "sold": "binary_crossentropy"}
    )
    model.fit(x, {"price": prices, "sold": sold})
    ```

    A label may be missing: NaN in a floating point array, the marker of the
    task's `LabelSpec` (-1 for classes), weight 0, or a task absent from the
    labels altogether. A task's loss is the mean over the labels that are
    there, and so are the logs `<task>_loss` and `<task>_<metric>`, over the
    whole epoch, however uneven its batches.

    Sample weights multiply a label's loss as in Keras; the mean is over the
    number of labels with a weight other than zero.

    Args:
        *args: As for `keras.Model`: inputs, then a flat dict of task name to
            output tensor.
        **kwargs: As for `keras.Model`, and `tasks`: a sequence of `Task`, one
            for each output that you want to declare. An output without a task
            is understood from its loss in `compile`.

    Raises:
        ValueError: If the outputs are no flat dict of task name to tensor, or
            a task names no output.
    """

    def __init__(self, *args, **kwargs):
        given = kwargs.pop("tasks", None)
        named_outputs(args, kwargs)
        super().__init__(*args, **kwargs)
        self._declared = declared_tasks(given, self.output)
        self._completed = tuple(
            dict(_by_name(self._declared)).get(name) or Task(name)
            for name in sorted(self.output)
        )
        self._board = None
        self._trained = None
        self._checked = ()
        self._class_tables = None
        self._dropout = _Hidden(None)
        self._collection = None
        self._is_evaluating = False
        self._evaluation_steps = 1

    def call(self, inputs, training=None, mask=None, **kwargs):
        """Runs the graph; in training with the shared dropout, if any."""
        if training and (dropout := self._dropout.value) is not None:
            return dropout.run(self, inputs, mask)
        return super().call(inputs, training=training, mask=mask, **kwargs)

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name, sorted; the order of every per-task vector."""
        return dict(_by_name(self._completed))

    def get_config(self) -> dict:
        """Returns the graph's config with the declared tasks."""
        config = super().get_config()
        config["tasks"] = [task.get_config() for task in self._declared]
        return config

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
        shared_regularizer=None,
        shared_dropout=0.0,
    ):
        """Configures training.

        Args:
            optimizer: As in Keras.
            loss: `None` for each task's own loss, one loss for all tasks, or a
                dict of task name to loss (`None`: not trained).
            loss_weights: `None` (each 1), a number, a dict of task name to
                number, the name of a balancer, or a `Balancer`.
            metrics: `None` for each task's own metrics, or a dict of task name
                to a metric or a list of them; tasks left out keep their own.
                Metrics of the whole split (`AUC`) appear in `evaluate` and in
                the `val_` logs.
            weighted_metrics: Dict, likewise; these see the sample weights.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras.
            auto_scale_loss: As in Keras.
            shared_regularizer: Regularizer of Keras or its name, for the
                trainable kernels that tasks share, and no others; a part of
                the total loss.
            shared_dropout: Float in [0, 1), the share of features dropped in
                training where heads read what tasks share.

        Raises:
            ValueError: If a name is no task of this model, a loss or metric
                is unknown, or a task has no loss.
        """
        declared = dict(_by_name(self._declared))
        tasks = {n: declared.get(n) or Task(n) for n in sorted(self.output)}
        trained = arguments.resolve_losses(loss, tasks)
        completed = tuple(
            complete_task(
                task,
                trained[name],
                self.output[name].shape,
                is_declared=name in declared,
            )
            if name in trained
            else task
            for name, task in tasks.items()
        )
        streaming, split = arguments.resolve_metrics("metrics", metrics, tasks)
        weighted, weighted_split = arguments.resolve_metrics(
            "weighted_metrics", weighted_metrics, tasks
        )
        if weighted_split:
            raise ValueError(
                "A metric of the whole split goes into `metrics`. Received: "
                f"weighted_metrics={weighted_metrics!r}"
            )
        balancer = balancing.get(loss_weights)
        balancer.bind(tuple(trained))
        parts = graph.partition(self)
        penalty = SharedPenalty(shared_regularizer, parts)
        dropout = FrontierDropout.of(shared_dropout, self, parts)
        graph.warn_if_nothing_shared(parts)
        optimizers.bind(optimizer, self)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        self._completed = completed
        self._trained = _Hidden(trained)
        # An undeclared output without a loss says nothing of its labels.
        self._checked = tuple(
            task.name for task in completed if task.name in trained or task.kind
        )
        self._class_tables = _Hidden({})
        self._penalty, self._dropout = _Hidden(penalty), _Hidden(dropout)
        self.balancer = balancer
        self._board = TaskTracking(trained, streaming, weighted, split)
        self._arguments = _Hidden(
            {
                "optimizer": optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
                "auto_scale_loss": auto_scale_loss,
                "shared_regularizer": shared_regularizer,
                "shared_dropout": shared_dropout,
            }
        )

    def get_compile_config(self) -> dict:
        """Returns what `compile` was given, as data."""
        if not self.compiled:
            return {}
        config = dict(self._arguments.value)
        # The optimizer with its present learning rate, not the one given.
        config["optimizer"] = self.optimizer
        config = keras.saving.serialize_keras_object(config)
        # For `keras.models.clone_model`, which passes on nothing else.
        config["tasks"] = [task.get_config() for task in self._declared]
        return config

    def compile_from_config(self, config: dict) -> None:
        """Compiles with what `get_compile_config` returned."""
        config = dict(config)
        tasks = config.pop("tasks", ())
        if not self._declared:
            self._declared = declared_tasks(tasks, self.output)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self) -> list:
        """Every tracker of this model, for resetting and the step's state."""
        return super().metrics + (
            [] if self._board is None else self._board.all()
        )

    @property
    def metrics_names(self) -> list[str]:
        """The keys of the logs, in the order of `evaluate`'s list."""
        if self._board is None:
            return super().metrics_names
        return [*self.get_metrics_result(), *self._board.split_names()]

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Computes the weighted sum of the tasks' losses and tracks each.

        Args:
            x: Inputs; not read.
            y: Dict, task name to labels; tasks may be absent.
            y_pred: Dict, task name to predictions.
            sample_weight: Dict, task name to weights, or one for all, or
                `None`.
            training: Bool; class weights count in training only.

        Returns:
            float32 scalar tensor.
        """
        del x
        self._require_loss()
        targets.require_labels(y, self.tasks)
        self._is_evaluating = not training
        batch = self._read_batch(y, y_pred, sample_weight, training=training)
        means = []
        counts = engine.sum_over_replicas([b.count for b in batch.values()])
        for (name, part), count in zip(batch.items(), counts, strict=True):
            self._board.losses[name].update_state(part.total, part.count)
            means.append(part.total / ops.maximum(count, 1.0))
        self._board.audit.update_state(
            ops.stack([part.num_invalid for part in batch.values()])
        )
        stacked = ops.stack(means)
        weights = self.balancer.weights(losses=stacked)
        loss = ops.sum(ops.stop_gradient(weights) * stacked)
        extra = [*self.losses, *self._penalty.value.losses()]
        extra = [ops.sum(ops.cast(e, "float32")) for e in extra]
        if extra:
            extra = sum(extra[1:], extra[0])
            self._board.regularization.update_state(extra, 1.0)
            loss = loss + extra / engine.num_replicas()
        return loss

    def _require_loss(self):
        if self._trained is None:
            raise ValueError(
                "This model is not compiled. Call `compile` before it trains "
                "or is evaluated."
            )
        if not self._trained.value:
            raise ValueError(
                "No task has a loss. Pass loss={task: loss} to `compile`, or "
                "declare the tasks: MultiTaskModel(..., tasks=[Task(...)])."
            )

    def _read_batch(self, y, y_pred, sample_weight, *, training):
        trained, tasks = self._trained.value, self.tasks
        labels = targets.check_labels(y, tasks, self._checked)
        weights = targets.weights_of(sample_weight, tasks, labels)
        tables = self._class_tables.value if training else {}
        return {
            name: LabelledBatch(
                tasks[name],
                loss,
                labels.get(name),
                y_pred[name],
                weights.get(name),
                tables.get(name),
            )
            for name, loss in trained.items()
        }

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """Updates the tasks' metrics and returns the logs."""
        del x
        tasks = self.tasks
        labels = targets.check_labels(y, tasks, self._checked)
        weights = targets.weights_of(sample_weight, tasks, labels)
        read = set(self._board.split_reads()) if self._is_evaluating else ()
        collected = {}
        for name, label in labels.items():
            spec = tasks[name].label
            present, _ = usable_labels(spec, label)
            filled = spec.fill(label, present)
            given = weights.get(name)
            present, given = metric_weights(spec, present, given)
            seen = (spec, filled, y_pred[name])
            for metric in self._board.metrics.get(name, ()):
                update_metric(metric, *seen, present)
            for metric in self._board.weighted_metrics.get(name, ()):
                update_metric(metric, *seen, given)
            if name in read:
                numbers = class_numbers(spec, filled)
                collected[name] = (numbers, y_pred[name], present)
        for name in set(read) - set(labels):
            # A task without labels may still lend its predictions.
            collected[name] = (None, y_pred[name], None)
        logs = self.get_metrics_result()
        if self._is_evaluating and self._board.split_metrics:
            collected = engine.gather_over_replicas(collected)
            logs = {**logs, COLLECTED: collected}
        return logs

    def get_metrics_result(self) -> dict:
        """Returns the logs: total loss, then each task's by name."""
        if self._board is None:
            return super().get_metrics_result()
        logs = self._board.results()
        means = [logs[f"{name}_loss"] for name in self._board.names]
        total = self._board.regularization.result()
        if means:
            stacked = ops.stack(means)
            weights = self.balancer.weights(losses=stacked)
            total = total + ops.sum(weights * stacked)
        return {"loss": total, **logs}

    def make_test_function(self, force=False):
        """Makes the evaluation function; it hands out what it collects."""
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
            ValueError: If names, shapes, types or ranges of labels are wrong.
        """
        self._require_loss()
        call = inspect.signature(super().fit).bind(*args, **kwargs).arguments
        self._use_class_weight(call.pop("class_weight", None))
        targets.standardize(call, self.tasks, self._checked)
        if hasattr(call.get("x"), "element_spec"):
            # Keras warns that it cannot shuffle a dataset unless told not to.
            call.setdefault("shuffle", False)
        if (held_out := call.get("validation_data")) is not None:
            call["validation_data"] = targets.standardize_held_out(
                held_out, self.tasks, self._checked
            )
        callbacks = call.get("callbacks")
        check = LabelCheck(type(self)._check_audit)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            check.set_model(self)
            callbacks.append(check)
        else:
            given = (
                callbacks
                if isinstance(callbacks, list | tuple)
                else ([] if callbacks is None else [callbacks])
            )
            call["callbacks"] = [check, *given]
        return super().fit(**call)

    def _use_class_weight(self, class_weight):
        tables = arguments.resolve_class_weight(
            class_weight, self.tasks, self._trained.value
        )
        if tables != self._class_tables.value:
            self._class_tables = _Hidden(tables)
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
        self._use_class_weight(class_weight)
        y, sample_weight = targets.standardize_arrays(
            x, y, sample_weight, self.tasks, self._checked
        )
        logs = super().train_on_batch(x, y, sample_weight, return_dict=True)
        self._check_audit()
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
        y, sample_weight = targets.standardize_arrays(
            x, y, sample_weight, self.tasks, self._checked
        )
        logs = super().test_on_batch(x, y, sample_weight, return_dict=True)
        self._check_audit()
        return logs if return_dict else self._in_order(logs)

    def _in_order(self, logs):
        return [logs[name] for name in self.metrics_names if name in logs]

    def evaluate(self, *args, **kwargs):
        """Evaluates the model; arguments as in `keras.Model.evaluate`.

        Args:
            *args: As in Keras.
            **kwargs: As in Keras, and `bootstrap`: how often to resample the
                split for 95% intervals of its metrics, such as 1000. Adds
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
        targets.standardize(call, self.tasks, self._checked)
        return_dict = call.pop("return_dict", False)
        kept = private.get("_use_cached_eval_dataset", False)
        if kept:
            # Within `fit`, before the training epoch's counts are reset.
            self._check_audit()
        self._collection = SplitCollection()
        # Several steps an execution hand out the last step's outputs only, so
        # what collects takes its steps one by one.
        steps = self.steps_per_execution
        if self._board.split_metrics:
            self.steps_per_execution = 1
            # The iterator that `fit` keeps still counts in executions.
            self._evaluation_steps = steps if kept else 1
        try:
            logs = super().evaluate(**call, **private, return_dict=True)
            self._check_audit()
            logs.update(self._split_results())
            intervals = {}
            if num_samples:
                intervals = self._board.split_intervals(
                    self._collection.arrays(), num_samples
                )
        finally:
            self._collection = None
            self._evaluation_steps = 1
            self.steps_per_execution = steps
        if return_dict:
            return {**logs, **intervals}
        return [*self._in_order(logs), *intervals.values()]

    def _split_results(self) -> dict:
        if not self._board.split_metrics:
            return {}
        return self._board.split_results(self._collection.arrays())

    def _check_audit(self):
        counts = ops.convert_to_numpy(self._board.audit.result())
        counts = dict(zip(self._board.names, counts, strict=True))
        raise_illegal_labels(counts, self.tasks)


class _Hidden:
    """Keeps a dict out of Keras's and TensorFlow's attribute tracking."""

    def __init__(self, value):
        self.value = value


def _by_name(tasks):
    return ((task.name, task) for task in tasks)
