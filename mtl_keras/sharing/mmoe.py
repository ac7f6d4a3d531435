"""MMoE: multi-gate mixture of experts.

Ma et al., KDD 2018, https://doi.org/10.1145/3219819.3220007.
"""

import keras

from mtl_keras.checks import integer
from mtl_keras.sharing.architecture import Sharing, one_tensor
from mtl_keras.sharing.gates import checked_reads, gate_input, softmax_mixture


@keras.saving.register_keras_serializable(package="mtl_keras")
class MMoE(Sharing):
    """Mixes shared experts by a gate for each task.

    Each expert `f_i` is a copy of the trunk. Task `k` reads
    `sum_i g_k(x)_i * f_i(x)` with `g_k(x) = softmax(W_k x)`, without a bias.
    One expert is hard sharing, without gates.

    Args:
        num_experts: Integer of at least 1. Defaults to 4.
        gate_reads: `"inputs"`, as in the paper; `"features"`, the experts'
            features averaged over positions; `"auto"`: the inputs where they
            are vectors of numbers, else the features. Defaults to `"auto"`.
    """

    when_to_use = (
        "Tasks that may conflict, when you don't know which: each example and "
        "task chooses its mix of experts. The usual start for tables and "
        "recommenders."
    )
    cost = "`num_experts` trunks, and a gate of inputs x experts for each task."
    drawing = """\
   +-- expert 0 --+-- gate a -- head a
x -+-- expert 1 --+
   +-- expert 2 --+-- gate b -- head b
"""

    def __init__(self, *, num_experts: int = 4, gate_reads: str = "auto"):
        self.num_experts = integer("num_experts", num_experts, low=1)
        self.gate_reads = checked_reads(gate_reads)

    def features(self, inputs, task_names, trunk):
        """Builds the experts, then a gate for each task."""
        if self.num_experts == 1:
            return dict.fromkeys(task_names, trunk(inputs))
        experts = [
            one_tensor(trunk(inputs, name=f"expert_{index}"), self.name)
            for index in range(self.num_experts)
        ]
        gate_tensor = gate_input(inputs, experts, self.gate_reads)
        return {
            task: softmax_mixture(gate_tensor, experts, f"{task}_gate")
            for task in task_names
        }
