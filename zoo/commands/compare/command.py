"""Compares balancers and architectures: `python -m tools.compare`."""

import contextlib
import dataclasses
import itertools
import json
import os
import shlex
from pathlib import Path

from absl import flags

from mtl_keras import files
from mtl_keras.messages import listed
from zoo import references
from zoo.commands import SUMMARIES, app, train
from zoo.commands.compare import architectures, runs
from zoo.commands.compare import names as balancers

# Learning rates that --tune_lr tries, times the recipe's.
_FACTORS = (1 / 3, 1.0, 3.0)
_STL = "STL"


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    train.define(values)
    flags.DEFINE_list(
        "balancers",
        None,
        "Names of balancers; 'recipe' for the recipe's own loss_weights, "
        "'all' for every one. 'equal' and single-task models are always "
        "compared.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "references",
        [],
        "Classical models beside those of a table: "
        f"{','.join(references.REFERENCES)}.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "sharing",
        [],
        "Names of architectures, such as hard,mmoe: each is compared with "
        "each balancer. Defaults to the recipe's own alone.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seeds",
        3,
        "Trainings of each, with the seeds 0, 1, ...",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "tune_lr",
        False,
        "Chooses each one's learning rate on the validation split among a "
        "third, once and three times the recipe's, with seed 0.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "on",
        None,
        "Level at which methods that read gradients compare them, such as "
        "'features'. Defaults to each paper's.",
        flag_values=values,
    )
    for name, text in (("higher", "higher"), ("lower", "lower")):
        flags.DEFINE_list(
            f"{name}_is_better",
            [],
            f"Names of metrics of your own of which a {text} value is better.",
            flag_values=values,
        )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Trains, measures and writes the table and its plot."""
    with _without_devices():
        app.import_backend()
        plan = _plan(values, operands)
        beside = references.check(values.references, plan.config.model)
    runner = runs.Runner(values, plan.config, plan.counted)
    rates, notes = dict.fromkeys(plan.ways), list(plan.notes)
    if values.tune_lr:
        rates, tuning_notes = _tune(runner, plan)
        notes += tuning_notes
    jobs = [
        way.job(rates.get(name), seed)
        for seed in range(values.seeds)
        for name, way in plan.ways.items()
    ]
    runner.finish(jobs, required=plan.required)
    notes += [
        f"{name} is left out: {message}"
        for name, message in sorted(runner.failed.items())
    ]
    table = _table(plan, runner, rates, notes, values, operands)
    if beside:
        table["notes"] = [*table["notes"], references.note(beside)]
        table["references"] = references.measure(
            beside,
            plan.config.model,
            plan.config.get("data"),
            plan.tasks,
            values.data_dir,
        )
    _write(table, Path(values.workdir))
    if runner.failed:
        raise ValueError(
            f"The table is without {listed(sorted(runner.failed))}. "
            + " ".join(notes[-len(runner.failed) :])
            + " The same command tries again what has failed."
        )


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What is compared.

    Attributes:
        config: `ConfigDict`, the recipe with its overrides.
        tasks: List of strings.
        counted: Dict, log key to `comparison.Measure`.
        ways: Dict, name to `runs.Way`; `STL cls` for one task.
        sizes: Dict, name of a row to its model's `architectures.size`.
        notes: List of strings for the table.
    """

    config: object
    tasks: list
    counted: dict
    ways: dict
    sizes: dict
    notes: list

    @property
    def single(self) -> dict:
        """Name of the way that trains a task alone, by task."""
        return {task: f"{_STL} {task}" for task in self.tasks}

    @property
    def required(self) -> set:
        """The ways without which there is nothing to compare with."""
        return set(self.single.values())


def _plan(values, operands) -> _Plan:
    """Reads all that can be wrong before any data is touched."""
    if values.balancers is None:
        raise ValueError(
            "Expected --balancers, such as "
            "--balancers=equal,uncertainty,cagrad. Received: none"
        )
    from mtl_keras import comparison, training
    from zoo import single_tasks

    config = train.read_config(values, operands)
    names = balancers.resolve(values.balancers, config, operands)
    options = balancers.options(names, values.on, config, operands)
    base = balancers.common(operands)
    sharings = architectures.resolve(values.sharing, operands)
    checked = balancers.check(config, names, options, sharings)
    model = checked.model
    tasks = sorted(model.tasks)
    single_tasks.check_monitor(config, tasks)
    counted = comparison.measures(
        [
            f"{task.name}_{metric.name}"
            for task in model.tasks.values()
            for metric in task.default_metrics()
        ],
        tasks,
        higher=values.higher_is_better,
        lower=values.lower_is_better,
    )
    ways = {f"{_STL} {task}": runs.single(task, base) for task in tasks}
    sizes = {_STL: checked.sizes[_STL]}
    notes = balancers.notes(names, options, values.on)
    for architecture, name in itertools.product(sharings, names):
        row = architectures.way_name(architecture, name)
        if (architecture, name) in checked.refused:
            notes.append(
                f"{row} is left out: {checked.refused[architecture, name]}"
            )
            continue
        ways[row] = runs.balanced(
            name,
            options[name],
            [*base, *architectures.overrides(architecture)],
            is_own=name == balancers.RECIPE,
            way=row,
        )
        sizes[row] = checked.sizes[architecture]
    rates = [None]
    if values.tune_lr:
        rates = _grid(_default_rate(config))
    for way in ways.values():
        for rate in rates:
            for seed in range(values.seeds):
                job = way.job(rate, seed)
                training.check_workdir(
                    job.folder(values.workdir),
                    train.read_config(values, job.overrides),
                )
    return _Plan(config, tasks, counted, ways, sizes, notes)


