"""A functional Keras model with several named outputs."""

import functools

import keras
from keras import ops

from mtl_keras import compat, engine
from mtl_keras.engine.step_plan import check_overrides, refuse_own_step
from mtl_keras.model import compiled_tasks, label_checks, step_options
from mtl_keras.model.collection import COLLECTED, packed
from mtl_keras.model.group_loss import labelled
from mtl_keras.model.loops import CheckedLoops
from mtl_keras.model.task_loss import TaskLosses, combined
from mtl_keras.model.validation import declared_tasks, named_outputs
from mtl_keras.sharing.architecture import saved_sharing
from mtl_keras.task import Task


@keras.saving.register_keras_serializable(package="mtl_keras")
class MultiTaskModel(CheckedLoops):
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
    present, and so are the logs `<task>_loss` and `<task>_<metric>`, over the
    whole epoch, however uneven its batches.

    Sample weights multiply a label's loss as in Keras; the mean is over the
    number of labels with a weight other than zero.

    Args:
        *args: As for `keras.Model`: inputs, then a flat dict of task name to
            output tensor.
        **kwargs: As for `keras.Model`, and `tasks`: a sequence of `Task`, one
            for each output that you want to declare. An output without a task
            is understood from its loss in `compile`; and `sharing`, what built
            the model.

    Raises:
        ValueError: If the outputs are no flat dict of task name to tensor, or
            a task names no output.
    """

    def __init__(self, *args, **kwargs):
        tasks = kwargs.pop("tasks", None)
        sharing = kwargs.pop("sharing", None)
        named_outputs(args, kwargs)
        super().__init__(*args, **kwargs)
        self._declared = declared_tasks(tasks, self.output)
        self.sharing = saved_sharing(sharing)

    def call(self, inputs, training=None, mask=None, **kwargs):
        """Runs the graph; in training with the shared dropout, if any."""
        flat = keras.tree.flatten(inputs)
        if len(flat) == 1 == len(self.inputs):
            # The one input may come bare or by its name; Keras warns unless
            # it comes as the model was built.
            inputs = keras.tree.pack_sequence_as(self.input, flat)
        if training and self._plan is not None:
            dropout = self._plan.dropout
            if dropout is not None:
                return dropout.run(self, inputs, mask)
        return super().call(inputs, training=training, mask=mask, **kwargs)

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name, sorted; the order of every per-task vector."""
        if self._plan is not None:
            return dict(self._plan.tasks)
        return compiled_tasks.tasks_by_name(self._declared, self.output)

    def get_config(self) -> dict:
        """Returns the graph's config with the declared tasks."""
        return {**super().get_config(), **self._declaration()}

    def _declaration(self):
        declaration = {"tasks": [task.get_config() for task in self._declared]}
        if self.sharing is not None:
            save = keras.saving.serialize_keras_object
            declaration["sharing"] = save(self.sharing)
        return declaration

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
        on_nonfinite="raise",
    ):
        """Configures training.

        Args:
            optimizer: As in Keras.
            loss: `None` for each task's own loss, one loss for all tasks, or a
                dict of task name to loss (`None`: not trained).
            loss_weights: `None` (each 1), a number, a dict of task name to
                number or schedule, the name of a balancer, or a `Balancer`.
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
            shared_dropout: Float in [0, 1), the fraction of features dropped in
                training where heads read what tasks share.
            on_nonfinite: `"raise"`: an error names where a loss or gradient
                was NaN or infinite. `"skip_step"`: such a step changes
                nothing; the log `skipped_steps` counts it. See `FiniteWatch`.

        Raises:
            ValueError: If a name is no task of this model, a loss or metric
                is unknown, a task has no loss, or an option is impossible.
        """
        step_options.check(optimizer, steps_per_execution)
        arguments = {
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
            "on_nonfinite": on_nonfinite,
        }
        plan = compiled_tasks.prepare(self, self._declared, arguments)
        check_overrides(self, MultiTaskModel, plan.step_plan)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        self._set_untracked("_plan", plan)
        self._set_untracked("step_plan", plan.step_plan)
        self._set_untracked("finite_watch", plan.tracking.watch)
        self._set_untracked("_class_tables", {})

    @property
    def balancer(self):
        """The `Balancer` that weighs the tasks; `None` before `compile`."""
        return None if self._plan is None else self._plan.balancer

    def get_compile_config(self) -> dict:
        """Returns the arguments of `compile`, as data."""
        if not self.compiled:
            return {}
        config = dict(self._plan.arguments)
        # The optimizer with its learning rate of now, not of `compile`.
        config["optimizer"] = self.optimizer
        config = compat.serialized(config)
        # For `keras.models.clone_model`, which passes on nothing else.
        return {**config, **self._declaration()}

    def compile_from_config(self, config: dict) -> None:
        """Compiles with what `get_compile_config` returned."""
        config = dict(config)
        tasks = config.pop("tasks", ())
        self.sharing = saved_sharing(config.pop("sharing", self.sharing))
        if not self._declared:
            self._declared = declared_tasks(tasks, self.output)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def variables(self) -> list:
        """Every variable, the balancer's state included."""
        return [*super().variables, *self._balancer_variables()]

    def _balancer_variables(self):
        return [] if self.balancer is None else self.balancer.variables

    def save_own_variables(self, store) -> None:
        """Saves the balancer's state beside the weights."""
        super().save_own_variables(store)
        for variable in self._balancer_variables():
            store[variable.name] = ops.convert_to_numpy(variable.value)

    def load_own_variables(self, store) -> None:
        """Loads the weights, and the balancer's state where the file has it.

        A file without it, such as that of a model trained with other weights,
        leaves the balancer at its start.
        """
        stored = {key: store[key] for key in store.keys()}
        state = {
            key: stored.pop(key)
            for key in tuple(stored)
            if key.startswith("balancer_")
        }
        super().load_own_variables(stored)
        if self.balancer is not None:
            self.balancer.load_state(state)

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

        Raises:
            ValueError: If gradients are balanced and `training` is true: the
                sum is then not what a step descends.
        """
        if training and self.step_plan is not None:
            refuse_own_step(self)
        self._is_evaluation_step = not training
        task_losses = self.task_losses(
            y, y_pred, sample_weight, training=training
        )
        balancer = self.balancer
        weights = balancer.head_weights(task_losses.losses, task_losses.present)
        loss = ops.sum(ops.stop_gradient(weights) * task_losses.shares)
        penalties = [*self.losses, *self._plan.penalty.losses()]
        self.track_losses(task_losses, penalties)
        if training and not balancer.reads_gradients:
            # After the logs, which show the weights of this step.
            balancer.update(
                losses=task_losses.losses, present=task_losses.present
            )
        if training:
            self.finite_watch.see_losses(task_losses.losses)
        if self._board.balance is not None and training:
            self._board.balance.add(weights, task_losses.present)
        extra = [ops.sum(ops.cast(e, "float32")) for e in penalties]
        return loss + sum(extra, 0.0) / engine.num_replicas()

    def task_losses(
        self, y, y_pred, sample_weight=None, *, training=True
    ) -> TaskLosses:
        """Computes each trained task's loss; moves no tracker.

        Args:
            y: Dict, task name to labels; tasks may be absent.
            y_pred: Dict, task name to predictions.
            sample_weight: Dict, task name to weights, or one for all, or
                `None`.
            training: Bool; class weights count in training only.

        Returns:
            `TaskLosses`, in the order of the trained tasks.
        """
        self._require_loss()
        label_checks.require_labels(y, self.tasks)
        labels, weights, _ = label_checks.read_batch(
            y, sample_weight, y_pred, self.tasks, self._checked
        )
        tables = self._class_tables if training else {}
        return combined(
            labelled(
                self.tasks[name],
                loss,
                labels.get(name),
                y_pred[name],
                weights.get(name),
                tables.get(name),
            )
            for name, loss in self._plan.losses.items()
        )

    def track_losses(self, task_losses: TaskLosses, penalties: list) -> None:
        """Adds a batch to the trackers of the losses.

        Args:
            task_losses: `TaskLosses`.
            penalties: List of scalar tensors.
        """
        self._board.losses.update_state(task_losses.totals, task_losses.counts)
        if self.balancer.is_fixed and self.balancer.variables:
            weights = self.balancer.weights(losses=task_losses.losses)
            self._board.loss_weights.update_state(
                weights, ops.ones_like(weights)
            )
        self._board.audit.update_state(task_losses.num_invalid)
        if self.balancer.needs_positive_losses:
            self._board.negative.update_state(task_losses.losses < 0)
        if penalties:
            extra = [ops.sum(ops.cast(e, "float32")) for e in penalties]
            self._board.regularization.update_state([sum(extra)], [1.0])

    def finish_step(self, batch, y_pred, task_losses, penalties, mix) -> dict:
        """Tracks a step that balanced gradients, and returns the logs.

        Args:
            batch: Tuple of inputs, labels and sample weights.
            y_pred: Dict, task name to predictions.
            task_losses: `TaskLosses`.
            penalties: List of scalar tensors.
            mix: `Mix`, what the balancer did.

        Returns:
            Dict, as of `compute_metrics`.
        """
        x, y, sample_weight = batch
        self._is_evaluation_step = False
        self.track_losses(task_losses, penalties)
        if self._board.balance is not None:
            self._board.balance.add(
                mix.weights, task_losses.present, mix.gramian, mix.is_new
            )
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def make_train_function(self, force=False):
        """Makes the function of a training step."""
        if self.train_function is not None and not force:
            return self.train_function
        if self.optimizer is not None and not self.optimizer.built:
            # A step that makes variables while it is traced is traced twice
            # by TensorFlow, which doubles the time until the first step.
            self.optimizer.build(self.trainable_variables)
        make = functools.partial(super().make_train_function, force=True)
        if self.step_plan is None:
            return make()
        return engine.make_train_function(self, make)

    def train_step(self, *args):
        """Takes a training step; arguments and result are the backend's."""
        return engine.train_step(self, *args)

    def compute_loss_and_updates(self, *args, **kwargs):
        """Computes what a step on JAX differentiates, as Keras does."""
        # Keras itself loses the masks here, before its metrics are updated.
        loss, (unscaled, outputs, *state) = super().compute_loss_and_updates(
            *args, **kwargs
        )
        return loss, (unscaled, engine.keep_masks(outputs), *state)

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """Updates the tasks' metrics and returns the logs."""
        tasks = self.tasks
        labels, weights, misfits = label_checks.read_batch(
            y, sample_weight, y_pred, tasks, self._checked
        )
        collected = self._board.update_metrics(
            labels,
            y_pred,
            weights,
            tasks,
            misfits=misfits,
            collect=self._is_evaluation_step,
        )
        logs = self.get_metrics_result()
        if self._is_evaluation_step and self._board.split_metrics:
            collected = engine.gather_over_replicas(packed(collected))
            logs = {**logs, COLLECTED: collected}
        return logs

    def get_metrics_result(self) -> dict:
        """Returns the logs: total loss, then each task's by name."""
        if self._board is None:
            return super().get_metrics_result()
        logs = self._board.results()
        logs = {"loss": self._board.total_loss(self.balancer), **logs}
        # Kept, so that asking for the names alone computes nothing; those of
        # `evaluate`.
        self._board.log_names = tuple(logs)
        if self._board.balance is not None and not self._in_evaluation_loop:
            logs.update(self._board.balance.logs())
        if not self._in_evaluation_loop:
            logs.update(self.finite_watch.logs())
        return logs
