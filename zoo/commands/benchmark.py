"""Measures steps, exports, data ...: `python -m tools.benchmark step`."""

import dataclasses
import itertools
import json
import pathlib

from absl import flags

from mtl_keras.messages import listed, unknown
from zoo.commands import (
    SUMMARIES,
    app,
    data_benchmark,
    serving_benchmark,
    sharing_benchmark,
)

_KINDS = (
    "step",
    "memory",
    "group",
    "serving",
    "sharing",
    "sharing_step",
    "data",
)
# Those of mtl_keras.profiling.network, which imports a backend; a test
# compares them.
TRUNKS = ("cnn", "resnet50")
DTYPES = ("float32", "bfloat16")


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    serving_benchmark.define(values)
    sharing_benchmark.define(values)
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
    flags.DEFINE_enum(
        "trunk",
        "cnn",
        TRUNKS,
        "7 convolutions at 32x32, or a ResNet-50 at 224x224.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "dtype",
        "float32",
        DTYPES,
        "What the trunk computes in.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "xla",
        ["off", "on"],
        "Whether steps are compiled by XLA: off, on, or both.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "balancer",
        ["equal"],
        "Balancer of the multi-task model; several are timed in turn.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "on",
        None,
        "Its level: features, last_shared or parameters; else its default.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "update_every",
        1,
        "Steps between exact ones; the ratio of the means is printed then.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "torchjd",
        False,
        "Also times TorchJD on the same network, where it is installed.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Of data: folder of prepared data sets.",
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
    for name, example in (("balancer", "cagrad"), ("xla", "off")):
        if not values[name].value:
            raise ValueError(
                f"Expected --{name} to name something, such as "
                f"--{name}={example}. Received: nothing"
            )
    if values.output and pathlib.Path(values.output).is_dir():
        raise ValueError(
            f"--output must be a file. Received: the folder {values.output!r}"
        )
    for setting in values.xla:
        if setting not in ("off", "on"):
            raise ValueError(
                unknown("setting of --xla", setting, ("off", "on"))
            )

    from mtl_keras import engine

    measure = {
        "step": _times,
        "memory": _memory,
        "group": _group,
        "serving": serving_benchmark.run,
        "sharing": sharing_benchmark.run,
        "sharing_step": sharing_benchmark.run_steps,
        "data": data_benchmark.run,
    }
    _check_peer(values)
    versions = ", ".join(f"{k} {v}" for k, v in engine.versions().items())
    print(f"{versions}; devices {', '.join(engine.devices())}")
    results = [result for kind in kinds for result in measure[kind](values)]
    if values.output:
        path = pathlib.Path(values.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=2) + "\n")


def _network(values):
    from mtl_keras.profiling.network import Network

    return Network(
        num_tasks=values.num_tasks,
        batch_size=values.batch_size,
        trunk=values.trunk,
        dtype=values.dtype,
    )


def _times(values) -> list[dict]:
    """Times steps; prints and returns what was found."""
    from mtl_keras.profiling import step

    network = _network(values)
    print(
        f"{network.title}, batch {network.batch_size}, {network.num_tasks} "
        f"tasks, {values.steps} interleaved steps, balancer {_title(values)}"
    )
    print(f"{'':<20}{'plain step':>14}{'balanced':>16}{'ratio':>8}  95%")
    results = []
    if values.torchjd:
        from mtl_keras.profiling import torchjd

        for name in values.balancer:
            take = torchjd.step_functions(network, name)
            times = step.StepTimes(*step.interleaved(take, values.steps))
            results.append({"framework": "torchjd", "balancer": name})
            _show(f"TorchJD {name}", times, results[-1], values)
    for setting in values.xla:
        seconds = step.compare_steps(
            network,
            {n: _balancer(n, values) for n in values.balancer},
            steps=values.steps,
            jit_compile=setting == "on",
        )
        for name, times in seconds.items():
            results.append(
                {"framework": "keras", "xla": setting, "balancer": name}
            )
            _show(f"XLA {setting} {name}", times, results[-1], values)
    return results


