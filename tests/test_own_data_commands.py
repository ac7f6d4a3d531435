"""The README's five commands, from a folder to a served model."""

import pathlib
import re
import shlex

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from zoo import commands

_README = pathlib.Path(__file__).parents[1] / "README.md"
_SECTION = "## Your own data in five commands"
# One epoch of the smallest models.
_SMALL = {
    "cls_det_box": ["--config.overrides.width=0.25"],
    "intent_slot": [
        "--config.overrides.units=8",
        "--config.overrides.depth=1",
        "--config.overrides.word_units=4",
        "--config.overrides.spelling_units=4",
        "--config.overrides.crf=False",
    ],
}
_OBJECT = """<annotation><filename>{name}</filename><object>
<name>{label}</name><bndbox><xmin>{x}</xmin><ymin>8</ymin><xmax>{x_end}</xmax>
<ymax>28</ymax></bndbox></object></annotation>
"""


def _commands():
    section = _README.read_text(encoding="utf-8").split(_SECTION)[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL).group(1)
    lines = [shlex.split(line) for line in block.strip().splitlines()]
    assert all(line[:2] == ["python", "-m"] for line in lines)
    return [[line[2].removeprefix("tools."), *line[3:]] for line in lines]


def _run(lines, model):
    for name, *arguments in lines:
        if name == "train":
            arguments += [
                "--config.epochs=1",
                "--config.batch_size=8",
                *_SMALL[model],
            ]
        assert commands.main([name, *arguments]) == 0, name


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "prepared"))
    return tmp_path


def test_there_are_five():
    names = [line[0] for line in _commands()]
    assert names == ["inspect", "train", "evaluate", "predict", "export"]


@pytest.mark.slow
def test_images_with_pascal_voc_files(folder):
    photos = folder / "photos"
    photos.mkdir()
    generator = np.random.default_rng(0)
    for index in range(24):
        label, x = ("apple", "pear")[index % 2], 4 + index
        pixels = generator.integers(0, 80, (64, 64, 3), np.uint8)
        pixels[8:28, x : x + 20, index % 2] = 250
        name = f"{index:02}.png"
        Image.fromarray(pixels).save(photos / name)
        text = _OBJECT.format(name=name, label=label, x=x, x_end=x + 20)
        (photos / f"{index:02}.xml").write_text(text)
    _run(_commands(), "cls_det_box")
    model = zoo.load("runs/photos")
    assert model.tasks["cls"].class_names == ("apple", "pear")
    assert len(list((folder / "predictions").glob("*.png"))) == 24
    served = tf.saved_model.load("served/photos/1")
    image = (photos / "00.png").read_bytes()
    outputs = served.signatures["serving_default"](image=tf.constant([image]))
    assert outputs["cls_name"].numpy()[0] in (b"apple", b"pear")
    inputs, _ = model.preprocessor({"image": tf.constant([image])})
    expected = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(
        outputs["cls"].numpy(), expected["cls"], atol=1e-5
    )


@pytest.mark.slow
def test_sentences_in_conll_columns(folder):
    speech = folder / "speech"
    speech.mkdir()
    names = ("anna", "otto", "nina", "miles")
    blocks = [
        f"# intent = Call\ncall O\nnumber{i} O\n{names[i % 4]} B-who"
        if i % 2
        else f"# intent = Play\nplay O\nsong{i} O\n{names[i % 4]} B-who"
        for i in range(32)
    ]
    (speech / "all.conll").write_text("\n\n".join(blocks) + "\n")
    lines = [
        [word.replace("photos", "speech") for word in line]
        for line in _commands()
    ]
    for line in lines:
        line[:] = [w.replace("cls_det_box", "intent_slot") for w in line]
        if line[0] == "predict":
            line[-1] = "call anna"
    _run(lines, "intent_slot")
    served = tf.saved_model.load("served/speech/1")
    outputs = served.signatures["serving_default"](
        text=tf.constant(["call anna"])
    )
    assert outputs["intent_name"].numpy()[0] in (b"Call", b"Play")
