import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from mtl_keras import LabelSpec, Task, data

CLS = Task("cls", label=LabelSpec((), "int32", missing=-1))


class Squares(tfds.core.GeneratorBasedBuilder):
    """Five pictures, number n of one gray value n * 10."""

    VERSION = tfds.core.Version("1.0.0")
    # tfds reads a file beside the builder otherwise.
    pkg_dir_path = None

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "picture": tfds.features.Image(shape=(6, 6, 1)),
                    "number": tfds.features.ClassLabel(num_classes=5),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(5):
            picture = np.full((6, 6, 1), number * 10, "uint8")
            yield number, {"picture": picture, "number": number}


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    builder = Squares(data_dir=tmp_path_factory.mktemp("tfds"))
    builder.download_and_prepare()
    return builder


def example(element):
    return {"image": element["picture"]}, {"cls": element["number"]}


def test_a_builder_gives_encoded_pictures_to_a_preprocessor(builder):
    kinds = []

    def seen(element):
        kinds.append(element["picture"].dtype)
        return example(element)

    dataset = data.pipeline(
        (builder, "train"),
        [CLS],
        example=seen,
        preprocessor=data.ImagePreprocessor(6, 6, 1),
    )
    assert kinds == [tf.string]
    assert len(dataset) == 1
    ((inputs, labels, _),) = dataset
    np.testing.assert_allclose(
        inputs["image"][:, 0, 0, 0], labels["cls"].numpy() * 10 / 255
    )


def test_without_a_preprocessor_pictures_are_decoded(builder):
    ((inputs, _, _),) = data.pipeline(
        (builder, "train"), [CLS], example=example
    )
    assert inputs["image"].dtype == tf.uint8
    assert inputs["image"].shape == (5, 6, 6, 1)


def test_a_slice_of_a_split(builder):
    ((_, labels, _),) = data.pipeline(
        (builder, "train[:2]"), [CLS], example=example
    )
    assert len(labels["cls"]) == 2


def test_an_unknown_split_is_named(builder):
    with pytest.raises(ValueError, match="Did you mean 'train'"):
        data.pipeline((builder, "trian[:2]"), [CLS], example=example)


def test_a_builder_without_data_is_named(tmp_path):
    with pytest.raises(ValueError, match="download_and_prepare"):
        data.pipeline((Squares(data_dir=tmp_path), "train"), [CLS])
