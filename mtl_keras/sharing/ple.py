"""PLE: progressive layered extraction.

Tang et al., RecSys 2020, https://doi.org/10.1145/3383313.3412236.
"""

import keras

from mtl_keras.checks import integer
from mtl_keras.sharing.architecture import Sharing
from mtl_keras.sharing.cgc import checked_experts, experts
from mtl_keras.sharing.gates import (
    checked_reads,
    gate_input,
    pooled,
    softmax_mixture,
)


@keras.saving.register_keras_serializable(package="mtl_keras")
class PLE(Sharing):
    """Extracts shared and own features level by level.

    Each level has shared experts and experts of each task. Task `k`'s gate
    mixes its own with the shared ones; the shared gate mixes all. The next
    level's experts of task `k` read task `k`'s mixture, the shared ones that
    of the shared gate, and each gate reads what its own experts read. The
    last level has no shared gate, and its mixtures go to the heads. One level
    is `cgc`.

    Through the shared gate, the tasks' own experts of all levels but the last
    reach every task: `graph.partition` counts them to the trunk.

    Args:
        num_levels: Integer of at least 1, or `None`: as many as the trunk has
            stages, each the experts of one level; 2 for a trunk without
            stages. A trunk without stages is the expert of every level, and
            must then be able to read its own features.
        num_shared_experts: Integer of at least 0, at each level. Defaults to 1.
        num_task_experts: Integer of at least 0, for each task at each level.
            Defaults to 1.
        gate_reads: As of `MMoE`, at the first level. Defaults to `"auto"`.
    """

    when_to_use = (
        "As `cgc`, for deeper trunks: what is shared is separated from what "
        "is a task's own in several steps."
    )
    cost = (
        "`num_shared_experts + K * num_task_experts` trunks (of a trunk "
        "without stages at each level), K + 1 gates a level."
    )
    drawing = """\
   +- expert a -+- gate a ------ expert a -+- gate a -- head a
x -+- shared ---+- shared gate - shared ---+
   +- expert b -+- gate b ------ expert b -+- gate b -- head b
"""

    def __init__(
        self,
        *,
        num_levels: int | None = None,
        num_shared_experts: int = 1,
        num_task_experts: int = 1,
        gate_reads: str = "auto",
    ):
        self.num_levels = num_levels
        if num_levels is not None:
            self.num_levels = integer("num_levels", num_levels, low=1)
        self.num_shared_experts, self.num_task_experts = checked_experts(
            num_shared_experts, num_task_experts
        )
        self.gate_reads = checked_reads(gate_reads)

    def features(self, inputs, task_names, trunk):
        """Builds the levels, from the inputs to the heads."""
        read = {None: inputs, **dict.fromkeys(task_names, inputs)}
        gate_tensors = None
        stages = self._stages(trunk)
        for level, stage in enumerate(stages):
            shared, own = self._experts(read, stage, level)
            every = [*shared, *(each for task in own.values() for each in task)]
            if gate_tensors is None:
                first = gate_input(inputs, every, self.gate_reads)
                gate_tensors = dict.fromkeys(read, first)
            mixed = {
                task: softmax_mixture(
                    gate_tensors[task],
                    [*own[task], *shared],
                    f"{task}_level_{level}_gate",
                )
                for task in task_names
            }
            if level < len(stages) - 1:
                mixed[None] = None
                if shared:
                    mixed[None] = softmax_mixture(
                        gate_tensors[None], every, f"level_{level}_gate_shared"
                    )
                gate_tensors = {
                    key: None if tensor is None else pooled(tensor)
                    for key, tensor in mixed.items()
                }
            read = mixed
        return read

    def _experts(self, read, stage, level):
        try:
            return experts(
                read,
                stage,
                self.num_shared_experts,
                self.num_task_experts,
                prefix=f"level_{level}_",
                what=self.name,
            )
        except ValueError as error:
            if level == 0:
                raise
            raise ValueError(
                f"The experts of level {level} of 'ple' can't read the "
                f"features of level {level - 1}. Give the trunk as a list of "
                f"stages, one a level, or use 'cgc'. The error: {error}"
            ) from error

    def _stages(self, trunk) -> tuple:
        stages = trunk.stages
        if len(stages) == 1:
            return stages * (self.num_levels or 2)
        if self.num_levels not in (None, len(stages)):
            raise ValueError(
                "Each stage of the trunk is a level of 'ple'. Received: "
                f"num_levels={self.num_levels} with {len(stages)} stages. "
                "Leave `num_levels` out, or group the stages."
            )
        return stages
