"""DSelect-k: differentiable selection of k experts.

Hazimeh et al., NeurIPS 2021, https://arxiv.org/abs/2106.03760.
"""

import keras

from mtl_keras.checks import boolean, integer, number
from mtl_keras.sharing.architecture import Sharing, one_tensor
from mtl_keras.sharing.gates import checked_reads, gate_input
from mtl_keras.sharing.layers.dselect_k_gate import DSelectKGate
from mtl_keras.sharing.layers.mixture import Mixture


@keras.saving.register_keras_serializable(package="mtl_keras")
class DSelectK(Sharing):
    """Mixes at most `k` of the shared experts for each task.

    As `mmoe`, with gates whose weights become exactly 0 in training: each of
    `k` selectors chooses one expert by the binary digits of its number, each a
    smooth step from 0 to 1, and a softmax weighs the selectors. The
    selectors' entropy, and their weight on numbers without an expert where
    `num_experts` is no power of 2, are penalties of the loss.

    Args:
        num_experts: Integer of at least 1. Defaults to 4.
        k: Integer from 1 to `num_experts`. Defaults to 2.
        per_example: Boolean, whether the gates read each example, as those of
            `mmoe` do, or are the same for all. Defaults to `False`.
        entropy: Float of at least 0, the factor of the entropy, summed over
            selectors and, `per_example`, averaged over the batch. Defaults to
            0.01.
        gamma: Float above 0, the width of the smooth step. Defaults to 1.
        gate_reads: As of `MMoE`, for gates `per_example`.
    """

    when_to_use = (
        "As `mmoe`, when each task should end with few experts, which show "
        "what it shares with others."
    )
    cost = "`num_experts` trunks, `k` small selectors a task."
    drawing = """\
   +-- expert 0 --+-- 2 of 4 -- head a
x -+-- expert 1 --+
   +-- expert 2 --+
   +-- expert 3 --+-- 2 of 4 -- head b
"""

    def __init__(
        self,
        *,
        num_experts: int = 4,
        k: int = 2,
        per_example: bool = False,
        entropy: float = 0.01,
        gamma: float = 1.0,
        gate_reads: str = "auto",
    ):
        self.num_experts = integer("num_experts", num_experts, low=1)
        self.k = integer("k", k, low=1)
        if self.k > self.num_experts:
            raise ValueError(
                "`k` must be at most the number of experts. Received: "
                f"k={k}, num_experts={num_experts}"
            )
        self.per_example = boolean("per_example", per_example)
        self.entropy = number("entropy", entropy, low=0)
        self.gamma = number("gamma", gamma, above=0)
        self.gate_reads = checked_reads(gate_reads)

    def features(self, inputs, task_names, trunk):
        """Builds the experts, then a gate for each task."""
        if self.num_experts == 1:
            return dict.fromkeys(task_names, trunk(inputs))
        experts = [
            one_tensor(trunk(inputs, name=f"expert_{index}"), self.name)
            for index in range(self.num_experts)
        ]
        read = experts[0]
        if self.per_example:
            read = gate_input(inputs, experts, self.gate_reads)
        mixed = {}
        for task in task_names:
            gate = DSelectKGate(
                self.num_experts,
                self.k,
                self.gamma,
                self.entropy,
                self.per_example,
                name=f"{task}_gate",
            )
            mixture = Mixture(name=f"{task}_mixture")
            mixed[task] = mixture([gate(read), *experts])
        return mixed
