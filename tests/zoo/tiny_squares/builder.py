"""A bright square on a dark ground, or nothing: prepared in an instant."""

import numpy as np
import tensorflow_datasets as tfds


class Builder(tfds.core.GeneratorBasedBuilder):
    """Squares of 3 pixels (class 0) or 5 (class 1) on 12x12 pixels."""

    name = "tiny_squares"
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(12, 12, 1)),
            "cls": tfds.features.Scalar(np.int32),
            "det": tfds.features.Scalar(np.int32),
            "box": tfds.features.Tensor(shape=(4,), dtype=np.float32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            license="CC0-1.0",
        )

    def _split_generators(self, dl_manager):
        sizes = {"train": 20, "validation": 10, "test": 10}
        return {
            split: self._generate_examples(seed, size)
            for seed, (split, size) in enumerate(sizes.items())
        }

    def _generate_examples(self, seed, size):
        rng = np.random.default_rng(seed)
        for number in range(size):
            image = rng.integers(0, 40, (12, 12, 1), dtype=np.uint8)
            label, box = -1, np.full(4, np.nan, np.float32)
            if number % 4:
                label = number % 2
                side = (3, 5)[label]
                x, y = rng.integers(0, 12 - side, 2)
                image[y : y + side, x : x + side] = 255
                box = np.array([x, y, x + side, y + side], np.float32) / 12
            yield (
                number,
                {
                    "image": image,
                    "cls": label,
                    "det": int(label >= 0),
                    "box": box,
                },
            )
