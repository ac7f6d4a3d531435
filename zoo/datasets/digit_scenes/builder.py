"""TensorFlow Datasets builder of `digit_scenes`."""

from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets.digit_scenes import scenes

_DESCRIPTION = """
Scenes of 64x64 grey pixels that hold one whole handwritten digit among one to
three pieces of other digits; a quarter of the scenes hold pieces only. Three
tasks: is a whole digit there (`det`), which one (`cls`), where (`box`).
Strokes, sizes and brightness of pieces and digits are alike, so that only
wholeness tells them apart. Where there is no digit, `cls` is -1 and `box` is
NaN: these labels are missing.

The digits are the 1797 real ones that scikit-learn carries (8x8 pixels), drawn
at 16 to 44 pixels. A piece is 40 to 70 percent of a digit's ink on one side of
a straight line, cut so that it leaves no other digit whole: 1 is not cut, and
6, 8 and 9 are cut through their loops. Five sources that fall apart when they
are drawn large are left out. Pieces may lie under the digit, never on it: the
digit is always wholly visible. The source digits are divided between the
splits, class by class, before any scene is composed.
"""

CITATION = """
@misc{digits1998,
  author = {Alpaydin, E. and Kaynak, C.},
  title = {Optical Recognition of Handwritten Digits},
  year = {1998},
  publisher = {UCI Machine Learning Repository},
  doi = {10.24432/C50P49},
}
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `digit_scenes`; nothing is downloaded.

    Features of an example:

    - `image`: uint8 of shape `(64, 64, 1)`, kept as PNG.
    - `cls`: int32 scalar in [0, 10), or -1 where there is no digit.
    - `det`: int32 scalar, 1 where there is a whole digit, else 0.
    - `box`: float32 of shape `(4,)`: x1, y1, x2, y2 in [0, 1] of the canvas,
      tight on the digit's ink; NaN where there is no digit.
    """

    name = "digit_scenes"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First scenes."}
    SCENES = {"train": 24_000, "validation": 2_000, "test": 4_000}

    def _info(self) -> tfds.core.DatasetInfo:
        shape = (scenes.CANVAS, scenes.CANVAS, 1)
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=shape, dtype=np.uint8, encoding_format="png"
                    ),
                    "cls": tfds.features.Scalar(np.int32),
                    "det": tfds.features.Scalar(np.int32),
                    "box": tfds.features.Tensor(shape=(4,), dtype=np.float32),
                }
            ),
            supervised_keys=None,
            homepage="https://scikit-learn.org/stable/datasets/toy_dataset.html",
            citation=CITATION,
            license="CC-BY-4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        del dl_manager  # The digits come with scikit-learn.
        return {
            split: self._generate_examples(split, count)
            for split, count in self.SCENES.items()
        }

    def _generate_examples(self, split: str, count: int) -> Iterator:
        for number, scene in enumerate(scenes.Composer(split).scenes(count)):
            yield (
                number,
                {
                    "image": scene.image,
                    "cls": scene.cls,
                    "det": scene.det,
                    "box": scene.box,
                },
            )
