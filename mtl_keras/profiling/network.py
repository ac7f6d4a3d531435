"""The networks that benchmarks train: a trunk and linear heads."""

import contextlib
import dataclasses

import keras
import numpy as np

WIDTHS = (32, 64, 64, 128, 128, 256, 256)
# Where the convolutions are followed by a pooling.
POOLED = (0, 2, 4)
NUM_CLASSES = 10
# Name of the trunk: height and width of its images.
TRUNKS = {"cnn": 32, "resnet50": 224}
# What is computed in; variables are float32 in any case.
DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@dataclasses.dataclass(frozen=True)
class Network:
    """What a benchmark trains.

    The trunk `"cnn"` is seven 3x3 convolutions of 32-64-64-128-128-256-256
    channels on 32x32x3, halved by pooling after the first, third and fifth;
    `"resnet50"` is that of `keras.applications` on 224x224x3. Then come the
    mean over positions and one linear head with 10 classes for each task.

    Args:
        num_tasks: Integer.
        batch_size: Integer.
        trunk: String, a key of `TRUNKS`.
        dtype: String, a key of `DTYPES`. `"bfloat16"` computes the trunk in
            it and keeps variables and outputs in float32.
        seed: Integer, of the weights and the batch.
    """

    num_tasks: int = 3
    batch_size: int = 64
    trunk: str = "cnn"
    dtype: str = "float32"
    seed: int = 0

    @property
    def title(self) -> str:
        """A few words, such as `"7-layer CNN at 32x32x3, float32"`."""
        name = {"cnn": "7-layer CNN", "resnet50": "ResNet-50"}[self.trunk]
        side = TRUNKS[self.trunk]
        return f"{name} at {side}x{side}x3, {self.dtype}"

    @property
    def task_names(self) -> list[str]:
        """The names of the tasks."""
        return [f"task{index}" for index in range(self.num_tasks)]

    def batch(self) -> tuple:
        """Draws images and labels.

        Returns:
            Pair of a float32 array of shape `(batch_size, side, side, 3)` and
            a dict of task name to int32 array of shape `(batch_size,)`.
        """
        rng = np.random.default_rng(self.seed)
        x = self.images(rng)
        return x, {
            name: rng.integers(0, NUM_CLASSES, len(x)).astype("int32")
            for name in self.task_names
        }

    def images(self, rng=None):
        """Draws images.

        Args:
            rng: NumPy generator; one from the seed if `None`.

        Returns:
            float32 array of shape `(batch_size, side, side, 3)`.
        """
        rng = np.random.default_rng(self.seed) if rng is None else rng
        side = TRUNKS[self.trunk]
        shape = (self.batch_size, side, side, 3)
        return rng.normal(size=shape).astype("float32")

    def compiled(self, cls, loss_weights, *, jit_compile: bool):
        """Builds and compiles a model; the same weights each time.

        Args:
            cls: `keras.Model` or `MultiTaskModel`.
            loss_weights: As in `compile`.
            jit_compile: Boolean.

        Returns:
            Model of the class `cls`.
        """
        keras.utils.set_random_seed(self.seed)
        inputs, outputs = self._tensors()
        model = cls(inputs, outputs)
        model.compile(
            keras.optimizers.SGD(0.01),
            loss=dict.fromkeys(outputs, "sparse_categorical_crossentropy"),
            loss_weights=loss_weights,
            jit_compile=jit_compile,
        )
        return model

    def features(self) -> tuple:
        """Builds the trunk; returns the input and the features."""
        side = TRUNKS[self.trunk]
        with policy(DTYPES[self.dtype]):
            inputs = keras.Input((side, side, 3), name="image")
            return inputs, _FEATURES[self.trunk](inputs)

    def _tensors(self):
        inputs, features = self.features()
        return inputs, {
            name: keras.layers.Dense(
                NUM_CLASSES, "softmax", dtype="float32", name=name
            )(features)
            for name in self.task_names
        }


@contextlib.contextmanager
def policy(name):
    """Sets Keras's policy of types for a block.

    Args:
        name: String, a value of `DTYPES`.
    """
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(kept)


def cnn_stages() -> list:
    """Makes the stages of the convolutional trunk; each ends with a pooling.

    Returns:
        List of functions from a feature map to one; they draw new weights at
        each call.
    """
    ends = [index + 1 for index in POOLED] + [len(WIDTHS)]
    starts = [0, *ends[:-1]]
    return [
        lambda features, start=start, end=end: _convolved(features, start, end)
        for start, end in zip(starts, ends, strict=True)
    ]


def _convolved(features, start, end):
    for index in range(start, end):
        features = keras.layers.Conv2D(
            WIDTHS[index], 3, padding="same", activation="relu"
        )(features)
        if index in POOLED:
            features = keras.layers.MaxPooling2D()(features)
    return features


def _cnn(inputs):
    features = inputs
    for stage in cnn_stages():
        features = stage(features)
    return keras.layers.GlobalAveragePooling2D()(features)


def _resnet50(inputs):
    return keras.applications.ResNet50(
        weights=None, include_top=False, pooling="avg", input_tensor=inputs
    ).output


_FEATURES = {"cnn": _cnn, "resnet50": _resnet50}
