"""CGC: customized gate control, the single-level form of PLE.

Tang et al., RecSys 2020, https://doi.org/10.1145/3383313.3412236.
"""

import keras

from mtl_keras.checks import integer
from mtl_keras.sharing.architecture import Sharing, one_tensor
from mtl_keras.sharing.gates import checked_reads, gate_input, softmax_mixture


@keras.saving.register_keras_serializable(package="mtl_keras")
class CGC(Sharing):
    """Mixes a task's own experts with shared ones.

    Each expert is a copy of the trunk. Task `k` reads the mixture of its own
    experts and the shared ones, with weights `softmax(W_k x)`.
    Without own experts it is MMoE, without shared ones each task is alone.

    Args:
        num_shared_experts: Integer of at least 0. Defaults to 1.
        num_task_experts: Integer of at least 0, for each task. Defaults to 1.
        gate_reads: As of `MMoE`. Defaults to `"auto"`.
    """

    when_to_use = (
        "Tasks that share a part and need a part of their own, such as tasks "
        "of very different size: own experts cannot be pulled away by others."
    )
    cost = (
        "`num_shared_experts + K * num_task_experts` trunks, and a gate for "
        "each task."
    )
    drawing = """\
   +-- expert a ------+-- gate a -- head a
x -+-- shared expert -+
   +-- expert b ------+-- gate b -- head b
"""

    def __init__(
        self,
        *,
        num_shared_experts: int = 1,
        num_task_experts: int = 1,
        gate_reads: str = "auto",
    ):
        self.num_shared_experts, self.num_task_experts = checked_experts(
            num_shared_experts, num_task_experts
        )
        self.gate_reads = checked_reads(gate_reads)

    def features(self, inputs, task_names, trunk):
        """Builds the experts, then a gate for each task."""
        shared, own = experts(
            {None: inputs, **dict.fromkeys(task_names, inputs)},
            trunk,
            self.num_shared_experts,
            self.num_task_experts,
            prefix="",
            what=self.name,
        )
        every = [*shared, *(each for task in own.values() for each in task)]
        gate_tensor = gate_input(inputs, every, self.gate_reads)
        return {
            task: softmax_mixture(
                gate_tensor, [*own[task], *shared], f"{task}_gate"
            )
            for task in task_names
        }


def checked_experts(num_shared_experts, num_task_experts) -> tuple[int, int]:
    """Checks the numbers of experts.

    Args:
        num_shared_experts: What was received for the shared ones.
        num_task_experts: What was received for those of each task.

    Returns:
        Tuple of two integers.

    Raises:
        ValueError: If one is negative, or there is no expert at all.
    """
    shared = integer("num_shared_experts", num_shared_experts, low=0)
    own = integer("num_task_experts", num_task_experts, low=0)
    if shared + own == 0:
        raise ValueError(
            "A task needs at least one expert. Received: "
            "num_shared_experts=0, num_task_experts=0"
        )
    return shared, own


def experts(read, trunk, num_shared, num_own, *, prefix, what) -> tuple:
    """Builds the experts of one level.

    Args:
        read: Dict, what experts read: of each task by name, and of the shared
            experts under `None`.
        trunk: `Trunk`, of which each expert is a copy.
        num_shared: Integer.
        num_own: Integer, for each task.
        prefix: String, the start of the experts' names.
        what: String, the architecture's name, for errors.

    Returns:
        Tuple of a list, the shared experts' features, and a dict of task name
        to the list of its own experts' features.
    """

    def built(tensors, name):
        return one_tensor(trunk(tensors, name=f"{prefix}{name}"), what)

    shared = [
        built(read[None], f"expert_shared_{index}")
        for index in range(num_shared)
    ]
    own = {
        task: [built(tensors, f"{task}_expert_{i}") for i in range(num_own)]
        for task, tensors in read.items()
        if task is not None
    }
    return shared, own