def _memory(values) -> list[dict]:
    """Measures steps' peak memory; prints and returns what was found."""
    from mtl_keras.profiling import memory

    network = _network(values)
    print(
        f"peak memory of a step, {network.title}, batch {network.batch_size}, "
        f"{network.num_tasks} tasks, balancer {_title(values)}; gradients: "
        "tasks times shared variables"
    )
    print(f"{'':<20}{'plain':>12}{'gradients':>12}{'balanced':>12}  over both")
    results = []
    for setting, name in itertools.product(values.xla, values.balancer):
        peaks = memory.compare_memory(
            network, name, _options(values), jit_compile=setting == "on"
        )
        sizes = [peaks.plain, peaks.jacobian, peaks.ours]
        text = "".join(f"{size / 1e6:>9.0f} MB" for size in sizes)
        title = f"XLA {setting} {name}"
        print(f"{title:<20}{text}{peaks.ratio:>11.3f}", flush=True)
        results.append(
            {"measured": "memory", "xla": setting, "balancer": name}
            | dataclasses.asdict(peaks)
            | {"ratio": peaks.ratio}
        )
    return results


def _group(values) -> list[dict]:
    """Measures a group of tasks; prints and returns what was found."""
    from mtl_keras.profiling import group

    network = group.GroupNetwork(**dataclasses.asdict(_network(values)))
    print(
        f"a group of {network.num_tasks} tasks beside one loss for all "
        f"columns, {network.title}, batch {network.batch_size}, "
        f"{values.steps} interleaved steps, balancer {_title(values)}"
    )
    print(
        f"{'':<24}{'first':>9}{'plain':>12}{'balanced':>12}{'ratio':>8}  "
        f"{'95%':<18}{'CPU':>6}  more memory"
    )
    results = []
    for setting, name, monitor in itertools.product(
        values.xla, values.balancer, (False, True)
    ):
        measured = group.measure(
            network,
            name,
            _options(values) | {"monitor": monitor},
            steps=values.steps,
            jit_compile=setting == "on",
        ).summary()
        low, high = measured["interval"]
        more = measured["memory_bytes"] - measured["plain_memory_bytes"]
        ratio = measured["ratio" if values.update_every == 1 else "mean_ratio"]
        title = f"XLA {setting} {name}{' monitor' if monitor else ''}"
        print(
            f"{title:<24}{measured['first_step_s']:>7.1f} s"
            f"{measured['plain_ms']:>9.1f} ms{measured['ours_ms']:>9.1f} ms"
            f"{ratio:>8.3f}  {f'{low:.3f} to {high:.3f}':<18}"
            f"{measured['processor_ratio']:>6.3f}{more / 1e6:>10.0f} MB",
            flush=True,
        )
        results.append(
            {
                "measured": "group",
                "num_tasks": network.num_tasks,
                "xla": setting,
                "balancer": name,
                "monitor": monitor,
                **measured,
            }
        )
    return results


def _show(name, times, result, values):
    result.update(times.summary())
    low, high = result["interval"]
    spread = f"{low:.3f} to {high:.3f}"
    ratio = result["ratio"]
    if values.update_every > 1:
        ratio, spread = result["mean_ratio"], "ratio of the means"
    print(
        f"{name:<20}{result['plain_ms']:>11.1f} ms"
        f"{result['ours_ms']:>13.1f} ms{ratio:>8.3f}  {spread}",
        flush=True,
    )


def _title(values):
    given = [f"on={values.on}"] if values.on else []
    if values.update_every > 1:
        given.append(f"update_every={values.update_every}")
    return f"{','.join(values.balancer)}({', '.join(given)})"


def _balancer(name, values):
    """Makes a new balancer: each model needs one of its own."""
    from mtl_keras import balancing

    return balancing.get(name, **_options(values))


def _options(values) -> dict:
    options = {"on": values.on} if values.on else {}
    if values.update_every > 1:
        options["update_every"] = values.update_every
    return options


def _check_peer(values):
    for name in values.balancer:
        _balancer(name, values)
    if not values.torchjd:
        return
    from mtl_keras.profiling import torchjd as peer

    for name in values.balancer:
        if name not in peer.AGGREGATORS:
            raise ValueError(
                unknown("balancer of --torchjd", name, peer.AGGREGATORS)
            )
    missing = peer.missing(_network(values))
    if missing:
        raise ValueError(
            f"--torchjd needs the packages {listed(missing)}. Received: an "
            "environment without. Install them, or leave --torchjd out."
        )


_COMMAND = app.Command(
    name="benchmark",
    summary=SUMMARIES["benchmark"],
    usage="step|memory|group|serving|sharing|sharing_step|data [--steps=N] "
    "[--num_tasks=N] [--trunk=NAME] [--dtype=TYPE] [--xla=off,on] "
    "[--balancer=NAME,NAME] [--on=LEVEL] [--torchjd] [--output=FILE]",
    define=define,
    run=run,
    operands="files",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
