"""Sluice networks.

Ruder et al., AAAI 2019, https://arxiv.org/abs/1705.08142.
"""

import keras

from mtl_keras.checks import boolean, integer, number
from mtl_keras.sharing.architecture import Sharing
from mtl_keras.sharing.cross_stitch import stage_of_each_task
from mtl_keras.sharing.layers.sluice_unit import (
    SluiceUnit,
    StageMixture,
    SubspaceOrthogonality,
)


@keras.saving.register_keras_serializable(package="mtl_keras")
class Sluice(Sharing):
    """Mixes subspaces of the tasks' features, and the stages of each task.

    Each task has a copy of the trunk. The features of each stage are split
    into subspaces; a matrix `alpha` mixes the subspaces of all tasks. A head
    reads the sum, weighted by `beta`, of its task's stages that have the shape
    of the last one. One subspace without `mix_stages` is `cross_stitch` per
    map.

    Args:
        num_subspaces: Integer of at least 1 that divides the channels of each
            stage. Defaults to 2, as in the paper.
        own: Float in [0, 1], the first weight of a subspace in itself; the
            other weights sum to `1 - own`. Defaults to 0.9.
        mix_stages: Boolean, whether heads read all stages. Defaults to `True`.
        last: Float in [0, 1], the first weight of the last stage for its head.
            Defaults to 0.9.
        orthogonality: Float of at least 0, the factor of a penalty on what the
            subspaces of a task's stage have in common, from 0 to 1 for each
            pair. Defaults to 0, no penalty.

    Note:
        The paper penalises products of the weights of two subspaces; since a
        trunk may be any network, we penalise those of the features, free of
        their scale. The paper tunes the factor.
    """

    when_to_use = (
        "As `cross_stitch`, when only a part of each stage should be shared."
    )
    cost = (
        "K trunks, and a square matrix of K * `num_subspaces` rows after each "
        "stage."
    )
    drawing = """\
   +-- stage a [1|2] --+-- alpha a -- stage a ... beta a -- head a
x -+                   x
   +-- stage b [1|2] --+-- alpha b -- stage b ... beta b -- head b
"""

    def __init__(
        self,
        *,
        num_subspaces: int = 2,
        own: float = 0.9,
        mix_stages: bool = True,
        last: float = 0.9,
        orthogonality: float = 0.0,
    ):
        self.num_subspaces = integer("num_subspaces", num_subspaces, low=1)
        self.own = number("own", own, low=0, high=1)
        self.mix_stages = boolean("mix_stages", mix_stages)
        self.last = number("last", last, low=0, high=1)
        self.orthogonality = number("orthogonality", orthogonality, low=0)

    def features(self, inputs, task_names, trunk):
        """Builds the stages with units in between, then the mixed stages."""
        columns = dict.fromkeys(task_names, inputs)
        by_stage = []
        for place, stage in enumerate(trunk.stages):
            columns = stage_of_each_task(stage, columns, place, self.name)
            if len(task_names) > 1:
                columns = self._stitched(columns, place)
            by_stage.append(columns)
        if self.mix_stages and len(task_names) > 1:
            columns = {
                task: self._mixed(task, [each[task] for each in by_stage])
                for task in task_names
            }
        return columns

    def _stitched(self, columns, place) -> dict:
        channels = next(iter(columns.values())).shape[-1]
        if channels % self.num_subspaces:
            raise ValueError(
                "`num_subspaces` must divide the channels of each stage. "
                f"Received: num_subspaces={self.num_subspaces}, stage {place} "
                f"with {channels} channels"
            )
        if self.orthogonality and self.num_subspaces > 1:
            columns = {
                task: SubspaceOrthogonality(
                    self.num_subspaces,
                    self.orthogonality,
                    name=f"{task}_orthogonality_{place}",
                )(features)
                for task, features in columns.items()
            }
        mixed = list(columns.values())
        return {
            task: SluiceUnit(
                index,
                self.num_subspaces,
                self.own,
                name=f"{task}_sluice_{place}",
            )(mixed)
            for index, task in enumerate(columns)
        }

    def _mixed(self, task, stages):
        alike = [each for each in stages if each.shape == stages[-1].shape]
        if len(alike) == 1:
            return alike[0]
        return StageMixture(self.last, name=f"{task}_stages")(alike)
