"""Stores the states of a model's random generators in `.keras` files.

Keras 3.15 stores weights only: after a reload each Dropout starts again from
its seed, so training resumes differently than without the reload.
"""

import json
import pathlib

import numpy as np
from keras import ops

_FILE = "random_state.json"


def save(model, folder) -> None:
    """Writes the states into the folder of the model's assets.

    Args:
        model: Built `MultiTaskModel`.
        folder: String or path.
    """
    states = [
        ops.convert_to_numpy(variable.value).tolist()
        for variable in _states(model)
    ]
    if states:
        text = json.dumps({"states": states})
        (pathlib.Path(folder) / _FILE).write_text(text)


def load(model, folder) -> None:
    """Restores the states that `save` wrote, if the file has any.

    Args:
        model: `MultiTaskModel` of the same structure.
        folder: String or path, or `None` where the model has no assets.
    """
    if folder is None or not (path := pathlib.Path(folder) / _FILE).exists():
        return
    states = json.loads(path.read_text())["states"]
    # By position: a generator's name counts those made before it. The last is
    # that of `shared_dropout`, which does not exist before `compile`.
    for variable, state in zip(_states(model), states, strict=False):
        variable.assign(np.array(state, dtype="int64").astype(variable.dtype))


def _states(model) -> list:
    # A balancer stores its own, generators included.
    others = [*model.weights, *model.metrics_variables]
    others += getattr(model.balancer, "variables", [])
    known = {id(variable) for variable in others}
    return [v for v in model.variables if id(v) not in known]
