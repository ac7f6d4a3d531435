"""Trains a model by a recipe, and resumes where a killed run stopped."""

import logging
import math
import sys
import time

import keras

from mtl_keras import checks, data, engine, export, plots
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.model.progress import shortened
from mtl_keras.plots.epochs import balance_keys
from mtl_keras.training import checkpoint
from mtl_keras.training.recipe import compile_model, steps_per_epoch
from mtl_keras.training.report import MetricsFile, Report
from mtl_keras.training.workdir import CHECKPOINT, check_workdir

_LOGGER = logging.getLogger("mtl_keras")


def train_and_evaluate(
    model, datasets: dict, config, workdir, command=None, callbacks=()
):
    """Trains a model, measures it on the test split and exports it.

    The workdir holds the resolved `config.json`, `metrics.jsonl` (a line an
    epoch), `checkpoint.npz`, `events/` for TensorBoard, `model.weights.h5`,
    `report.json`, `run.log`, `plots/` (those of the balance too, where the
    balancer monitors) and the SavedModel `export/1`. The same
    call on the same workdir resumes after the last finished epoch; on a CPU
    without XLA the final weights equal an undisturbed run's bit by bit.

    Args:
        model: `MultiTaskModel`, not compiled.
        datasets: Dict. `"train"`: a function from the number of an epoch (an
            integer or int64 scalar tensor) to that epoch's `tf.data.Dataset`,
            or a dataset, which then orders its epochs itself.
            `"validation"` and `"test"`: datasets, each may be left out.
        config: `ml_collections.ConfigDict` or dict: `model`, `epochs`,
            `batch_size`, `seed`, `optimizer`, and where wanted `data`,
            `loss_weights`, `balancer` (a dict, hyperparameters of the
            balancer that `loss_weights` names), `shared_dropout` (as for
            `compile`), `jit_compile`, `steps_per_execution`, `monitor` (a key
            of the logs; the best epoch's weights are kept, else the last's)
            and `mode` (`"min"` or `"max"`).
        workdir: String or path of a folder, made if needed, or what
            `check_workdir` returned.
        command: String, the command that the report names.
        callbacks: Sequence of `keras.callbacks.Callback`, called before the
            epoch's metrics are written, so that they may add some.

    Returns:
        `Report` with the metrics of the test split, or of the validation
        split where there is no test split.

    Raises:
        ValueError: If the config lacks a field, or the workdir holds another
            run.
    """
    workdir = check_workdir(workdir, config)
    config = workdir.config
    run = _train(model, datasets, workdir, callbacks, config["epochs"])
    report = _evaluate(model, datasets, config, run.seconds, command)
    report.save(workdir / "report.json")
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
    run = _train(model, datasets, workdir, callbacks, last)
    return run.metrics.read()


def _train(model, datasets, workdir, callbacks, last):
    config = workdir.config
    keras.utils.set_random_seed(config["seed"])
    if config.get("deterministic", True):
        engine.make_deterministic()
    steps = steps_per_epoch(datasets["train"])
    compile_model(model, config, steps)
    run = _Run(model, workdir)
    # Not before: a run that could not start must not claim the folder.
    workdir.claim()
    for line in _header(model, config, steps, run.first_epoch):
        run.write_log(line)
        _LOGGER.info("%s", line)
    if run.first_epoch < last:
        _fit(model, datasets, steps, run, callbacks, last)
    run.finish()
    return run


def _fit(model, datasets, steps, run, callbacks, last):
    train, first = datasets["train"], run.first_epoch
    resumable = callable(train)
    is_terminal = sys.stdout.isatty()
    model.fit(
        data.epochs(train, first, last) if resumable else train,
        validation_data=datasets.get("validation"),
        initial_epoch=first,
        epochs=last,
        steps_per_epoch=steps if resumable else None,
        verbose=1 if is_terminal else 0,
        callbacks=[
            *callbacks,
            _EpochEnd(run, last, is_terminal=is_terminal),
            *engine.event_callbacks(run.workdir / "events"),
        ],
    )