def _default_rate(config) -> float:
    rate = config.optimizer.get("learning_rate")
    if not isinstance(rate, float | int):
        raise ValueError(
            "--tune_lr changes the recipe's `optimizer.learning_rate`, which "
            f"must be a number. Received: {rate!r}"
        )
    return float(rate)


def _grid(default) -> list:
    """The rates that are tried; `None` for the recipe's own."""
    return [
        None if factor == 1 else float(f"{factor * default:.3g}")
        for factor in _FACTORS
    ]


def _tune(runner, plan) -> tuple[dict, list]:
    """Chooses each way's learning rate on the validation split."""
    from mtl_keras import comparison

    default = _default_rate(plan.config)
    grid = _grid(default)
    runner.finish(
        [way.job(rate, 0) for way in plan.ways.values() for rate in grid],
        required=plan.required,
    )
    reference = {}
    for name in plan.required:
        reference |= runner.validation(plan.ways[name].job(None, 0))
    compared = comparison.comparable(plan.counted, [reference])
    rates, notes = {}, []
    for name, way in plan.ways.items():
        if name in runner.failed:
            continue
        objectives = {}
        for rate in grid:
            reached = runner.validation(way.job(rate, 0))
            counted = {k: m for k, m in compared.items() if k in reached}
            objectives[rate or default] = comparison.delta_libmtl(
                reached, reference, counted
            )
        best = comparison.best_rate(objectives)
        if best is None:
            best = default
            notes.append(
                f"{name}: no learning rate gave validation metrics that can be "
                "compared; the recipe's is used."
            )
        elif best in (min(objectives), max(objectives)):
            notes.append(
                f"{name}: the learning rate {best:g} is at the grid's end."
            )
        rates[name] = None if best == default else best
    tried = ", ".join(f"{rate or default:g}" for rate in grid)
    notes.insert(
        0,
        f"Learning rates were chosen among {tried} by the mean relative gain "
        "(within a task first) of the validation metrics over STL at "
        f"{default:g}, with seed 0; those of STL, for each task alone.",
    )
    return rates, notes


def _table(plan, runner, rates, notes, values, operands) -> dict:
    from mtl_keras import comparison, engine

    seeds = range(values.seeds)

    def results(name):
        way = plan.ways[name]
        return [runner.result(way.job(rates[name], seed)) for seed in seeds]

    singles = zip(*map(results, plan.single.values()), strict=True)
    runs = {_STL: [comparison.together(list(seed)) for seed in singles]}
    for name in plan.ways:
        if name not in plan.required and name not in runner.failed:
            runs[name] = results(name)
    default = plan.config.optimizer.get("learning_rate")
    compared = comparison.comparable(
        plan.counted, (run["metrics"] for run in runs[_STL])
    )
    joint = [key for key in plan.counted if key not in compared]
    if joint:
        notes = [*notes, f"{', '.join(joint)}: {comparison.JOINT}"]
    rows = comparison.rows(runs, plan.counted)
    for row in rows:
        row.update(plan.sizes[row["name"]])
        if row["name"] == _STL:
            row["learning_rate"] = {
                task: rates[name] or default
                for task, name in plan.single.items()
            }
        else:
            row["learning_rate"] = rates[row["name"]] or default
            row["hyperparameters"] = plan.ways[row["name"]].options
    return {
        "model": plan.config.model,
        "data": plan.config.get("data"),
        "split": "test",
        "seeds": list(seeds),
        "tasks": plan.tasks,
        "measures": {
            key: dataclasses.asdict(m) for key, m in plan.counted.items()
        },
        "rows": rows,
        "definitions": comparison.DEFINITIONS,
        "notes": notes,
        "failed": runner.failed,
        "versions": engine.versions(),
        "command": command(values, operands),
    }


def command(values: flags.FlagValues, operands: list[str]) -> str:
    """Writes the command that does the same again."""
    names = ("model", "config", "data", "workdir", "sharing", "balancers")
    names += ("references",)
    names += ("seeds", "on", "higher_is_better", "lower_is_better")
    parts = ["python", "-m", "tools.compare"]
    for name in names:
        value = values[name].value
        if value not in (None, []):
            text = ",".join(value) if isinstance(value, list) else value
            parts.append(f"--{name}={text}")
    if values.tune_lr:
        parts.append("--tune_lr")
    return shlex.join([*parts, *operands])


def _write(table, workdir) -> None:
    from mtl_keras import plots
    from mtl_keras.comparison import table as pages
    from mtl_keras.training import report

    page = pages.markdown(table)
    texts = {
        # JSON has no NaN; an undefined metric is null.
        "table.json": json.dumps(report.plain(table), indent=2) + "\n",
        "table.md": page,
    }
    for name, text in texts.items():
        files.write_text(workdir / name, text)
    plots.comparison(table, workdir / "table.png")
    print(page)
    for name in (*texts, "table.png"):
        print(workdir / name)


@contextlib.contextmanager
def _without_devices():
    """Leaves the accelerators to the runs, which are other processes."""
    name = "CUDA_VISIBLE_DEVICES"
    devices = os.environ.get(name)
    os.environ[name] = "-1"
    try:
        yield
    finally:
        del os.environ[name]
        if devices is not None:
            os.environ[name] = devices


_COMMAND = app.Command(
    name="compare",
    summary=SUMMARIES["compare"],
    usage="--model=NAME --balancers=NAME,NAME --workdir=FOLDER "
    "[--sharing=NAME,NAME] [--seeds=N] [--tune_lr] [--on=LEVEL] "
    "[--config.FIELD=VALUE ...]",
    define=define,
    run=run,
    operands="config",
    needs_backend=False,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
