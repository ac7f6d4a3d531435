"""A folder in the place of a data set: models, batches and tools."""

import json
import os
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from mtl_keras.training import class_weights
from zoo import commands, loading

_SIDE = 64
_CLASSES = ("apple", "banana", "orange")
# As small as the entries can be.
_TEXT = {"units": 8, "depth": 1, "word_units": 4, "spelling_units": 4}


def write_photos(folder, classes=_CLASSES, number=24):
    """Writes images of 64 pixels with a table of labels."""
    folder.mkdir(parents=True)
    lines = ["path,cls,x1,y1,x2,y2"]
    generator = np.random.default_rng(0)
    for index in range(number):
        pixels = generator.integers(0, 60, (_SIDE, _SIDE, 3), np.uint8)
        label = classes[index % len(classes)]
        x, y = 4 + index, 10
        pixels[y : y + 20, x : x + 20, index % len(classes)] = 250
        Image.fromarray(pixels).save(folder / f"{index:02}.png")
        lines.append(f"{index:02}.png,{label},{x},{y},{x + 20},{y + 20}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_sentences(folder):
    """Writes sentences in CoNLL columns."""
    folder.mkdir(parents=True)
    names = ["anna", "otto", "queen", "miles", "nina", "ella"]
    blocks = []
    for index in range(24):
        name = names[index % len(names)]
        if index % 2:
            blocks.append(
                f"# intent = Play\nplay O\nsong{index} O\nby O\n{name} B-who"
            )
        else:
            blocks.append(f"# intent = Call\ncall O\n{name} B-who")
    (folder / "speech.conll").write_text("\n\n".join(blocks) + "\n")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("own") / "photos")


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return write_sentences(tmp_path_factory.mktemp("own") / "speech")


def test_classes_and_tasks_are_those_of_the_folder(tiny, photos):
    model = zoo.load(tiny, data=photos)
    assert set(model.tasks) == {"box", "cls", "det"}
    assert model.tasks["cls"].class_names == _CLASSES
    assert model.output["cls"].shape[-1] == 3
    assert list(zoo.load(tiny, data=str(photos), tasks="box").tasks) == ["box"]


def test_batches_hold_what_the_folder_says(tiny, photos, data_dir):
    labels, sizes = [], {}
    for split in ("train", "validation", "test"):
        dataset = zoo.dataset(
            tiny, split, photos, data_dir=data_dir, training=False
        )
        batches = list(dataset.as_numpy_iterator())
        labels += [label for _, label, _ in batches]
        sizes[split] = sum(len(each["cls"]) for _, each, _ in batches)
    assert sum(sizes.values()) == 24
    assert min(sizes.values()) >= 2
    numbers = np.concatenate([each["cls"] for each in labels])
    assert np.bincount(numbers).tolist() == [8, 8, 8]
    boxes = np.concatenate([each["box"] for each in labels])
    expected = [
        [(4 + i) / 64, 10 / 64, (24 + i) / 64, 30 / 64] for i in range(24)
    ]
    np.testing.assert_allclose(
        sorted(boxes.tolist()), sorted(expected), atol=1e-6
    )


def test_identity_is_that_of_the_content(tiny, photos, data_dir, tmp_path):
    def identity(folder):
        return loading.open_data(tiny, folder, data_dir).identity

    copy = tmp_path / "copy"
    shutil.copytree(photos, copy)
    for path in copy.iterdir():
        # As the files of a copy on another machine.
        os.utime(path, (1e9, 1e9))
    assert identity(copy) == identity(photos)
    Image.new("RGB", (_SIDE, _SIDE)).save(copy / "00.png")
    assert identity(copy) != identity(photos)


def test_a_folder_with_a_known_name_is_reached_by_a_path(
    tiny, tmp_path, monkeypatch
):
    write_photos(tmp_path / "tiny_squares")
    monkeypatch.chdir(tmp_path)
    named = zoo.load(tiny, data="tiny_squares")
    assert named.tasks["cls"].class_names == ("small", "large")
    own = zoo.load(tiny, data="./tiny_squares")
    assert own.tasks["cls"].class_names == _CLASSES


@pytest.mark.parametrize("load", [zoo.load, zoo.dataset])
def test_data_that_are_neither(tiny, tmp_path, load):
    arguments = [tiny] if load is zoo.load else [tiny, "train"]
    with pytest.raises(ValueError, match="mean 'tiny_squares'"):
        load(*arguments, data="tiny_square")
    with pytest.raises(ValueError, match="no such folder"):
        load(*arguments, data=str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="no such folder"):
        load(*arguments, data=tmp_path / "nowhere")


def test_a_class_that_the_model_lacks_is_an_error(tiny, photos, data_dir):
    classes = {"cls": ("apple", "banana")}
    with pytest.raises(ValueError, match="orange"):
        zoo.dataset(tiny, "train", photos, classes=classes, data_dir=data_dir)


def test_labels_of_a_data_set_are_not_those_of_other_classes(tiny, data_dir):
    with pytest.raises(ValueError, match="the data's own 2 classes"):
        zoo.dataset(
            tiny, "test", classes={"cls": ("a", "b", "c")}, data_dir=data_dir
        )


