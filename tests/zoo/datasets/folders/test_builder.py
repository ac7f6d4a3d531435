"""A folder is prepared by TensorFlow Datasets, anew when it changes."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mtl_keras.data import sources
from tests.zoo.datasets.folders import generated
from zoo.datasets import folders

tfds.display_progress_bar(False)


def _source(name, folder):
    make, kinds, inputs = generated.LAYOUTS[name]
    return folders.read(generated.fresh(folder, make), kinds, inputs)


def _prepared(source, data_dir):
    builder = source.builder(data_dir)
    builder.download_and_prepare()
    return builder


def _examples(source, builder, split="all"):
    dataset = sources.examples((builder, split)).map(source.example())
    return list(dataset.as_numpy_iterator())


# One layout of each kind of input.
@pytest.mark.parametrize("name", ["voc", "conll", "table_csv", "recordings"])
def test_examples_come_out_as_they_were_read(name, tmp_path, capsys):
    source = _source(name, tmp_path / "data")
    builder = _prepared(source, tmp_path / "tfds")
    capsys.readouterr()
    assert set(builder.info.splits) == {"train", "validation", "test"}
    written = sorted(_written(source, example) for example in source.examples())
    read = []
    for raw, labels in _examples(source, builder):
        read.append(_comparable(raw, labels))
    assert sorted(read) == written


def _written(source, example):
    raw = dict(example.inputs)
    for key in ("image", "audio"):
        if key in raw:
            raw[key] = source.listing.path(raw[key]).read_bytes()
    if "tokens" in raw:
        raw = {"text": " ".join(raw["tokens"]).encode()}
    if source.inputs == "table":
        raw = {
            "rooms": float(raw["rooms"]),
            "heating": raw["heating"].encode(),
        }
    return _comparable(raw, source.encode(example))


def _comparable(raw, labels):
    raw = {
        k: v.item() if isinstance(v, np.generic) else v for k, v in raw.items()
    }
    numbers = {
        task: np.round(np.ravel(np.asarray(label, np.float64)), 4).tolist()
        for task, label in labels.items()
    }
    return repr(sorted(raw.items())), repr(sorted(numbers.items()))


def test_an_unchanged_folder_is_prepared_once(tmp_path, capsys):
    source = _source("sentence_csv", tmp_path / "data")
    builder = _prepared(source, tmp_path / "tfds")
    make, kinds, inputs = generated.LAYOUTS["sentence_csv"]
    again = folders.read(tmp_path / "data", kinds, inputs)
    assert again.builder(tmp_path / "tfds").info.splits
    assert again.builder(tmp_path / "tfds").data_dir == builder.data_dir
    capsys.readouterr()


def test_a_changed_folder_is_prepared_anew(tmp_path, capsys):
    source = _source("sentence_csv", tmp_path / "data")
    first = _prepared(source, tmp_path / "tfds")
    with open(tmp_path / "data" / "data.csv", "a") as file:
        file.write("play new jazz,Play,O O B-genre,train\n")
    _, kinds, inputs = generated.LAYOUTS["sentence_csv"]
    source = folders.read(tmp_path / "data", kinds, inputs)
    second = source.builder(tmp_path / "tfds")
    assert not second.info.splits
    second.download_and_prepare()
    capsys.readouterr()
    counts = [
        builder.info.splits.total_num_examples for builder in (first, second)
    ]
    assert counts == [10, 11]


def test_other_tasks_are_prepared_apart(tmp_path):
    source = _source("csv_pixels", tmp_path / "data")
    other = folders.read(tmp_path / "data", {"cls": "classification"})
    assert source.digest() != other.digest()


def test_a_damaged_folder_is_refused_by_file_and_line(tmp_path, capsys):
    source = _source("csv_pixels", tmp_path / "data")
    path = tmp_path / "data" / "train" / "img3.png"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(folders.DataError, match="train/img3.png: .*whole"):
        _prepared(source, tmp_path / "tfds")
    capsys.readouterr()


def test_a_folder_feeds_the_pipeline_of_a_model(tmp_path, capsys):
    from mtl_keras import Task, data

    source = _source("csv_fractions", tmp_path / "data")
    path = tmp_path / "data" / "labels.csv"
    # The second image has no label at all.
    lines = path.read_text().splitlines()
    lines[2] = ",".join([*lines[2].split(",")[:2], *"?????"])
    path.write_text("\n".join(lines))
    source = folders.read(tmp_path / "data", source.kinds)
    builder = _prepared(source, tmp_path / "tfds")
    capsys.readouterr()
    tasks = [
        Task(name, kind, class_names=source.class_names.get(name, ()))
        for name, kind in source.kinds.items()
    ]
    inputs, labels, weights = next(
        iter(
            data.pipeline(
                (builder, "train+validation"),
                tasks,
                preprocessor=data.ImagePreprocessor(24, 24, 3),
                example=source.example(),
                batch_size=12,
                training=False,
            )
        )
    )
    assert inputs["image"].shape == (12, 24, 24, 3)
    for name in source.kinds:
        assert sorted(weights[name].numpy()) == [0.0] + [1.0] * 11
    assert sorted(labels["cls"].numpy()) == [-1] + [0] * 4 + [1] * 3 + [2] * 4
