"""`layout` and `columns`: folders that do not say it themselves."""

import json
import pathlib
import shutil

import numpy as np
import pytest

import zoo
from tests.zoo.test_own_data import write_photos
from zoo import commands, own_data, registry

_RECIPE = pathlib.Path(__file__).parents[1] / "tools" / "tiny_recipe.py"
_COLUMNS = {"cls": "fruit", "box": ["left", "top", "right", "bottom"]}
_FLAG = "cls=fruit,box=left,box=top,box=right,box=bottom"


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    """Photos whose columns have other names, and another `cls` beside."""
    folder = write_photos(tmp_path_factory.mktemp("renamed") / "photos")
    table = folder / "labels.csv"
    _, *rows = table.read_text().splitlines()
    lines = ["path,fruit,left,top,right,bottom,cls"]
    lines += [f"{row},{'ab'[i % 2]}" for i, row in enumerate(rows)]
    table.write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def ambiguous(tmp_path_factory):
    """A folder a class, with a table that says otherwise."""
    folder = write_photos(tmp_path_factory.mktemp("ambiguous") / "photos")
    for index in range(24):
        target = folder / ("even" if index % 2 == 0 else "odd")
        target.mkdir(exist_ok=True)
        shutil.move(folder / f"{index:02}.png", target / f"{index:02}.png")
    return folder


@pytest.mark.slow
def test_columns_decide_the_labels(tiny, renamed, data_dir):
    model = zoo.load(tiny, data=renamed, columns=_COLUMNS)
    assert model.tasks["cls"].class_names == ("apple", "banana", "orange")
    plain = zoo.load(tiny, data=renamed)
    assert plain.tasks["cls"].class_names == ("a", "b")
    assert "box" not in plain.tasks
    boxes = [
        labels["box"]
        for split in ("train", "validation", "test")
        for _, labels, _ in zoo.dataset(
            tiny,
            split,
            renamed,
            data_dir=data_dir,
            training=False,
            columns=_COLUMNS,
        ).as_numpy_iterator()
    ]
    left = np.sort(np.concatenate(boxes)[:, 0])
    np.testing.assert_allclose(left, (4 + np.arange(24)) / 64, atol=1e-6)


def test_layout_decides_between_two(tiny, ambiguous):
    by_table = zoo.load(tiny, data=ambiguous)
    assert by_table.tasks["cls"].class_names == ("apple", "banana", "orange")
    by_folder = zoo.load(tiny, data=ambiguous, layout="class folders")
    assert by_folder.tasks["cls"].class_names == ("even", "odd")
    assert list(by_folder.tasks) == ["cls"]


@pytest.mark.slow
def test_tools_take_columns_and_a_workdir_remembers_them(
    tiny, renamed, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "prepared"))
    workdir = tmp_path / "run"
    assert (
        commands.main(
            [
                "train",
                f"--config={_RECIPE}",
                f"--data={renamed}",
                f"--columns={_FLAG}",
                f"--workdir={workdir}",
            ]
        )
        == 0
    )
    config = json.loads((workdir / "config.json").read_text())
    assert config["columns"] == _COLUMNS
    assert (
        f"--columns={_FLAG}"
        in (json.loads((workdir / "report.json").read_text())["command"])
    )
    capsys.readouterr()
    assert commands.main(["evaluate", f"--workdir={workdir}"]) == 0
    assert "box" in capsys.readouterr().out
    model = zoo.load(workdir)
    assert model.tasks["cls"].class_names == ("apple", "banana", "orange")
    _, labels, _ = next(zoo.dataset(workdir, "test").as_numpy_iterator())
    assert set(labels) == set(model.tasks) >= {"box", "cls"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"clss": "fruit"}}, "role in `columns`.*mean 'cls'"),
        ({"columns": {"cls": "fruits"}}, "mean 'fruit'"),
        ({"columns": "cls=fruit"}, "dict of task to column"),
        ({"layout": "COCCO"}, "Unknown layout.*mean 'COCO'"),
    ],
)
def test_wrong_options_are_explained(tiny, renamed, options, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(tiny, data=renamed, **options)


def test_options_without_a_folder_are_an_error(tiny):
    with pytest.raises(ValueError, match="how a folder of your own is read"):
        zoo.load(tiny, columns={"cls": "fruit"})


def test_column_of_a_presence_task_names_a_class(tmp_path):
    folder = tmp_path / "photos"
    write_photos(folder, number=6)
    (folder / "labels.csv").unlink()
    for index in range(6):
        shape = {
            "label": ("apple", "pear")[index % 2],
            "points": [[4, 4], [20, 20]],
            "shape_type": "rectangle",
        }
        text = json.dumps({"shapes": [shape]})
        (folder / f"{index:02}.json").write_text(text)
    entry = registry.find("cls_det_box").entry

    def presence(column):
        options = own_data.reading(entry, columns={"det": column})
        source = own_data.read(entry, folder, options=options)
        return [example.labels["det"] for example in source.examples()]

    assert presence("pear") == [0, 1, 0, 1, 0, 1]
    with pytest.raises(ValueError, match="class for 'det'.*mean 'pear'"):
        presence("paer")
