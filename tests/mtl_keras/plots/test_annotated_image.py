import numpy as np
import pytest

from mtl_keras import plots
from mtl_keras.plots import marks
from tests.mtl_keras.plots.scenes import (
    BOX,
    CLS,
    DET,
    TASKS,
    SceneTask,
    count,
    one_hot,
    read_png,
)

BLUE = marks.box_colour(None)
OUTPUT = {"cls": one_hot(7), "det": [0.9], "box": [0.25, 0.5, 0.75, 0.875]}


def grey(height, width):
    return np.full((height, width, 3), 60, np.uint8)


@pytest.mark.parametrize("size", [(64, 64), (481, 333), (1, 1), (20, 900)])
def test_the_image_keeps_its_resolution(tmp_path, size):
    path = plots.draw(grey(*size), TASKS, OUTPUT, tmp_path / "new" / "a.png")
    assert read_png(path).shape == (*size, 3)


def test_pixels_without_a_mark_are_the_image(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    pixels = read_png(plots.draw(image, TASKS, OUTPUT, tmp_path / "a.png"))
    np.testing.assert_array_equal(pixels[:, :90], image[:, :90])
    np.testing.assert_array_equal(
        pixels[160:250, 110:290], image[160:250, 110:290]
    )


def test_the_line_lies_on_the_box(tmp_path):
    pixels = read_png(
        plots.draw(grey(400, 480), TASKS, OUTPUT, tmp_path / "a.png")
    )
    for y, x in ((350, 240), (300, 120), (300, 360)):
        assert count(pixels[y, x][None, None], BLUE) == 1, (y, x)


def test_a_small_image_may_be_enlarged(tmp_path):
    for enlarge, side in ((3, 192), (None, 256)):
        path = plots.draw(
            grey(64, 64), TASKS, OUTPUT, tmp_path / "a.png", enlarge=enlarge
        )
        assert read_png(path).shape == (side, side, 3)
    path = plots.draw(
        grey(300, 500), TASKS, OUTPUT, tmp_path / "a.png", enlarge=None
    )
    assert read_png(path).shape == (300, 500, 3)


def test_none_has_no_box(tmp_path):
    output = {**OUTPUT, "det": [0.2]}
    pixels = read_png(
        plots.draw(grey(200, 200), TASKS, output, tmp_path / "a.png")
    )
    assert count(pixels, BLUE) == 0
    # It says so in a corner.
    assert (pixels[:20, :100].max(axis=-1) > 200).any()


def test_pixels_of_an_export_are_preferred(tmp_path):
    fractions = plots.draw(grey(200, 100), [BOX], OUTPUT, tmp_path / "a.png")
    export = {"box": [0, 0, 0.1, 0.1], "box_pixels": [25, 100, 75, 175]}
    exported = plots.draw(grey(200, 100), [BOX], export, tmp_path / "b.png")
    assert fractions.read_bytes() == exported.read_bytes()


def test_a_batch_of_one_is_the_same(tmp_path):
    batch = {name: np.asarray(value)[None] for name, value in OUTPUT.items()}
    single = plots.draw(grey(200, 200), TASKS, OUTPUT, tmp_path / "a.png")
    batched = plots.draw(grey(200, 200), TASKS, batch, tmp_path / "b.png")
    assert single.read_bytes() == batched.read_bytes()


@pytest.mark.parametrize("tasks", [[CLS], [DET], [BOX], [CLS, BOX]])
def test_a_model_with_some_of_the_kinds(tmp_path, tasks):
    pixels = read_png(
        plots.draw(grey(200, 200), tasks, OUTPUT, tmp_path / "a.png")
    )
    assert (pixels != 60).any()


def test_several_boxes_carry_their_names(tmp_path):
    tasks = [SceneTask("left", "box"), SceneTask("right", "box")]
    output = {"left": [0.1, 0.3, 0.4, 0.6], "right": [0.5, 0.3, 0.9, 0.6]}
    pixels = read_png(
        plots.draw(grey(300, 300), tasks, output, tmp_path / "a.png")
    )
    # The names stand on the boxes' colour.
    assert count(pixels[72:88, 25:150], BLUE) > 100
    assert count(pixels[72:88, 150:], BLUE) > 100


@pytest.mark.parametrize("width", [256, 60])
def test_a_long_name_is_cut_to_the_image(tmp_path, drawn, width):
    task = SceneTask("cls", "classification", ("long name " * 20,) * 10)
    output = {"cls": one_hot(7), "box": OUTPUT["box"]}
    plots.draw(grey(256, width), [task, BOX], output, tmp_path / "a.png")
    assert len(drawn.texts) == 1
    assert drawn.strings[0].startswith("long")
    drawn.check_texts()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((1, 8, 8, 3))}, "An image to draw must have"),
        ({"prediction": {"cls": one_hot(1)}}, "lacks the task 'box'"),
        ({"prediction": {**OUTPUT, "box": [1, 2]}}, r"shape \(1, 4\)"),
        ({"prediction": None}, "`prediction` must be a dict"),
        ({"enlarge": 0}, "`enlarge` must be an integer"),
        ({"enlarge": 1.5}, "`enlarge` must be an integer"),
    ],
)
def test_errors_are_in_our_own_words(tmp_path, change, message):
    arguments = {
        "image": grey(20, 20),
        "tasks": TASKS,
        "prediction": OUTPUT,
        "path": tmp_path / "a.png",
    }
    with pytest.raises(ValueError, match=message):
        plots.draw(**{**arguments, **change})


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="not a folder"):
        plots.draw(grey(20, 20), TASKS, OUTPUT, tmp_path)