class _Run:
    """The progress of a run, on the disk and in memory."""

    def __init__(self, model, workdir):
        config = workdir.config
        self.model = model
        self.workdir = workdir.path
        self.monitor = config.get("monitor")
        self.mode = config.get("mode") or "min"
        if self.mode not in ("min", "max"):
            raise ValueError(
                f"`config.mode` must be 'min' or 'max'. Received: {self.mode!r}"
            )
        self.metrics = MetricsFile(workdir / "metrics.jsonl")
        self._path = workdir / CHECKPOINT
        self._best_path = workdir / "best.weights.h5"
        self.best = None
        self.first_epoch = 0
        self.seconds = 0.0
        if self._path.exists():
            progress = checkpoint.restore(model, self._path)
            self.first_epoch = progress["num_epochs"]
            self.seconds = progress["seconds"]
            self.best = progress["best"]
        self.metrics.keep(self.first_epoch)

    def write_log(self, line):
        """Adds a line with the time to the workdir's `run.log`."""
        with open(self.workdir / "run.log", "a", encoding="utf-8") as file:
            file.write(time.strftime("%Y-%m-%d %H:%M:%S ") + line + "\n")

    def end_epoch(self, epoch, logs, seconds):
        """Writes the line first: a kill in between only repeats the epoch."""
        self.metrics.append({"epoch": epoch, **logs, "seconds": seconds})
        if self.monitor is not None and self._is_better(logs):
            self.best = float(logs[self.monitor])
            _save_weights(self.model, self._best_path)
        self.seconds += seconds
        checkpoint.save(
            self.model,
            self._path,
            {
                "num_epochs": epoch + 1,
                "seconds": self.seconds,
                "best": self.best,
            },
        )

    def _is_better(self, logs) -> bool:
        if self.monitor not in logs:
            raise ValueError(
                f"`config.monitor` names {self.monitor!r}, which is not a key "
                f"of the logs: {listed(sorted(logs))}."
                f"{did_you_mean(self.monitor, logs)}"
            )
        value = float(logs[self.monitor])
        if self.best is None:
            return True
        return value < self.best if self.mode == "min" else value > self.best

    def finish(self):
        """Leaves the chosen weights in the model and in the workdir."""
        if self.monitor is not None and self._best_path.exists():
            self.model.load_weights(self._best_path)
        _save_weights(self.model, self.workdir / "model.weights.h5")


class _EpochEnd(keras.callbacks.Callback):
    """Writes the checkpoint after each epoch and logs the metrics."""

    def __init__(self, run, last, *, is_terminal):
        super().__init__()
        self._run, self._last, self._is_terminal = run, last, is_terminal
        self._started = None

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()

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


def _save_weights(model, path):
    # Keras wants a path with this ending, or an open file of HDF5.
    partial = path.with_name(f".partial.{path.name}")
    model.save_weights(partial)
    partial.replace(path)


def _header(model, config, steps, first_epoch) -> list[str]:
    trainable = sum(math.prod(v.shape) for v in model.trainable_variables)
    versions = ", ".join(f"{k} {v}" for k, v in engine.versions().items())
    lines = [
        f"{config['model']}: {model.count_params():,} parameters "
        f"({trainable:,} trainable), tasks {', '.join(model.tasks)}",
        f"{versions}; devices {', '.join(engine.devices())}",
        f"{config['epochs']} epochs of {steps or 'unknown'} steps of "
        f"{config['batch_size']}, XLA {'on' if model.jit_compile else 'off'}, "
        f"seed {config['seed']}",
    ]
    if first_epoch:
        lines.append(f"resumes after epoch {first_epoch}")
    return lines


def _evaluate(model, datasets, config, seconds, command) -> Report:
    split = next((s for s in ("test", "validation") if datasets.get(s)), None)
    metrics = {}
    if split is not None:
        metrics = model.evaluate(datasets[split], verbose=0, return_dict=True)
    return Report(
        model=config["model"],
        data=config.get("data"),
        seed=config["seed"],
        split=split or "none",
        metrics={key: float(value) for key, value in metrics.items()},
        epochs=config["epochs"],
        seconds=round(seconds, 1),
        num_parameters=model.count_params(),
        versions=engine.versions(),
        command=command,
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
