"""Trains a model by a recipe, and resumes where a killed run stopped."""

import logging
import math
import sys
import time

import keras

from mtl_keras import (
    artefacts,
    calibration,
    checks,
    data,
    engine,
    export,
    optimizers,
    plots,
)
from mtl_keras.messages import counted
from mtl_keras.model.progress import shortened
from mtl_keras.plots.epochs import balance_keys
from mtl_keras.training import class_weights, stages
from mtl_keras.training.progress import Progress
from mtl_keras.training.recipe import compile_model, steps_per_epoch
from mtl_keras.training.report import Report
from mtl_keras.training.termination import termination
from mtl_keras.training.workdir import check_workdir

_LOGGER = logging.getLogger("mtl_keras")


def train_and_evaluate(
    model, datasets: dict, config, workdir, command=None, callbacks=()
):
    """Trains a model, measures it on the test split and exports it.

    The workdir holds the resolved `config.json`, `metrics.jsonl` (a line an
    epoch), the last two checkpoints, `checkpoint.npz` and
    `checkpoint.previous.npz`, `events/` for TensorBoard, `model.weights.h5`,
    `report.json` (with the sha256 of these files), `run.log`, `plots/` (those
    of the balance too, where the balancer monitors) and the SavedModel
    `export/1`. The same call on the same workdir resumes after the last
    finished epoch; on a CPU without XLA the final weights equal an undisturbed
    run's bit by bit. SIGTERM ends the process after the current step, with the
    status 143.

    Args:
        model: `MultiTaskModel`, not compiled.
        datasets: Dict. `"train"`: a function from the number of an epoch (an
            integer or int64 scalar tensor) to that epoch's `tf.data.Dataset`,
            or a dataset, which then orders its epochs itself.
            `"validation"` and `"test"`: datasets, each may be left out.
            `"identity"`: a string that tells these data from others, may be
            left out; a run is resumed on the same data only.
        config: `ml_collections.ConfigDict` or dict: `model`, `epochs`,
            `batch_size`, `seed`, `optimizer`, and where wanted `data`,
            `loss_weights`, `balancer` (a dict, hyperparameters of the
            balancer that `loss_weights` names), `shared_dropout` (as for
            `compile`), `class_weight` (as for `class_weights.resolve`),
            `stages` (as for `stages.read`; each starts with a new optimizer
            and balancer), `dtype_policy` (the policy that the model was built
            with), `jit_compile`, `steps_per_execution`, `monitor` (a key
            of the logs; the best epoch's weights are kept, else the last's)
            and `mode` (`"min"` or `"max"`), `calibrate` (a boolean: the
            validation split chooses each task's temperature and threshold,
            see `calibration.choose`, which the postprocessor then applies).
        workdir: String or path of a folder, made if needed, or what
            `check_workdir` returned.
        command: String, the command that the report names.
        callbacks: Sequence of `keras.callbacks.Callback`, called before the
            epoch's metrics are written, so that they may add some.

    Returns:
        `Report` with the metrics of the test split, or of the validation
        split where there is no test split.

    Raises:
        ValueError: If the config lacks a field, the workdir holds another run
            or is in use by one, its data have changed, its files are lost or
            damaged, or the training diverges to NaN or infinity.
    """
    workdir = check_workdir(workdir, config)
    config = workdir.config
    with workdir.locked():
        run = _train(model, datasets, workdir, callbacks, config["epochs"])
        if config.get("calibrate"):
            calibration.apply(model, datasets.get("validation"))
        report = _evaluate(model, datasets, run, config, command)
        report.save(workdir / artefacts.REPORT)
        export.saved_model(
            model,
            workdir / "export" / "1",
            preprocessor=getattr(model, "preprocessor", None),
            postprocessor=getattr(model, "postprocessor", None),
            overwrite=True,
        )
        _illustrate(model, datasets, run, workdir / "plots")
    return report


