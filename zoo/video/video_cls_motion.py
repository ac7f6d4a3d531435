"""What moves in a clip, which way, and how fast."""

import keras

import mtl_keras
import zoo
from mtl_keras import MultiTaskModel, Task, checks
from mtl_keras import data as mtl_data
from zoo.video import trunks

_FRAMES = 16
_IMAGE_SIZE = 32
_DIGITS = tuple("0123456789")
# As `zoo.datasets.digit_clips.clips`, which is slow to import.
_DIRECTIONS = (
    "right",
    "down_right",
    "down",
    "down_left",
    "left",
    "up_left",
    "up",
    "up_right",
)


class VideoClsMotion(zoo.Entry):
    """What moves in a clip, which way it moves, and how fast."""

    data = {"digit_clips": "zoo.datasets.digit_clips:Builder"}
    kinds = {
        "digit": "classification",
        "direction": "classification",
        "speed": "regression",
    }
    reads = "clip"
    search_dropout = 0.5
    search_values = {"trunk": trunks.NAMES, "width": (0.5, 1.0, 1.5)}
    classes = {"digit_clips": {"digit": _DIGITS, "direction": _DIRECTIONS}}
    answers = {"speed": "how many pixels a frame"}
    notes = (
        "Source digits are divided between the splits before clips are "
        "composed. The test split has about 270 of them, so the accuracy of "
        "the digit differs by more than 0.01 between seeds.",
        "Control, one frame alone, 6 epochs: digit 0.932, direction 0.135 "
        "(chance is 0.125), R2 of the speed -0.01.",
        "The recipe's weight of the speed was chosen after test metrics had "
        "been seen; validation pointed the same way. Its 12 epochs were chosen "
        "on validation.",
        "Compared after 6 of the 12 epochs, one seed: sharing is below single "
        "tasks, which have 2.4 times the parameters and three times the "
        "computation. The recipe's weights are the best of those tried, and "
        "learned uncertainties starve the digit. 12 epochs of all tasks "
        "together, two thirds of the computation of the single tasks, reach "
        "their accuracy of the digit, but not their error of the speed.",
    )
    summary = (
        "Three tasks on a clip of 16 frames: which digit it shows (digit), "
        "which of eight directions it moves in (direction), and how many "
        "pixels a frame (speed). One frame alone tells neither direction nor "
        "speed: see the control in the recipe."
    )

    def task(self, name: str, spec):
        """Makes one task; of the speed R2 is measured as well.

        Args:
            name: String, one of `spec.tasks`.
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.Task`.
        """
        if self.kinds[name] != "regression":
            return super().task(name, spec)
        return Task(name, "regression", metrics=("mae", "r2"))

    def build(
        self,
        spec,
        *,
        trunk: str = "r2plus1d",
        width: float = 1.0,
        hidden: int = 64,
        dropout: float = 0.0,
        frames: int = _FRAMES,
        image_size: int = _IMAGE_SIZE,
        channels: int = 1,
        sampling: str = "middle",
        sharing="hard",
    ) -> MultiTaskModel:
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            trunk: `"r2plus1d"`, convolutions over space and time in turn, or
                `"convlstm"`. See `zoo.video.trunks`.
            width: Float above 0, a factor of the trunk's channels.
            hidden: Integer of at least 1, units of each head's hidden layer.
            dropout: Float in [0, 1), fraction of each head's hidden units
                dropped in training.
            frames: Integer of at least 1, frames of the model's input.
            image_size: Integer, their height and width in pixels, at least 16.
            channels: Integer, 1 for gray frames or 3 for colour.
            sampling: `"middle"` or `"even"`, which frames of longer clips are
                read; see `mtl_keras.data.ClipPreprocessor`.
            sharing: Name of an architecture that shares the trunk, such as
                `"mmoe"`, or a dict such as `{"name": "mmoe", "num_experts":
                2}`. See `mtl_keras.sharing.list_sharings()`.

        Returns:
            `MultiTaskModel`. Input: `{"clip": clips}`, float32 of shape
            `(batch, frames, image_size, image_size, channels)` in [0, 1].
            Outputs: `digit` and `direction`, probabilities of the classes,
            `(batch, num_classes)`; `speed`, `(batch, 1)`.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        checks.integer("hidden", hidden, low=1)
        checks.fraction("dropout", dropout, below_one=True)
        read = _preprocessor(frames, image_size, channels, sampling)
        tasks = self.tasks(spec)
        shape = read.frames, read.height, read.width, read.channels
        clip = keras.Input(shape, name="clip")
        first, *others = trunks.stages(trunk, width=width)
        return mtl_keras.build(
            {"clip": clip},
            tasks,
            trunk=[[lambda inputs: inputs["clip"], first], *others],
            sharing=sharing,
            head=lambda features, task: task.head.build(
                features, task, hidden=hidden, dropout=dropout
            ),
            name="video_cls_motion",
        )

    def preprocessor(
        self,
        spec,
        *,
        frames: int = _FRAMES,
        image_size: int = _IMAGE_SIZE,
        channels: int = 1,
        sampling: str = "middle",
    ):
        """Makes the graph from GIF files to the model's input.

        Args:
            spec: `zoo.Spec`.
            frames: Integer, as for `build`.
            image_size: Integer, as for `build`.
            channels: Integer, as for `build`.
            sampling: String, as for `build`.

        Returns:
            `mtl_keras.data.ClipPreprocessor`.
        """
        return _preprocessor(frames, image_size, channels, sampling)

    def postprocessor(self, spec, *, image_size: int = _IMAGE_SIZE):
        """Makes the graph from the outputs to names and scores.

        Args:
            spec: `zoo.Spec`.
            image_size: Integer, as for `build`.

        Returns:
            `mtl_keras.data.AnswerDecoder`.
        """
        return mtl_data.AnswerDecoder(self.tasks(spec), image_size, image_size)


def _preprocessor(frames, image_size, channels, sampling):
    checks.integer("image_size", image_size, low=16)
    return mtl_data.ClipPreprocessor(
        frames, image_size, image_size, channels, sampling
    )