@pytest.mark.slow
def test_vocabulary_is_that_of_the_training_split(speech, data_dir):
    model = zoo.load("intent_slot", speech, data_dir=data_dir, **_TEXT)
    assert model.tasks["intent"].class_names == ("Call", "Play")
    assert model.tasks["slot"].class_names == ("O", "B-who", "I-who")
    words = model.preprocessor.words
    assert {"play", "call", "by"} <= set(words)
    assert not any(word.startswith("song") for word in words)
    dataset = zoo.dataset("intent_slot", "train", speech, data_dir=data_dir)
    inputs, _, _ = next(iter(dataset))
    assert int(np.max(inputs["words"])) < model.preprocessor.num_words
    model.compile()
    model.evaluate(dataset, verbose=0)


@pytest.mark.slow
def test_weights_keep_their_vocabulary_and_trunk(speech, tmp_path, data_dir):
    old = zoo.load("intent_slot", **_TEXT)
    folder = zoo.save(old, tmp_path / "saved")
    model = zoo.load(folder, speech, data_dir=data_dir)
    assert model.preprocessor.words == old.preprocessor.words
    assert model.tasks["intent"].class_names == ("Call", "Play")
    for name in ("word", "trunk_input"):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(model.get_layer(name).weights[0]),
            keras.ops.convert_to_numpy(old.get_layer(name).weights[0]),
        )
    dataset = zoo.dataset(folder, "train[:4]", speech, data_dir=data_dir)
    inputs, _, _ = next(iter(dataset))
    # "play" is a word of SNIPS.
    assert int(np.max(inputs["words"])) > 100
    model.compile()
    model.evaluate(dataset, verbose=0)


def _run(*arguments):
    assert commands.main([str(each) for each in arguments]) == 0


@pytest.mark.slow
def test_tools_train_and_use_a_folder(tiny, photos, data_dir, tmp_path, capsys):
    workdir = tmp_path / "run"
    train = (
        "train",
        "--config=tests/tools/tiny_recipe.py",
        f"--data={photos}",
        f"--workdir={workdir}",
        f"--data_dir={data_dir}",
        "--config.class_weight=balanced",
    )
    _run(*train)
    config = json.loads((workdir / "config.json").read_text())
    assert config["data"] == str(photos)
    assert config["overrides"]["tasks"] == ["cls", "det", "box"]
    model = zoo.load(workdir)
    assert model.tasks["cls"].class_names == _CLASSES
    _run(
        "evaluate",
        f"--workdir={workdir}",
        f"--data_dir={data_dir}",
        f"--output={tmp_path / 'figures.json'}",
    )
    measured = json.loads((tmp_path / "figures.json").read_text())["metrics"]
    report = json.loads((workdir / "report.json").read_text())["metrics"]
    assert measured["cls_loss"] == pytest.approx(report["cls_loss"], rel=1e-5)
    # Other folders are read with the classes of the run.
    other = write_photos(tmp_path / "other", classes=("banana", "apple"))
    _run(
        "evaluate",
        f"--workdir={workdir}",
        f"--data={other}",
        f"--data_dir={data_dir}",
    )
    hidden = photos.rename(photos.with_name("hidden"))
    capsys.readouterr()
    try:
        _run(
            "predict",
            f"--workdir={workdir}",
            f"--output={tmp_path / 'drawn'}",
            hidden / "00.png",
        )
        assert "00.png  det " in capsys.readouterr().out
        _run(
            "export", f"--workdir={workdir}", f"--output={tmp_path / 'served'}"
        )
    finally:
        hidden.rename(photos)
    _run(*train)


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.repeat([0, 1, 2], [50, 30, 5])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert list(class_weights.weights([50, 30, 5]).values()) == pytest.approx(
        expected
    )
    assert class_weights.weights([4, 0]) == {0: 0.5, 1: 1.0}


def test_class_weights_count_the_labels_that_are_present():
    from mtl_keras import Task

    tasks = {
        "cls": Task("cls", "classification", class_names=("a", "b")),
        "det": Task("det", "presence"),
        "slot": Task("slot", "tagging", class_names=("O", "B-x", "I-x")),
        "box": Task("box", "box"),
    }
    batches = [
        (
            {},
            {
                "cls": np.array([0, 0, -1]),
                "det": np.array([[1.0], [0.0], [np.nan]]),
                "slot": np.array([[0, 1], [0, -1], [0, 2]]),
            },
            {},
        ),
        ({}, {"cls": np.array([1]), "det": np.array([[1.0]])}, {}),
    ]
    received = class_weights.resolve("balanced", tasks, batches)
    assert received == {
        "cls": pytest.approx({0: 3 / 4, 1: 3 / 2}),
        "det": pytest.approx({0: 3 / 2, 1: 3 / 4}),
        "slot": pytest.approx({0: 5 / 9, 1: 5 / 3, 2: 5 / 3}),
    }
    assert class_weights.resolve({"cls": {0: 2.0}}, tasks, None) == {
        "cls": {0: 2.0}
    }
    assert class_weights.resolve(None, tasks, None) is None
    for setting, message in (
        ({"clss": "balanced"}, "mean 'cls'"),
        ({"box": "balanced"}, "no class numbers"),
        ("equal", "must be 'balanced'"),
    ):
        with pytest.raises(ValueError, match=message):
            class_weights.resolve(setting, tasks, batches)
