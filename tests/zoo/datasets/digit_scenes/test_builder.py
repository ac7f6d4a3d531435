import numpy as np
import pytest

from zoo.datasets.digit_scenes import Builder, scenes

SCENES = {"train": 12, "validation": 4, "test": 8}


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    made = Builder(data_dir=str(tmp_path_factory.mktemp("data")))
    made.SCENES = SCENES
    made.download_and_prepare()
    return made


def test_splits_have_their_sizes(builder):
    sizes = {
        name: split.num_examples for name, split in builder.info.splits.items()
    }
    assert sizes == SCENES


def test_examples_are_the_scenes(builder):
    stored = list(builder.as_dataset(split="test").as_numpy_iterator())
    expected = list(scenes.Composer("test").scenes(8))
    by_picture = {scene.image.tobytes(): scene for scene in expected}
    assert len(stored) == len(by_picture) == 8
    for example in stored:
        scene = by_picture[example["image"].tobytes()]
        assert example["cls"] == scene.cls
        assert example["det"] == scene.det
        np.testing.assert_array_equal(example["box"], scene.box)


def test_features_have_the_types_of_the_labels(builder):
    element = builder.as_dataset(split="train").element_spec
    assert element["image"].shape == (64, 64, 1)
    assert {name: spec.dtype.name for name, spec in element.items()} == {
        "image": "uint8",
        "cls": "int32",
        "det": "int32",
        "box": "float32",
    }


def test_full_sizes_fit_the_recipe():
    assert Builder.SCENES["test"] >= 2000
    assert all(
        count % scenes.EMPTY_EVERY == 0 for count in Builder.SCENES.values()
    )
