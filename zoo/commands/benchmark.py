"""Times steps beside plain Keras: `python -m tools.benchmark step`."""

import json
import pathlib

from absl import flags

from mtl_keras.suggest import unknown
from zoo.commands import SUMMARIES, app

_KINDS = ("step",)


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_integer(
        "steps",
        200,
        "Steps of each model that are timed.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "num_tasks", 3, "Tasks.", lower_bound=1, flag_values=values
    )
    flags.DEFINE_integer(
        "batch_size", 64, "Images a batch.", lower_bound=1, flag_values=values
    )
    flags.DEFINE_list(
        "xla",
        ["off", "on"],
        "Whether steps are compiled by XLA: off, on, or both.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output", None, "JSON file for the figures.", flag_values=values
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Prints the times."""
    kinds = operands or ["step"]
    for kind in kinds:
        if kind not in _KINDS:
            raise ValueError(unknown("benchmark", kind, _KINDS))
    for setting in values.xla:
        if setting not in ("off", "on"):
            raise ValueError(
                unknown("setting of --xla", setting, ("off", "on"))
            )

    from mtl_keras import benchmarking, engine

    versions = ", ".join(f"{k} {v}" for k, v in engine.versions().items())
    print(f"{versions}; devices {', '.join(engine.devices())}")
    print(
        f"7-layer CNN at 32x32x3, batch {values.batch_size}, "
        f"{values.num_tasks} tasks, {values.steps} interleaved steps"
    )
    print(
        f"{'XLA':<5}{'keras.Model':>14}{'MultiTaskModel':>16}{'ratio':>8}  95%"
    )
    results = []
    for setting in values.xla:
        times = benchmarking.compare_steps(
            num_tasks=values.num_tasks,
            batch_size=values.batch_size,
            steps=values.steps,
            jit_compile=setting == "on",
        )
        result = {"xla": setting, **times.summary()}
        results.append(result)
        low, high = result["interval"]
        print(
            f"{setting:<5}{result['plain_ms']:>11.1f} ms"
            f"{result['ours_ms']:>13.1f} ms{result['ratio']:>8.3f}"
            f"  {low:.3f} to {high:.3f}",
            flush=True,
        )
    if values.output:
        path = pathlib.Path(values.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=2) + "\n")


_COMMAND = app.Command(
    name="benchmark",
    summary=SUMMARIES["benchmark"],
    usage="step [--steps=N] [--num_tasks=N] [--xla=off,on] [--output=FILE]",
    define=define,
    run=run,
    operands="files",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
