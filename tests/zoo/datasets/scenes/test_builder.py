import numpy as np
import pytest

from zoo.datasets.scenes import Builder, scenes

SCENES = {"train": 4, "validation": 2, "test": 3}


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
    expected = {
        scene.image.tobytes(): scene
        for scene in scenes.Composer("test").scenes(3)
    }
    assert len(stored) == len(expected) == 3
    for example in stored:
        scene = expected[example["image"].tobytes()]
        mask = example["segmentation"]
        np.testing.assert_array_equal(mask[..., 0], scene.segmentation)
        np.testing.assert_array_equal(example["depth"], scene.depth)
        np.testing.assert_array_equal(example["normals"], scene.normals)
