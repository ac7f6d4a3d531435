"""TensorFlow Datasets builder of a user's folder."""

import dataclasses
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import mask_labels
from zoo.datasets.folders import array_files, image_files, maps
from zoo.datasets.folders.division import Division
from zoo.datasets.folders.values import number

_DESCRIPTION = """
Examples of a folder of one's own, as `zoo.datasets.folders` reads it. Missing
labels are -1 or NaN, and 255 in masks.
"""


@dataclasses.dataclass
class Config(tfds.core.BuilderConfig):
    """A folder, named by its content.

    Attributes:
        source: `Source`.
    """

    source: object = None

    @classmethod
    def of(cls, source) -> "Config":
        """Makes the configuration of a source."""
        name = re.sub(r"[^A-Za-z0-9]+", "_", source.folder.resolve().name)
        name = f"{name.strip('_') or 'folder'}-{source.digest()[:16]}"
        return cls(name=name, source=source)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds the data set of a user's folder.

    Features of an example: `image`, `audio` or `clip` (a file's bytes),
    `tokens` (strings), or `columns` (a table's inputs); and one feature a
    task, under the task's name.
    """

    name = "folder"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First readers."}
    BUILDER_CONFIGS = []

    def _info(self) -> tfds.core.DatasetInfo:
        source = self.builder_config.source
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    **_input_features(source),
                    **{
                        task: _label_feature(kind, source.class_names.get(task))
                        for task, kind in source.kinds.items()
                    },
                }
            ),
            supervised_keys=None,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        del dl_manager
        source = self.builder_config.source
        source.check(decode=True)
        # name / configuration / version
        division = source.division(Path(str(self.data_dir)).parents[2])
        return {
            split: self._generate_examples(split, division)
            for split in division.splits
        }

    def _generate_examples(self, split: str, division: Division) -> Iterator:
        source = self.builder_config.source
        for position, example in enumerate(source.examples()):
            if division.split_of(example) == split:
                features = {
                    **_inputs(source, example),
                    **source.encode(example),
                }
                for task, kind in source.kinds.items():
                    if kind == "detection":
                        # An image without objects has a list of none.
                        rows = np.array(features[task], np.float32)
                        features[task] = rows.reshape(-1, 5)
                    elif kind == "count":
                        counted = np.array(features[task], np.float32)
                        features[task] = counted
                for task in _mask_tasks(source.kinds):
                    features[task] = source.mask(example, task)[..., None]
                for task, kind in source.kinds.items():
                    if kind in maps.CHANNELS:
                        features[task] = source.map(example, task)
                yield position, features


def of(source, data_dir=None) -> Builder:
    """Makes the builder of a source; see `Source.builder`."""
    # It warns of every configuration that its class does not list.
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return Builder(
            config=Config.of(source),
            data_dir=None if data_dir is None else str(data_dir),
        )
    finally:
        logger.setLevel(level)


def example_of(inputs: str, kinds: dict):
    """Makes the function from an example to raw inputs and labels.

    Args:
        inputs: String, as for `folders.read`.
        kinds: Dict of task name to kind.

    Returns:
        Function of a dict of tensors; see `Source.example`.
    """

    def split(element):
        import tensorflow as tf

        from mtl_keras.data import objects

        labels = {task: element[task] for task in kinds}
        for task in _mask_tasks(kinds):
            labels[task] = mask_labels.class_numbers(labels[task])
        for task, kind in kinds.items():
            if kind == "detection":
                labels[task] = objects.padded(labels[task])
        if inputs == "text":
            text = tf.strings.reduce_join(element["tokens"], separator=" ")
            return {"text": text}, labels
        if inputs == "table":
            return dict(element["columns"]), labels
        return {inputs: element[inputs]}, labels

    return split


def _input_features(source) -> dict:
    if source.inputs == "image":
        return {"image": tfds.features.Image()}
    if source.inputs in ("audio", "clip"):
        return {source.inputs: tfds.features.Text()}
    if source.inputs == "text":
        return {"tokens": tfds.features.Sequence(tfds.features.Text())}
    features = {
        name: tfds.features.Scalar(np.float32)
        if kind == "number"
        else tfds.features.Text()
        for name, kind in source.column_types.items()
    }
    return {"columns": tfds.features.FeaturesDict(features)}


def _mask_tasks(kinds):
    return [task for task, kind in kinds.items() if kind == "mask"]


def _label_feature(kind, class_names):
    if kind == "mask":
        return tfds.features.Image(
            shape=(None, None, 1), dtype=np.uint8, encoding_format="png"
        )
    if kind in maps.CHANNELS:
        return tfds.features.Tensor(
            shape=(None, None, *maps.CHANNELS[kind]),
            dtype=np.float32,
            encoding="zlib",
        )
    if kind == "tagging":
        return tfds.features.Sequence(tfds.features.Scalar(np.int32))
    if kind in ("classification", "presence"):
        return tfds.features.Scalar(np.int32)
    if kind == "detection":
        return tfds.features.Tensor(shape=(None, 5), dtype=np.float32)
    if kind == "count":
        size = len(class_names)
        return tfds.features.Tensor(shape=(size,), dtype=np.float32)
    if kind == "regression":
        return tfds.features.Scalar(np.float32)
    size = 4 if kind == "box" else 2
    return tfds.features.Tensor(shape=(size,), dtype=np.float32)


def _inputs(source, example) -> dict:
    inputs = example.inputs
    if source.inputs == "image":
        path = source.listing.path(inputs["image"])
        if array_files.is_array(path):
            return {"image": image_files.pixels(path)}
        return {"image": str(path)}
    if source.inputs in ("audio", "clip"):
        path = source.listing.path(inputs[source.inputs])
        return {source.inputs: path.read_bytes()}
    if source.inputs == "text":
        return {"tokens": inputs["tokens"]}
    types = source.column_types
    return {
        "columns": {
            name: _cell(inputs.get(name), kind) for name, kind in types.items()
        }
    }


def _cell(value, kind):
    if kind == "category":
        return value or ""
    return np.float32(np.nan if value is None else number(value))
