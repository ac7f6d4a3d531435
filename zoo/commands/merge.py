"""Fine-tunes, merges and compares: `python -m tools.merge`."""

import copy
import json
from pathlib import Path

from absl import flags

from mtl_keras import files
from mtl_keras.messages import listed
from zoo.commands import SUMMARIES, app, train


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    train.define(values)
    flags.DEFINE_string(
        "start",
        None,
        "Weights to start from, as of --config.weights: a name on the card or "
        "a file. Without it, fresh weights of each seed.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seeds",
        3,
        "Comparisons, with the seeds 0, 1, ...",
        lower_bound=1,
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Trains, merges, and prints a table."""
    config = train.read_config(values, operands)
    if values.start is not None:
        with config.unlocked(), config.ignore_type():
            config.weights = values.start
    # Imports a backend.
    from zoo import merging, registry

    tasks = sorted(registry.find(config.model).entry.kinds)
    if len(tasks) < 2:
        raise ValueError(
            "Merging needs a model of at least two tasks. Received: "
            f"{config.model!r} with {listed(tasks)}"
        )
    folder = Path(values.workdir)
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in range(values.seeds):
        path = folder / f"seed_{seed}.json"
        with_seed = copy.deepcopy(config)
        with_seed.seed = seed
        facts = json.loads(json.dumps(with_seed.to_dict(), default=list))
        result = _finished(path, facts)
        if result is None:
            result = merging.measured(with_seed, values.data_dir)
            text = json.dumps({"config": facts, "result": result}, indent=2)
            files.write_text(path, text + "\n")
        results.append(result)
    text = "\n".join(merging.lines(results)) + "\n"
    files.write_text(folder / "table.md", text)
    print(text, end="")
    print(folder / "table.md")


def _finished(path, facts) -> dict | None:
    if not path.is_file():
        return None
    content = files.read_json_object(path)
    if content.get("config") != facts:
        raise ValueError(
            f"{str(path)!r} is the result of another recipe. Choose another "
            "--workdir."
        )
    return content["result"]


_COMMAND = app.Command(
    name="merge",
    summary=SUMMARIES["merge"],
    usage=(
        "--model=NAME --workdir=FOLDER [--start=WEIGHTS] [--seeds=3] "
        "[--config.FIELD=VALUE ...]"
    ),
    define=define,
    run=run,
    operands="config",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
