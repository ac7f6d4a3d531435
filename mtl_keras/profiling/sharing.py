"""Networks of every architecture of sharing, for the time of their step."""

import dataclasses

import keras
from keras import layers, ops

import mtl_keras
from mtl_keras.model.model import MultiTaskModel
from mtl_keras.profiling.network import (
    DTYPES,
    NUM_CLASSES,
    TRUNKS,
    Network,
    cnn_stages,
    policy,
)
from mtl_keras.sharing import registry
from mtl_keras.sharing.adapters import Adapters
from mtl_keras.sharing.composed import Chained


@dataclasses.dataclass(frozen=True)
class SharingNetwork(Network):
    """The convolutional trunk, shared by an architecture.

    The trunk's stages end with its poolings. Heads are linear, on the mean
    over positions; of an architecture of tasks in order they are
    probabilities, and the mean is the trunk's last stage. Where tasks have
    inputs of their own, each gets the same images.

    Args:
        sharing: String, a name of `sharing.list_sharings()`, with its defaults.
        **kwargs: As of `Network`; `trunk` is `"cnn"`.
    """

    sharing: str = "hard"

    def __post_init__(self):
        """Checks the trunk.

        Raises:
            ValueError: If it has no stages.
        """
        if self.trunk != "cnn":
            raise ValueError(
                "Architectures are timed on the trunk 'cnn', which has "
                f"stages. Received: trunk={self.trunk!r}"
            )

    @property
    def is_chained(self) -> bool:
        """Whether the tasks are probabilities in order."""
        return issubclass(registry.architecture(self.sharing), Chained)

    @property
    def has_own_inputs(self) -> bool:
        """Whether each task has an input of its own."""
        return issubclass(registry.architecture(self.sharing), Adapters)

    def batch(self) -> tuple:
        """Draws images and labels.

        Returns:
            Pair of images, or a dict of input to images, and a dict of task
            name to labels: class numbers, or 0 and 1 of shape
            `(batch_size, 1)`.
        """
        x, y = super().batch()
        if self.has_own_inputs:
            x = {f"{name}_input": x for name in self.task_names}
        if self.is_chained:
            y = {
                name: (labels[:, None] % 2).astype("float32")
                for name, labels in y.items()
            }
        return x, y

    def compiled(self, cls, loss_weights, *, jit_compile: bool):
        """Builds and compiles a model; the same layers and weights each time.

        Args:
            cls: `keras.Model` or `MultiTaskModel`.
            loss_weights: As in `compile`.
            jit_compile: Boolean.

        Returns:
            Model of the class `cls`; of a class derived from it where the
            architecture adds a penalty that no layer does.
        """
        keras.utils.set_random_seed(self.seed)
        with policy(DTYPES[self.dtype]):
            model = self._built()
        if cls is not MultiTaskModel:
            model = _plain(model)
        loss = "sparse_categorical_crossentropy"
        if self.is_chained:
            loss = "binary_crossentropy"
        model.compile(
            keras.optimizers.SGD(0.01),
            loss=dict.fromkeys(self.task_names, loss),
            loss_weights=loss_weights,
            jit_compile=jit_compile,
        )
        return model

    def _built(self):
        kind, options = "classification", {"num_classes": NUM_CLASSES}
        trunk = cnn_stages()
        if self.is_chained:
            kind, options = "presence", {}
            trunk.append(lambda maps: layers.GlobalAveragePooling2D()(maps))
        tasks = [
            mtl_keras.Task(name, kind, metrics=(), **options)
            for name in self.task_names
        ]
        return mtl_keras.build(
            self._inputs(),
            tasks,
            trunk=trunk,
            sharing=self.sharing,
            head=_chained_head if self.is_chained else _head,
        )

    def _inputs(self):
        side = TRUNKS[self.trunk]
        if not self.has_own_inputs:
            return keras.Input((side, side, 3), name="image")
        names = [f"{name}_input" for name in self.task_names]
        return {n: keras.Input((side, side, 3), name=n) for n in names}


def _head(maps, task):
    pooled = layers.GlobalAveragePooling2D(name=f"{task.name}_mean")(maps)
    return layers.Dense(
        NUM_CLASSES, "softmax", dtype="float32", name=task.name
    )(pooled)


def _chained_head(features, task):
    return layers.Dense(1, "sigmoid", dtype="float32", name=task.name)(features)


def _plain(model):
    """Makes the plain model of a multi-task model's layers."""
    if not model.sharing.penalties(model):
        return keras.Model(model.input, model.output)
    plain = Penalised(model.input, model.output)
    plain.sharing = model.sharing
    return plain


class Penalised(keras.Model):
    """A plain model with the penalties of an architecture."""

    def compute_loss(self, *args, **kwargs):
        """Adds the penalties."""
        loss = super().compute_loss(*args, **kwargs)
        return loss + sum(ops.sum(p) for p in self.sharing.penalties(self))