def train(
    model, datasets: dict, config, workdir, callbacks=(), *, until=None
) -> list[dict]:
    """Trains a model like `train_and_evaluate`, without evaluation or export.

    Args:
        model: As for `train_and_evaluate`.
        datasets: As for `train_and_evaluate`; no test split is read.
        config: As for `train_and_evaluate`.
        workdir: As for `train_and_evaluate`.
        callbacks: As for `train_and_evaluate`.
        until: Integer, the number of epochs after which to stop; the same
            call with a later one resumes as if it had never stopped. The
            learning rate follows the schedule of all `config.epochs`, which
            `until` defaults to.

    Returns:
        List of dicts, the lines of `metrics.jsonl`, one an epoch.

    Raises:
        ValueError: As for `train_and_evaluate`, and if `until` is not between
            1 and `config.epochs`.
    """
    workdir = check_workdir(workdir, config)
    epochs = workdir.config["epochs"]
    last = epochs if until is None else until
    checks.integer("until", last, low=1, high=epochs)
    with workdir.locked():
        run = _train(model, datasets, workdir, callbacks, last)
        return run.metrics.read()


def _train(model, datasets, workdir, callbacks, last):
    config = workdir.config
    keras.utils.set_random_seed(config["seed"])
    if config.get("deterministic", True):
        engine.make_deterministic()
    steps = steps_per_epoch(datasets["train"])
    course = _Course(model, config, steps)
    identity = datasets.get("identity")
    run = Progress(model, workdir, course.enter_stage_of, identity)
    # Not before: a run that could not start must not claim the folder.
    workdir.claim()
    for line in [*_header(model, config, steps, run.first_epoch), *run.notes]:
        run.write_log(line)
        _LOGGER.info("%s", line)
    with termination() as request:
        for stage in course.stages:
            first = max(run.first_epoch, stage.first)
            end = min(last, stage.last)
            if first < end:
                course.enter(stage)
                if config.get("stages") is not None:
                    line = course.described
                    run.write_log(line)
                    _LOGGER.info("%s", line)
                epochs = first, end, last
                _fit(model, datasets, steps, run, callbacks, epochs, request)
    run.finish()
    return run


class _Course:
    """The stages of a run, and the one that the model is compiled for."""

    def __init__(self, model, config, steps):
        self._model, self._config, self._steps = model, config, steps
        self.stages = stages.read(config)
        for stage in self.stages[1:]:
            # Raises early for impossible values.
            optimizers.from_recipe(
                stage.optimizer,
                epochs=stage.epochs,
                steps_per_epoch=steps or 1,
            )
        self._entered = None
        self.enter(self.stages[0])

    @property
    def described(self) -> str:
        """A line for the log."""
        return (
            f"stage {self._entered.number + 1} of {len(self.stages)}, "
            f"trainable={self._entered.trainable!r}: "
            f"{_num_trainable(self._model):,} parameters"
        )

    def enter(self, stage) -> None:
        """Compiles the model for a stage, unless it is already."""
        if stage is self._entered:
            return
        if stage.number:
            # What is drawn from here on does not depend on whether the run
            # was resumed.
            keras.utils.set_random_seed(self._config["seed"] + stage.number)
        compile_model(self._model, self._config, self._steps, stage)
        self._entered = stage

    def enter_stage_of(self, num_epochs) -> None:
        """Compiles the model as it was after a number of epochs."""
        self.enter(next(s for s in self.stages if num_epochs <= s.last))


def _fit(model, datasets, steps, run, callbacks, epochs, request):
    """Trains between two epochs; the third is the last one of the run."""
    train, (first, end, _) = datasets["train"], epochs
    resumable = callable(train)
    is_terminal = sys.stdout.isatty()
    model.fit(
        data.epochs(train, first, end) if resumable else train,
        validation_data=datasets.get("validation"),
        initial_epoch=first,
        epochs=end,
        steps_per_epoch=steps if resumable else None,
        class_weight=class_weights.resolve(
            run.class_weight, model.tasks, train
        ),
        verbose=1 if is_terminal else 0,
        callbacks=[
            *callbacks,
            _EpochEnd(run, epochs, request, is_terminal=is_terminal),
            *engine.event_callbacks(run.workdir / "events"),
        ],
    )


