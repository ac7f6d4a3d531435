"""Rows of three columns, some of them missing: prepared in an instant."""

import numpy as np
import tensorflow_datasets as tfds

JOBS = ("baker", "nurse", "")


class Builder(tfds.core.GeneratorBasedBuilder):
    """`old` and `price` follow from the columns `age`, `size` and `job`."""

    name = "tiny_table"
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        scalar = tfds.features.Scalar
        features = {
            "age": scalar(np.float32),
            "size": scalar(np.float32),
            "job": tfds.features.Text(),
            "old": scalar(np.int32),
            "price": scalar(np.float32),
            "kind": scalar(np.int32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            license="CC0-1.0",
        )

    def _split_generators(self, dl_manager):
        sizes = {"train": 160, "validation": 60, "test": 80}
        return {
            split: self._generate_examples(seed, size)
            for seed, (split, size) in enumerate(sizes.items())
        }

    def _generate_examples(self, seed, size):
        rng = np.random.default_rng(seed)
        for number in range(size):
            age, length = rng.uniform(0, 80), rng.normal()
            job = JOBS[rng.integers(3)]
            yield (
                number,
                {
                    "age": age,
                    "size": np.nan if number % 7 == 0 else length,
                    "job": job,
                    "old": -1 if number % 11 == 0 else int(age > 40),
                    "price": age / 20 + (job == "nurse"),
                    "kind": int(job == "nurse"),
                },
            )
