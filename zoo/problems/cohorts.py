"""Real data: the risk of death in four cohorts with inputs of their own.

The four tasks of the entry `survival_cohorts`, on DeepSurv's divisions (Katzman
et al., 2018). An adapter of each cohort maps its columns into one space, behind
which the architecture shares a trunk of two dense stages; the units give each
model the parameters of the others to within 5%, and the largest of the four
models of one cohort as many. All are trained by one recipe: Adam, 20 epochs of
all cohorts, batches of 512, no choice of epoch; a model of one cohort takes the
same batches and learns from its own patients in them. Values are the
C-index on the test split. `cagrad` balances at the parameters: no tensor is
read by two cohorts.

With `mtan` and equal weights three cohorts are at or above the models of one
cohort; WHAS is 0.003 below, within a standard deviation. Of its test patients
70% are in the training part too: it measures what is memorised, which a model
of its own may do better. `cross_stitch` gains 0.005 on SUPPORT
and 0.004 on GBSG, is level on METABRIC, and loses 0.003 on WHAS. Sharing helps
SUPPORT with every architecture (0.000 to 0.006), and GBSG with all but `nddr`
(0.000 to 0.007). `cagrad` is level with equal weights, except for `nddr`, which
it lowers by 0.013 on GBSG. Seeds differ by up to 0.007.

`python -m tools.train --model=survival_cohorts` prepares the data.
"""

import keras
import numpy as np

import zoo
from mtl_keras import balancing
from zoo.problems import models

DECIMALS = 4
_ENTRY = "survival_cohorts"
_TASKS = ("metabric", "support", "gbsg", "whas")
_BATCH_SIZE = 512
_EPOCHS = 20
# The units of the common space and of both stages of the trunk.
WIDTHS = {
    "single task": 124,
    "hard": 76,
    "low_rank": 72,
    "mmoe": 54,
    "cgc": 52,
    "ple": 52,
    "cross_stitch": 54,
    "sluice": 56,
    "nddr": 30,
    "mtan": 38,
    "dselect_k": 56,
    "branching": 56,
}
# The temperature reaches its lowest before the end of this training.
_SHARINGS = {"branching": {"name": "branching", "decay": 0.98}}


def run(seed: int) -> dict:
    """Trains every architecture with equal weights and with cagrad."""
    train, test = read("train"), read("test")
    rows = {}
    for name in WIDTHS:
        methods = ("equal",) if name == "single task" else ("equal", "cagrad")
        for method in methods:
            concordances, size = trained(name, method, train, test, seed)
            row = name if name == "single task" else f"{name}, {method}"
            rows[row] = {"parameters": size, **concordances}
            keras.utils.clear_session()
    return rows


def read(split: str) -> tuple[dict, dict]:
    """Reads the examples of a split.

    Returns:
        Pair of dicts of float32 arrays: a cohort's input, and its label,
        which is missing for the patients of other cohorts.
    """
    batches = list(
        zoo.dataset(_ENTRY, split, training=False).as_numpy_iterator()
    )
    return tuple(
        {
            name: np.concatenate([batch[place][name] for batch in batches])
            for name in batches[0][place]
        }
        for place in (0, 1)
    )


def trained(name, method, train, test, seed) -> tuple[dict, int]:
    """Trains one model, or one a cohort, and measures it.

    Returns:
        Tuple of a dict, task name to C-index, and the number of parameters of
        a model, of the largest where there is one a cohort.
    """
    single = name == "single task"
    concordances, sizes = {}, []
    for tasks in [(task,) for task in _TASKS] if single else [_TASKS]:
        model = build(name, tasks, seed)
        sizes.append(model.count_params())
        names = [tensor.name for tensor in model.inputs]
        # A model of one task takes the steps of all tasks: the same patients
        # of its cohort are in each batch.
        models.train(
            model,
            {key: train[0][key] for key in names},
            {task: train[1][task] for task in tasks},
            steps=_EPOCHS * len(train[1][tasks[0]]) // _BATCH_SIZE,
            batch_size=_BATCH_SIZE,
            loss_weights=_weights(method),
            seed=seed,
            jit_compile=False,
        )
        model.compile(metrics={task: ["c_index"] for task in tasks})
        metrics = model.evaluate(
            {key: test[0][key] for key in names},
            {task: test[1][task] for task in tasks},
            batch_size=_BATCH_SIZE,
            return_dict=True,
            verbose=0,
        )
        concordances |= {task: metrics[f"{task}_c_index"] for task in tasks}
    return concordances, max(sizes)


def build(name: str, tasks, seed: int = 0):
    """Builds the model of an architecture.

    Args:
        name: String, a key of `WIDTHS`.
        tasks: Tuple of names.
        seed: Integer.

    Returns:
        `MultiTaskModel`.
    """
    keras.utils.set_random_seed(seed)
    sharing = "hard" if name == "single task" else name
    return zoo.load(
        _ENTRY,
        tasks=tasks,
        units=WIDTHS[name],
        depth=2,
        sharing=_SHARINGS.get(sharing, sharing),
    )


def _weights(method):
    # No tensor is read by two cohorts, so that there are no common features.
    return None if method == "equal" else balancing.get(method, on="parameters")
