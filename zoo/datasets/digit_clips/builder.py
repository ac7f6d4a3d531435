"""TensorFlow Datasets builder of `digit_clips`."""

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets.digit_clips import clips
from zoo.datasets.digit_scenes import builder as digit_scenes

_DESCRIPTION = """
Clips of 16 frames of 32x32 grey pixels, in which one handwritten digit moves
straight on. Three tasks: which digit it is (`digit`), which of eight directions
it moves in (`direction`), and how fast, in pixels a frame (`speed`, from 0.2 to
1.0).

The digits are the real ones that scikit-learn carries (8x8 pixels), drawn at 10
to 12 pixels and moved by fractions of pixels. Five that fall apart when they
are drawn are left out. Background, brightness and noise differ from clip to
clip. The digit is whole in every frame, and its place in the middle frame, the
one with index 8, is drawn without regard to direction and speed: what that
frame shows says nothing of either. In other frames its place does, since a
digit near the left edge has more room to the right.

The source digits are divided between the splits, class by class, before any
clip is composed, as in `digit_scenes`. Those of the training clips are turned,
slanted and stretched a little, each time otherwise; those of validation and
test are not.
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `digit_clips`; nothing is downloaded.

    Features of an example:

    - `clip`: uint8 of shape `(16, 32, 32, 1)`.
    - `digit`: int32 scalar in [0, 10).
    - `direction`: int32 scalar, a row of `clips.DIRECTIONS`.
    - `speed`: float32 scalar, pixels a frame.
    """

    name = "digit_clips"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First clips."}
    CLIPS = {"train": 12_000, "validation": 1_000, "test": 2_000}

    def _info(self) -> tfds.core.DatasetInfo:
        shape = (clips.FRAMES, clips.CANVAS, clips.CANVAS, 1)
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "clip": tfds.features.Tensor(shape=shape, dtype=np.uint8),
                    "digit": tfds.features.Scalar(np.int32),
                    "direction": tfds.features.Scalar(np.int32),
                    "speed": tfds.features.Scalar(np.float32),
                }
            ),
            supervised_keys=None,
            homepage="https://scikit-learn.org/stable/datasets/toy_dataset.html",
            citation=digit_scenes.CITATION,
            license="CC-BY-4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        del dl_manager  # The digits come with scikit-learn.
        return {
            split: self._generate_examples(split, count)
            for split, count in self.CLIPS.items()
        }

    def _generate_examples(self, split: str, count: int) -> Iterator:
        for number, clip in enumerate(clips.Composer(split).clips(count)):
            yield (
                number,
                {
                    "clip": clip.frames,
                    "digit": clip.digit,
                    "direction": clip.direction,
                    "speed": clip.speed,
                },
            )
