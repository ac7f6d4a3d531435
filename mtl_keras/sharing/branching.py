"""Learning to branch.

Guo et al., ICML 2020, https://arxiv.org/abs/2006.01895.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.checks import integer, number
from mtl_keras.sharing.architecture import Sharing, one_tensor
from mtl_keras.sharing.layers.branch_choice import BranchChoice


@keras.saving.register_keras_serializable(package="mtl_keras")
class Branching(Sharing):
    """Learns a tree: which stages tasks share, and where they part.

    Each stage of the trunk has several copies, the branches. A branch chooses
    the branch of the stage before that it reads, and a head one of the last
    stage. In training a choice is a draw of the Gumbel softmax, whose
    temperature falls; in evaluation and prediction, the choice of the greatest
    logit: the model predicts as its tree does. `tree` describes that tree,
    `discrete` makes a model of it alone.

    Args:
        num_branches: Integer of at least 1, the copies of each stage; `None`
            for as many as there are tasks. One is hard sharing.
        temperature: Float above 0, that of the first step. Defaults to 5.
        decay: Float in (0, 1], the factor of the temperature a step. Defaults
            to 0.998: 0.1 after about 2,000 steps.
        lowest: Float above 0, the temperature at the end. Defaults to 0.1.
        seed: Integer, the seed of the draws, or `None`.
    """

    when_to_use = (
        "Several tasks in unknown groups, when the model that is served "
        "should be a plain tree without gates. Train, then serve or fine-tune "
        "`model.sharing.discrete(model)`."
    )
    cost = (
        "In training `num_branches` trunks; at the end those of the tree, "
        "from 1 to K."
    )
    drawing = """\
   +-- stage 0, branch 0 --?-- stage 1, branch 0 --?-- head a
x -+                       ?                       ?-- head b
   +-- stage 0, branch 1 --?-- stage 1, branch 1 --?-- head c
"""

    def __init__(
        self,
        *,
        num_branches: int | None = None,
        temperature: float = 5.0,
        decay: float = 0.998,
        lowest: float = 0.1,
        seed: int | None = None,
    ):
        self.num_branches = num_branches
        if num_branches is not None:
            self.num_branches = integer("num_branches", num_branches, low=1)
        self.temperature = number("temperature", temperature, above=0)
        self.decay = number("decay", decay, above=0, high=1)
        self.lowest = number("lowest", lowest, above=0, high=self.temperature)
        self.seed = None if seed is None else integer("seed", seed, low=0)

    def features(self, inputs, task_names, trunk):
        """Builds all branches of all stages, and the choices in between."""
        if len(trunk.stages) == 1:
            raise ValueError(
                "The sharing 'branching' needs a trunk with stages, between "
                "which tasks may part. Received: a trunk of one stage. Give a "
                "list of functions or layers."
            )
        count = self.num_branches or len(task_names)
        if count == 1:
            return dict.fromkeys(task_names, trunk(inputs))
        choices = []
        branches = None
        for place, stage in enumerate(trunk.stages):
            built = []
            for index in range(count):
                name = f"stage_{place}_branch_{index}"
                read = inputs
                if branches is not None:
                    read = self._choice(f"{name}_choice", choices)(branches)
                built.append(one_tensor(stage(read, name=name), self.name))
            branches = built
        return {
            task: self._choice(f"{task}_choice", choices)(branches)
            for task in task_names
        }

    def _choice(self, name, choices) -> BranchChoice:
        seed = None if self.seed is None else self.seed + len(choices)
        choice = BranchChoice(
            self.temperature, self.decay, self.lowest, seed, name=name
        )
        choices.append(choice)
        return choice

    def tree(self, model) -> dict[str, tuple[int, ...]]:
        """Reads which branches the tasks use now.

        Args:
            model: `MultiTaskModel` built with this architecture.

        Returns:
            Dict, task name to the numbers of its branches from the first stage
            to the last. Two tasks share a stage where their numbers up to it
            are the same.
        """
        chosen = _chosen(model)
        last = 0
        while f"stage_{last + 1}_branch_0_choice" in chosen:
            last += 1
        paths = {}
        for task in model.output:
            path = [chosen.get(f"{task}_choice", 0)]
            for place in range(last, 0, -1):
                path.append(chosen[f"stage_{place}_branch_{path[-1]}_choice"])
            paths[task] = tuple(reversed(path))
        return paths

    def discrete(self, model):
        """Makes a model of the tree alone, with the weights of now.

        Args:
            model: `MultiTaskModel` built with this architecture.

        Returns:
            `MultiTaskModel` with the branches in use and no choices, not
            compiled. It predicts what `model` does, for less work, and can be
            trained further, exported and saved as any other.
        """
        chosen = _chosen(model)

        def call(layer, *args, **kwargs):
            if isinstance(layer, BranchChoice):
                return args[0][chosen[layer.name]]
            return layer(*args, **kwargs)

        # A plain model of the same graph: `clone_model` would compile ours.
        plain = keras.Model(model.input, model.output)
        pruned = keras.models.clone_model(plain, call_function=call)
        for layer in pruned.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
        return type(model)(
            pruned.input, pruned.output, tasks=list(model.tasks.values())
        )


def _chosen(model) -> dict[str, int]:
    return {
        layer.name: int(np.argmax(ops.convert_to_numpy(layer.logits)))
        for layer in model.layers
        if isinstance(layer, BranchChoice)
    }
