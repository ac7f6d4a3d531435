"""Cross-stitch networks.

Misra et al., CVPR 2016, https://arxiv.org/abs/1604.03539.
"""

import keras

from mtl_keras.checks import number
from mtl_keras.sharing.architecture import Sharing, one_tensor
from mtl_keras.sharing.layers.cross_stitch_unit import CrossStitchUnit


@keras.saving.register_keras_serializable(package="mtl_keras")
class CrossStitch(Sharing):
    """Mixes the features of a trunk for each task after every stage.

    Each task has a copy of the trunk. After each stage, task `k` continues
    with `sum_j alpha_kj * x_j` over the tasks' features `x_j`. With
    `alpha_kk = own` and `alpha_kj = (1 - own) / (K - 1)` the start is near
    separate trunks; `own=1` starts with separate trunks exactly. A trunk
    without stages is mixed once, at its end. One task has no unit.

    Args:
        per: `"channel"`, a weight for each pair of tasks and channel, as in
            the paper, or `"map"`, one for each pair. Defaults to `"channel"`.
        own: Float in [0, 1], the first weight of a task's own features.
            Defaults to 0.9, which the paper found best.
    """

    when_to_use = (
        "Few tasks, when how much to share is unknown at each depth: the "
        "units learn it. Give the trunk as a list of stages."
    )
    cost = (
        "K trunks, and K * K weights a channel (or one, `per='map'`) after "
        "each stage."
    )
    drawing = """\
   +-- stage a --+-- stitch a -- stage a --+-- stitch a -- head a
x -+             x                         x
   +-- stage b --+-- stitch b -- stage b --+-- stitch b -- head b
"""

    def __init__(self, *, per: str = "channel", own: float = 0.9):
        if per not in ("channel", "map"):
            raise ValueError(
                f"`per` must be 'channel' or 'map'. Received: per={per!r}"
            )
        self.per = per
        self.own = number("own", own, low=0, high=1)

    def features(self, inputs, task_names, trunk):
        """Builds the stages of all tasks, with a unit for each in between."""
        columns = dict.fromkeys(task_names, inputs)
        for place, stage in enumerate(trunk.stages):
            columns = stage_of_each_task(stage, columns, place, self.name)
            if len(task_names) > 1:
                mixed = list(columns.values())
                columns = {
                    task: CrossStitchUnit(
                        index,
                        self.per,
                        self.own,
                        name=f"{task}_stitch_{place}",
                    )(mixed)
                    for index, task in enumerate(task_names)
                }
        return columns


def stage_of_each_task(stage, columns, place: int, what: str) -> dict:
    """Builds a copy of a stage for each task.

    Args:
        stage: `Trunk`.
        columns: Dict, task name to what its copy reads.
        place: Integer, the stage's number.
        what: String, the architecture's name, for errors.

    Returns:
        Dict, task name to features, a Keras tensor.
    """
    return {
        task: one_tensor(stage(tensors, name=f"{task}_stage_{place}"), what)
        for task, tensors in columns.items()
    }
