"""Models and data by name, and what is said of wrong arguments."""

import shutil
from concurrent import futures

import numpy as np
import pytest
from ml_collections import ConfigDict

import zoo
from tests import test_case as case
from tests.zoo import tiny_squares
from zoo import preparation, weights


def test_model_carries_its_parts(tiny):
    model = zoo.load(tiny)
    assert list(model.tasks) == ["box", "cls", "det"]
    assert model.preprocessor.height == 12
    assert model.postprocessor.height == 12


def test_overrides_reach_the_model(tiny):
    assert zoo.load(tiny, width=7).get_layer("conv0").filters == 7
    assert list(zoo.load(tiny, tasks=["det"]).tasks) == ["det"]
    assert list(zoo.load(tiny, tasks="det").tasks) == ["det"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"data": "tiny_square"},
            "Unknown data of 'tiny_squares_net'.*mean 'tiny_squares'",
        ),
        (
            {"widht": 3},
            "Unknown override of 'tiny_squares_net': 'widht'.*mean 'width'",
        ),
        (
            {"tasks": ["det", "bxo"]},
            "Unknown task: 'bxo'.*mean 'box'",
        ),
        ({"weights": "tiny"}, "Unknown weights of 'tiny_squares_net'"),
    ],
)
def test_wrong_arguments_of_load(tiny, arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(tiny, **arguments)


def test_dataset_has_inputs_labels_and_weights(tiny, data_dir):
    dataset = zoo.dataset(tiny, "test", batch_size=4, data_dir=data_dir)
    batches = list(dataset.as_numpy_iterator())
    inputs, labels, weights = batches[0]
    assert inputs["image"].shape == (4, 12, 12, 1)
    assert set(labels) == set(weights) == {"box", "cls", "det"}
    np.testing.assert_array_equal(weights["cls"], labels["cls"] >= 0)
    assert [len(batch[1]["det"]) for batch in batches] == [4, 4, 2]


def test_of_two_that_prepare_at_once_one_waits(tiny, tmp_path):
    calls = []
    prepare = tiny_squares.Builder._generate_examples

    def counted(self, *args):
        calls.append(args)
        return prepare(self, *args)

    def batches(_):
        dataset = zoo.dataset(tiny, "test", batch_size=4, data_dir=tmp_path)
        return [case.to_numpy(x["image"]) for x, *_ in dataset]

    with (
        pytest.MonkeyPatch.context() as patch,
        futures.ThreadPoolExecutor(2) as pool,
    ):
        patch.setattr(tiny_squares.Builder, "_generate_examples", counted)
        one, other = pool.map(batches, range(2))
    assert len(calls) == len(set(calls)) > 0
    np.testing.assert_array_equal(np.concatenate(one), np.concatenate(other))


def test_dataset_of_some_tasks(tiny, data_dir):
    dataset = zoo.dataset(tiny, "test", data_dir=data_dir, tasks=["det"])
    _, labels, _ = next(dataset.as_numpy_iterator())
    assert set(labels) == {"det"}


@pytest.mark.slow
def test_training_split_is_shuffled_by_seed_and_epoch(tiny, data_dir):
    def read(**arguments):
        dataset = zoo.dataset(tiny, data_dir=data_dir, **arguments)
        inputs, _, _ = next(dataset.as_numpy_iterator())
        return inputs["image"]

    first = read(split="train", seed=1, epoch=0)
    np.testing.assert_array_equal(first, read(split="train", seed=1, epoch=0))
    assert (first != read(split="train", seed=1, epoch=1)).any()
    assert (first != read(split="train", training=False)).any()
    np.testing.assert_array_equal(
        read(split="test", seed=1), read(split="test", seed=2)
    )


@pytest.mark.slow
def test_part_of_the_training_split_is_for_training_too(tiny, data_dir):
    dataset = zoo.dataset(tiny, "train[:8]", data_dir=data_dir, batch_size=8)
    runs = [next(dataset.as_numpy_iterator())[0]["image"] for _ in range(4)]
    assert any((runs[0] != other).any() for other in runs[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "tset"}, "Unknown split of 'tiny_squares'.*mean 'test'"),
        ({"split": "test[:3]+dev"}, "Unknown split of 'tiny_squares'"),
        ({"split": "test[:0]"}, "at least one example.*'test' has 10 examples"),
        ({"split": "test[:99]"}, "'test' has 10 examples.*'test.:99.'"),
        ({"split": "test[:abc]"}, "such as 'test.:10%.'.*'test.:abc.'"),
        ({"split": "test", "data": "squares"}, "Unknown data"),
        ({"split": "test", "tasks": "clss"}, "Unknown task.*mean 'cls'"),
        ({"split": "test", "widht": 3}, "Unknown override.*mean 'width'"),
    ],
)
def test_wrong_arguments_of_dataset(tiny, data_dir, arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.dataset(tiny, data_dir=data_dir, **arguments)


def test_data_of_other_columns_are_named(tiny, data_dir, tmp_path):
    zoo.dataset(tiny, "test", data_dir=data_dir)
    shutil.copytree(data_dir / "tiny_squares", tmp_path / "tiny_squares")
    (features,) = tmp_path.rglob("features.json")
    text = features.read_text().replace('"det"', '"detected"')
    features.write_text(text)
    message = "'det', 'detected'. Delete the folder .*tiny_squares/1.0.0'"
    with pytest.raises(ValueError, match=message):
        zoo.dataset(tiny, "test", data_dir=tmp_path)


def test_overrides_reach_preprocessor_and_postprocessor():
    model = zoo.load("cls_det_box", image_size=32)
    assert model.input["image"].shape[1:3] == (32, 32)
    assert model.preprocessor.height == model.preprocessor.width == 32
    assert model.postprocessor.height == model.postprocessor.width == 32


def test_tasks_of_the_weights_are_built_unless_others_are_named(tiny):
    overrides = {"tasks": ("det", "cls")}
    trained = weights.Weights("a.keras", overrides=overrides)
    trained.load_into = lambda model: None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "find", lambda card, name: trained)
        assert list(zoo.load(tiny, weights="a").tasks) == ["cls", "det"]
        model = zoo.load(tiny, weights="a", tasks=["box"])
    assert list(model.tasks) == ["box"]


@pytest.mark.slow
def test_datasets_of_a_recipe(tiny, data_dir):
    recipe = ConfigDict(
        {
            "model": tiny,
            "seed": 3,
            "batch_size": 4,
            "overrides": {"tasks": ("det",)},
            "splits": {"train": "train[:12]", "test": "test[:3]"},
        }
    )
    datasets = preparation.make_datasets(recipe, data_dir)
    assert "1.0.0, test " in datasets.pop("identity")
    sizes = {
        name: sum(len(labels["det"]) for _, labels, _ in dataset)
        for name, dataset in {**datasets, "train": datasets["train"](0)}.items()
    }
    assert sizes == {"train": 12, "validation": 10, "test": 3}
    assert set(datasets["test"].element_spec[1]) == {"det"}

    def first(epoch):
        return next(datasets["train"](epoch).as_numpy_iterator())[0]["image"]

    np.testing.assert_array_equal(first(1), first(1))
    assert (first(1) != first(2)).any()
