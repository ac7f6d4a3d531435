"""Times training fed by an entry's pipeline beside the same batches in memory.

The ratio says what reading, preprocessing and augmentation cost: 1 where they
are done while the last step trains. An epoch is the recipe's, or its first
steps: the time that the start of an epoch takes counts.
"""

import re
import time

import numpy as np

import zoo
from mtl_keras.messages import listed

# Steps an epoch, where the recipe's have more.
_MOST_STEPS = 100
# Rounds are short where epochs are; the median needs several.
_FEWEST_ROUNDS, _MOST_ROUNDS = 3, 15
_SECONDS = 20.0


def run(values) -> list[dict]:
    """Prints a line for each model.

    Args:
        values: Parsed flags; `steps` is the most steps an epoch, 100 where it
            is not given, and `models` names models with a recipe.

    Returns:
        List of dicts of figures.

    Raises:
        ValueError: If a model is unknown, or its data are too few for one
            batch.
    """
    names = values.models or zoo.list_models()
    recipes = {name: zoo.recipe(name) for name in names}
    most = values.steps if values["steps"].present else _MOST_STEPS
    print(
        f"{_FEWEST_ROUNDS} to {_MOST_ROUNDS} rounds of three epochs of at most "
        f"{most} steps, without XLA; the third epoch counts"
    )
    print(
        f"{'model':<20}{'steps':>6}{'memory':>12}{'pipeline':>12}{'ratio':>8}"
    )
    results = []
    for name, path in recipes.items():
        result = {"model": name, **measure(path, most, values.data_dir)}
        results.append(result)
        print(
            f"{name:<20}{result['steps']:>6}{result['memory_ms']:>9.1f} ms"
            f"{result['pipeline_ms']:>9.1f} ms{result['ratio']:>8.3f}",
            flush=True,
        )
    return results


def measure(recipe, steps: int, data_dir: str | None = None) -> dict:
    """Times both ways of feeding a recipe's training.

    Args:
        recipe: Path of the recipe.
        steps: Integer, the most steps an epoch.
        data_dir: Folder of prepared data sets.

    Returns:
        Dict of `"steps"`, `"rounds"`, `"memory_ms"` and `"pipeline_ms"`, a
        step's median milliseconds, and `"ratio"`, the median over the rounds.

    Raises:
        ValueError: If the data are too few for one batch.
    """
    from mtl_keras import data
    from mtl_keras.training.recipe import compile_model
    from mtl_keras.training.stages import read as stages_of
    from zoo import preparation, recipe_file

    config = recipe_file.read(recipe, [])
    _shorten(config, steps, data_dir)
    model, datasets = preparation.prepare(config, data_dir)
    make_epoch = datasets["train"]
    one = make_epoch(0)
    count = int(one.cardinality())
    if count < 1:
        raise ValueError(
            f"Expected at least one batch of {config.batch_size} examples for "
            f"training. Received: {listed(datasets)} of {config.model!r} with "
            f"{count}"
        )
    memory = one.cache()
    for _ in memory:
        # Fills the cache.
        pass
    # As `loss_weights`, the model takes a dict, not a ConfigDict.
    compile_model(model, config.to_dict(), count, stages_of(config)[0])
    seconds = {"memory": [], "pipeline": []}
    for number in range(_MOST_ROUNDS):
        first = 3 * number
        for name, batches in (
            # One more epoch than is trained: its start belongs to training.
            ("memory", memory.repeat(4)),
            ("pipeline", data.epochs(make_epoch, first, first + 4)),
        ):
            timer = _Timer()
            model.fit(
                batches,
                epochs=3,
                steps_per_epoch=count,
                verbose=0,
                callbacks=[timer.callback],
            )
            seconds[name].append(timer.last)
        is_long = sum(seconds["memory"]) >= _SECONDS
        if is_long and number + 1 >= _FEWEST_ROUNDS:
            break
    arrays = {name: np.array(values) for name, values in seconds.items()}
    return {
        "steps": count,
        "rounds": len(arrays["memory"]),
        **{
            f"{name}_ms": float(1000 * np.median(values) / count)
            for name, values in arrays.items()
        },
        "ratio": float(np.median(arrays["pipeline"] / arrays["memory"])),
    }


def _shorten(config, steps, data_dir) -> None:
    """Lets a recipe train on the first examples of its training split."""
    from zoo import preparation

    split = (config.get("splits") or {}).get("train", "train")
    source = preparation.open_source(config, data_dir)
    size = min(steps * config.batch_size, source.num_examples(split))
    # The first examples of `train[:5000]` are those of `train`.
    if whole := re.fullmatch(r"(\w+)(\[:\d+%?\])?", split):
        with config.unlocked(), config.ignore_type():
            config.splits = {"train": f"{whole[1]}[:{size}]"}


class _Timer:
    """Seconds of the last epoch.

    The first one traces and fills the cache, and from the second one on the
    next epochs are started ahead.
    """

    def __init__(self):
        import keras

        self._start = self.last = None
        self.callback = keras.callbacks.LambdaCallback(
            on_epoch_begin=self._begin, on_epoch_end=self._end
        )

    def _begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def _end(self, epoch, logs=None):
        self.last = time.perf_counter() - self._start
