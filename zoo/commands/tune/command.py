"""Searches for a better recipe: `python -m tools.tune --model cls_det_box`."""

import json
import shlex
import sys
from pathlib import Path

from absl import flags

import zoo
from mtl_keras import files
from mtl_keras.messages import unknown
from mtl_keras.tuning import roles
from zoo.commands import SUMMARIES, app, train
from zoo.commands.tune import results, team, trial

_TUNERS = ("random", "hyperband", "bayesian")
_SPACES = ("small", "full")
_SEARCH = "search.json"
_STATE = "oracle.json"
_DIRECTIONS = ("higher_is_better", "lower_is_better")


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    train.define(values)
    flags.DEFINE_string(
        "tuner",
        "random",
        "How points are chosen: 'random', 'hyperband' (many for few epochs, "
        "the best of them for more) or 'bayesian'. The first is always the "
        "recipe itself.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "max_trials",
        20,
        "Trials after which the search ends; a larger number resumes it.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "objective",
        "gain",
        "What shall be best on the validation split: 'gain', the mean gain "
        "over a model for each task alone, which are trained first; or a "
        "task's metric, such as 'cls_accuracy'.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "space",
        "small",
        "What is searched: 'small', few dimensions around the recipe, or "
        "'full', all of them.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "workers",
        None,
        "Processes that train at the same time on this machine, beside a chief "
        "that assigns the trials. Without it this process does all.",
        lower_bound=1,
        flag_values=values,
    )
    for name, text in zip(_DIRECTIONS, ("higher", "lower"), strict=True):
        flags.DEFINE_list(
            name,
            [],
            f"Names of metrics of your own of which a {text} value is better.",
            flag_values=values,
        )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Searches, and writes the table, the plots and the best recipe."""
    config, search = _read(values, operands)
    workdir = Path(values.workdir)
    if values.workers is not None:
        argv = _arguments(values, operands, spared=("workers",))
        team.run(argv, values.workers, workdir)
        return
    app.import_backend()

    from mtl_keras.tuning import objective, oracles, tuner
    from zoo import preparation

    hypermodel = zoo.hypermodel(
        config.model,
        values.space,
        objective=values.objective,
        config=config,
        data_dir=values.data_dir,
        higher=values.higher_is_better,
        lower=values.lower_is_better,
    )
    role = roles.role()
    oracle = _oracle(hypermodel, values, oracles)
    references = _References(hypermodel, values, search)
    runner = trial.Runner(
        hypermodel, workdir, values.data_dir, references, _tell
    )
    if role == roles.WORKER:
        tuner.Tuner(oracle, runner, workdir).search()
        return
    hypermodel.check()
    # Prepares the data where that is not done: two workers must not at once.
    preparation.make_datasets(config, values.data_dir)["train"](0)
    # Not before: a search that could not start must not claim the folder.
    _write_search(workdir, search)
    if hypermodel.sought.is_gain:
        # Raises before a trial is trained for nothing.
        objective.defined(hypermodel.sought.counted, references())
    oracle.keep_in(workdir / _STATE, max_trials=values.max_trials)
    oracle.on_end = _Progress(oracle, hypermodel.sought, values)
    if oracle.end_order:
        _tell(f"Resumes after {len(oracle.end_order)} trials.")
    if role == roles.CHIEF:
        _tell(f"Gives trials to workers at {roles.address()}.")
    tuner.Tuner(oracle, runner, workdir).search()
    _finish(oracle, hypermodel, references, values, operands)


def _read(values, operands) -> tuple:
    """Reads all that can be wrong before a backend is imported."""
    from mtl_keras.tuning import objective

    for name, options in (("tuner", _TUNERS), ("space", _SPACES)):
        value = values[name].value
        if value not in options:
            raise ValueError(unknown(name, value, options, f"--{name}={value}"))
    objective.refuse_sum(values.objective)
    if values.workers is not None and roles.role() != roles.ALONE:
        raise ValueError(
            "--workers starts a chief and its workers itself. Received: "
            f"--workers={values.workers} with {', '.join(roles.VARIABLES)} "
            "set, which make this process one of them. Leave out either."
        )
    roles.role()
    config = train.read_config(values, operands)
    search = {
        "model": config.model,
        "tuner": values.tuner,
        "space": values.space,
        "objective": values.objective,
        **{name: sorted(values[name].value) for name in _DIRECTIONS},
        "config": config.to_dict(),
    }
    search = json.loads(json.dumps(search))
    _check_workdir(Path(values.workdir), search)
    return config, search


def _check_workdir(workdir, search) -> None:
    """Refuses a folder that holds something else."""
    if workdir.exists() and not workdir.is_dir():
        raise ValueError(
            f"The workdir must be a folder. Received: {str(workdir)!r}, which "
            "is a file."
        )
    if (workdir / "config.json").exists():
        raise ValueError(
            f"The workdir {str(workdir)!r} holds a training, and a search has "
            f"a folder of its own. Received: --workdir={workdir}"
        )
    path = workdir / _SEARCH
    if not path.exists():
        if (workdir / _STATE).exists():
            raise ValueError(
                f"The workdir {str(workdir)!r} holds a search without a "
                f"{_SEARCH}. Choose another workdir or delete it."
            )
        return
    try:
        stored = _flat(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} is damaged: {error}. Choose another workdir or "
            "delete it."
        ) from error
    expected = _flat(search)
    different = sorted(
        key
        for key in stored.keys() | expected.keys()
        if stored.get(key) != expected.get(key)
    )
    if different:
        changes = "; ".join(
            f"{key}: {stored.get(key)!r} there, {expected.get(key)!r} now"
            for key in different
        )
        raise ValueError(
            f"The workdir {str(workdir)!r} holds another search. It differs in "
            f"{changes}. Choose another workdir, or delete that one to start "
            "again."
        )


def _flat(content: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _write_search(workdir, search) -> None:
    text = json.dumps(search, indent=2, sort_keys=True) + "\n"
    files.write_text(workdir / _SEARCH, text)


def _oracle(hypermodel, values, oracles):
    import keras_tuner

    space = keras_tuner.HyperParameters()
    hypermodel.declare_hyperparameters(space)
    return oracles.make(
        values.tuner,
        space,
        hypermodel.sought,
        max_trials=values.max_trials,
        epochs=hypermodel.recipe.epochs,
        seed=hypermodel.recipe.seed,
    )


class _References:
    """The single-task metrics: measured by the chief, read by its workers."""

    def __init__(self, hypermodel, values, search):
        self._hypermodel, self._values = hypermodel, values
        self._search, self._metrics = search, None

    def __call__(self) -> dict:
        from zoo import single_tasks

        if self._metrics is None:
            # A worker may have come before its chief wrote what is searched.
            _check_workdir(Path(self._values.workdir), self._search)
            self._metrics = single_tasks.measure(
                self._hypermodel.recipe,
                self._hypermodel.sought,
                self._values.workdir,
                self._values.data_dir,
                _tell,
            )
        return self._metrics


class _Progress:
    """Prints how each trial has ended."""

    def __init__(self, oracle, sought, values):
        self._oracle, self._sought, self._values = oracle, sought, values
        # A chief's own is put aside while it listens to KerasTuner.
        self._output = sys.stdout

    def __call__(self, ended) -> None:
        target = trial.folder(self._values.workdir, ended.trial_id)
        result = trial.result(target) or {}
        place = f"[{len(self._oracle.end_order)}/{self._values.max_trials}]"
        number = int(ended.trial_id)
        if "error" in result:
            text = f"{place} trial {number} failed: {result['error']}"
            print(text, file=self._output, flush=True)
            return
        best = self._oracle.get_best_trials()[0]
        unit = " %" if self._sought.is_gain else ""
        print(
            f"{place} trial {number}: {self._sought.name} "
            f"{result['objective']:.4f}{unit}, {result['seconds']:.0f} s; best "
            f"{best.score:.4f}{unit}, trial {int(best.trial_id)}",
            file=self._output,
            flush=True,
        )


def _finish(oracle, hypermodel, references, values, operands) -> None:
    """Writes and prints the results."""
    workdir = Path(values.workdir)
    sought = hypermodel.sought
    table = results.gather(
        oracle,
        hypermodel,
        {
            "space": values.space,
            "tuner": values.tuner,
            "command": command(values, operands),
            "workdir": workdir,
        },
        references() if sought.is_gain else {},
    )
    written = results.write(table, hypermodel, oracle, workdir)
    _tell((workdir / "table.md").read_text(encoding="utf-8"))
    for path in written:
        _tell(str(path))
    if oracle.has_failed():
        errors = [row for row in table["rows"] if row["error"] is not None]
        raise ValueError(
            f"The search has ended: {len(errors)} trials failed, the last ones "
            f"in a row. Trial {errors[-1]['trial']}: {errors[-1]['error']} The "
            "same command tries the last ones again."
        )
    if table["best"] is None:
        raise ValueError(
            "No trial was trained to the end, so there is no best recipe. "
            "Received: "
            f"--max_trials={values.max_trials} --tuner={values.tuner}"
        )


def command(values: flags.FlagValues, operands: list[str]) -> str:
    """Writes the command that does the same again."""
    return shlex.join(
        ["python", "-m", "tools.tune", *_arguments(values, operands)]
    )


def _arguments(values, operands, spared=()) -> list[str]:
    names = ("model", "config", "data", "workdir", "data_dir", "tuner")
    names += (
        "layout",
        "columns",
        "max_trials",
        "objective",
        "space",
        "workers",
        *_DIRECTIONS,
    )
    flags_of_tool = []
    for name in names:
        value = values[name].value
        if value in (None, []) or name in spared:
            continue
        text = ",".join(value) if isinstance(value, list) else value
        flags_of_tool.append(f"--{name}={text}")
    return [*flags_of_tool, *operands]


def _tell(text: str) -> None:
    print(text, flush=True)


_COMMAND = app.Command(
    name="tune",
    summary=SUMMARIES["tune"],
    usage="--model=NAME --workdir=FOLDER [--tuner=NAME] [--max_trials=N] "
    "[--objective=gain|METRIC] [--space=small|full] [--workers=N] "
    "[--config.FIELD=VALUE ...]",
    define=define,
    run=run,
    operands="config",
    needs_backend=False,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