class _EpochEnd(keras.callbacks.Callback):
    """Writes the checkpoint after each epoch and logs the metrics."""

    def __init__(self, run, epochs, request, *, is_terminal):
        super().__init__()
        self._run, self._is_terminal = run, is_terminal
        self._request = request
        self._started = None
        self._num_epochs, _, self._last = epochs

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self._request.exit_if_requested(self._tell_end)

    def on_test_batch_end(self, batch, logs=None):
        self._request.exit_if_requested(self._tell_end)

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._started
        self._run.end_epoch(epoch, dict(logs or {}), seconds)
        printed = shortened(logs, self.model.tasks)
        values = [f"{key}={value:.4f}" for key, value in printed.items()]
        if num_hidden := len(logs or {}) - len(printed):
            values.append(f"({num_hidden} more in metrics.jsonl)")
        values = " ".join(values)
        line = f"epoch {epoch + 1}/{self._last} {seconds:.1f} s {values}"
        self._run.write_log(line)
        if not self._is_terminal:
            # On a terminal the progress bar has shown it.
            _LOGGER.info("%s", line)
        self._num_epochs = epoch + 1
        self._request.exit_if_requested(self._tell_end)

    def _tell_end(self):
        line = (
            f"ended by SIGTERM, {self._num_epochs} of {self._last} epochs are "
            "saved; the same command resumes after them"
        )
        self._run.write_log(line)
        _LOGGER.info("%s", line)


def _header(model, config, steps, first_epoch) -> list[str]:
    trainable = _num_trainable(model)
    versions = ", ".join(f"{k} {v}" for k, v in engine.versions().items())
    taken = counted(steps, "step") if steps else "unknown steps"
    lines = [
        f"{config['model']}: {model.count_params():,} parameters "
        f"({trainable:,} trainable), tasks {', '.join(model.tasks)}",
        f"{versions}; devices {', '.join(engine.devices())}",
        f"{counted(config['epochs'], 'epoch')} of {taken} of "
        f"{config['batch_size']}, XLA {'on' if model.jit_compile else 'off'}, "
        f"seed {config['seed']}",
    ]
    if first_epoch:
        lines.append(f"resumes after epoch {first_epoch}")
    return lines


def _num_trainable(model) -> int:
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def _evaluate(model, datasets, run, config, command) -> Report:
    split = next((s for s in ("test", "validation") if datasets.get(s)), None)
    metrics = {}
    if split is not None:
        metrics = model.evaluate(datasets[split], verbose=0, return_dict=True)
        if config.get("calibrate"):
            metrics.update(calibration.errors(model, datasets[split]))
    return Report(
        model=config["model"],
        data=config.get("data"),
        seed=config["seed"],
        split=split or "none",
        metrics={key: float(value) for key, value in metrics.items()},
        epochs=config["epochs"],
        seconds=round(run.seconds, 1),
        num_parameters=model.count_params(),
        versions=engine.versions(),
        command=command,
        sha256=artefacts.sums(run.workdir),
    )


def _illustrate(model, datasets, run, folder):
    lines = run.metrics.read()
    if model.balancer.monitor:
        lines = _draw_balance(model.balancer.tasks, lines, folder)
    plots.curves(lines, folder / "curves.png", tasks=list(model.tasks))
    shown = datasets.get("test") or datasets.get("validation")
    inputs = model.inputs
    if shown is None or len(inputs) != 1 or not _is_image(inputs[0].shape):
        return
    batch = next(iter(shown))
    images = next(iter(keras.tree.flatten(batch[0])))
    plots.predictions(
        keras.ops.convert_to_numpy(images),
        model.tasks,
        model.predict(batch[0], verbose=0),
        folder / "predictions.png",
        labels={
            name: keras.ops.convert_to_numpy(label)
            for name, label in batch[1].items()
        },
    )


def _draw_balance(tasks, lines, folder) -> list[dict]:
    """Draws what the balancer logged; returns the lines without it."""
    keys = balance_keys(tasks)
    logged = {key for line in lines for key in line}
    if logged.intersection([*keys["weight"], *keys["gradient_norm"]]):
        plots.balance(lines, folder / "balance.png", tasks=tasks)
    if logged.intersection(keys["cosine"]):
        plots.conflicts(lines, folder / "conflicts.png", tasks=tasks)
    drawn = {key for names in keys.values() for key in names}
    return [
        {key: value for key, value in line.items() if key not in drawn}
        for line in lines
    ]


def _is_image(shape) -> bool:
    return len(shape) == 4 and shape[-1] in (1, 3)
