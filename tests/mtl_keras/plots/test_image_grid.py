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
    scenes,
)

RIGHT, WRONG, UNKNOWN = (marks.box_colour(one) for one in (True, False, None))
# Below the key: an image without a caption.
HEADER, MARGIN = 36, 4


def one_image(tmp_path, predictions, labels=None, tasks=(BOX,), size=64):
    """Draws a grey image of 64 pixels, six times as large."""
    path = plots.predictions(
        np.full((1, size, size, 3), 0.2, np.float32),
        list(tasks),
        {name: np.asarray(value)[None] for name, value in predictions.items()},
        tmp_path / "one.png",
        labels=labels
        and {name: np.asarray(value)[None] for name, value in labels.items()},
        columns=1,
    )
    side = 384
    return read_png(path)[HEADER : HEADER + side, MARGIN : MARGIN + side]


def is_colour(pixel, colour):
    return count(pixel[None, None], colour) == 1


def test_the_line_lies_on_the_box(tmp_path):
    pixels = one_image(tmp_path, {"box": [0.25, 0.5, 0.75, 0.875]})
    for y, x in ((192, 150), (336, 150), (250, 96), (250, 288)):
        assert is_colour(pixels[y, x], UNKNOWN), (y, x)
    assert count(pixels[200:330, 102:282], UNKNOWN) == 0


@pytest.mark.parametrize(
    ("label", "colour"), [(7, RIGHT), (3, WRONG), (-1, UNKNOWN)]
)
def test_colour_tells_whether_the_class_is_right(tmp_path, label, colour):
    pixels = one_image(
        tmp_path,
        {"box": [0.25, 0.25, 0.75, 0.75], "cls": one_hot(7)},
        {"cls": label},
        (BOX, CLS),
    )
    assert is_colour(pixels[96, 200], colour)
    inner = pixels[90:300, 90:300]
    for other in {RIGHT, WRONG, UNKNOWN} - {colour}:
        assert count(inner, other) == 0


def test_the_true_box_is_dashed(tmp_path):
    box = [0.25, 0.25, 0.75, 0.75]
    pixels = one_image(tmp_path, {"box": [0.9, 0.9, 1, 1]}, {"box": box})
    line = pixels[96, 100:284].max(axis=-1)
    assert 0.3 < (line > 200).mean() < 0.8


def test_a_wrong_image_has_a_frame(tmp_path):
    def frame(label):
        pixels = one_image(tmp_path, {"cls": one_hot(7)}, {"cls": label}, [CLS])
        return count(pixels, WRONG)

    assert frame(7) == frame(-1) == 0
    assert frame(2) > 100


def test_captions_and_key_are_written(tmp_path, drawn):
    images, labels, predictions = scenes(3)
    labels["cls"][1] = 9
    path = tmp_path / "a.png"
    plots.predictions(images, TASKS, predictions, path, labels=labels)
    drawn.check_texts()
    for text in ("✓ 0 0.80", "✗ 1 0.80", "true 9", "✓ 2 0.80"):
        assert drawn.strings.count(text) == 1
    assert drawn.strings.count("det 0.90") == 3
    for text in ("predicted, right", "predicted, wrong", "true"):
        assert text in drawn.strings


@pytest.mark.parametrize("columns", [3, 6])
def test_long_captions_are_legible(tmp_path, drawn, columns):
    images, labels, predictions = scenes(8)
    name = "great spotted woodpecker of the northern boreal forests"
    tasks = [
        BOX,
        SceneTask("species_of_the_animal", "classification", (name,) * 10),
        SceneTask("cls", "classification", (name,) * 10),
        DET,
    ]
    predictions["species_of_the_animal"] = predictions["cls"]
    path = tmp_path / "a.png"
    plots.predictions(
        images, tasks, predictions, path, {"cls": 0 * labels["cls"]}, 8, columns
    )
    drawn.check_texts()
    # The number is never cut.
    assert sum(text.endswith("… 0.80") for text in drawn.strings) == 16


def test_none_has_no_box(tmp_path):
    box = [0.25, 0.25, 0.75, 0.75]
    tasks = (BOX, DET)
    shown = one_image(tmp_path, {"box": box, "det": [0.6]}, tasks=tasks)
    hidden = one_image(tmp_path, {"box": box, "det": [0.4]}, tasks=tasks)
    assert count(shown, UNKNOWN) > 500
    assert count(hidden, UNKNOWN) == 0


def test_boxes_that_are_not_numbers_are_not_drawn(tmp_path):
    nothing = [np.nan, 0.1, 0.5, 0.5]
    pixels = one_image(tmp_path, {"box": nothing}, {"box": nothing})
    assert len(np.unique(pixels[:300].reshape(-1, 3), axis=0)) == 1


def test_a_box_beyond_the_image_ends_at_its_edge(tmp_path):
    pixels = one_image(tmp_path, {"box": [-1, 0.5, 2, 5]})
    assert is_colour(pixels[192, 200], UNKNOWN)
    assert is_colour(pixels[300, 1], UNKNOWN)
    assert is_colour(pixels[300, 382], UNKNOWN)
    assert is_colour(pixels[382, 200], UNKNOWN)


def test_a_grid_is_1200_pixels_wide(tmp_path):
    images, labels, predictions = scenes(30)
    path = plots.predictions(
        images, TASKS, predictions, tmp_path / "new" / "a.png", labels=labels
    )
    height, width = read_png(path).shape[:2]
    assert width == 1200
    # Four rows of six: 64 pixels three times as large, and two lines of text.
    assert height == 36 + 4 * (192 + 2 * 19 + 2 * 8)


def test_first_images_are_drawn(tmp_path):
    images, labels, predictions = scenes(9)
    few = plots.predictions(
        images[:3],
        TASKS,
        {name: value[:3] for name, value in predictions.items()},
        tmp_path / "a.png",
        labels={name: value[:3] for name, value in labels.items()},
    )
    first = plots.predictions(
        images,
        {task.name: task for task in TASKS},
        predictions,
        tmp_path / "b.png",
        labels=labels,
        max_images=3,
    )
    assert few.read_bytes() == first.read_bytes()


def test_small_images_keep_hard_edges(tmp_path):
    image = np.random.default_rng(0).random((1, 64, 64))
    path = plots.predictions(image, [], {}, tmp_path / "a.png", columns=1)
    pixels = read_png(path)[4:388, 4:388, 0]
    expected = np.round(np.kron(image[0], np.ones((6, 6))) * 255)
    np.testing.assert_allclose(pixels, expected, atol=1)


def test_images_of_different_sizes_and_unusual_names(tmp_path):
    random = np.random.default_rng(0)
    images = [
        random.random(shape)
        for shape in ((300, 480, 3), (50, 40), (7, 900, 1), (1, 1, 3))
    ]
    names = ("a $formula$ of_ten ^words " * 5, "two\nlines", "ok", "")
    tasks = [SceneTask("cls", "classification", names), BOX]
    predictions = {
        "cls": np.eye(4),
        "box": np.tile([0.1, 0.2, 0.5, 0.9], (4, 1)),
    }
    path = plots.predictions(
        images,
        tasks,
        predictions,
        tmp_path / "a.png",
        labels={"cls": [1, 0, 3, 2]},
        columns=2,
    )
    assert read_png(path).shape[1] < 1200


def test_padding_is_cut_away(tmp_path):
    # An image of 32x64 pixels on a canvas of 64x64.
    canvas = np.zeros((1, 64, 64, 3))
    canvas[:, 16:48] = 0.2
    path = plots.predictions(
        canvas,
        [BOX],
        {"box": np.array([[0.25, 0.5, 0.75, 0.625]])},
        tmp_path / "a.png",
        columns=1,
        sizes=[(320, 640)],
    )
    pixels = read_png(path)[HEADER : HEADER + 192, MARGIN : MARGIN + 384]
    assert count(pixels, "#000000") == 0
    # The canvas's row 32 is the image's row 16, half of its height.
    assert is_colour(pixels[96, 192], UNKNOWN)
    assert is_colour(pixels[144, 192], UNKNOWN)


def test_arguments_are_not_changed(tmp_path):
    images, labels, predictions = scenes(2)
    predictions = {
        name: value.astype(np.float64) for name, value in predictions.items()
    }
    before = {name: value.copy() for name, value in predictions.items()}
    sizes = [(30, 60)] * 2
    plots.predictions(
        images, TASKS, predictions, tmp_path / "a.png", labels, sizes=sizes
    )
    for name, value in before.items():
        np.testing.assert_array_equal(predictions[name], value)


def test_same_outputs_same_bytes(tmp_path):
    images, labels, predictions = scenes(4)
    first, second = (
        plots.predictions(images, TASKS, predictions, path, labels=labels)
        for path in (tmp_path / "a.png", tmp_path / "b.png")
    )
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((2, 3))}, "`images` must be an array"),
        ({"images": np.zeros((3, 8, 8, 2))}, "1 or 3 channels"),
        ({"images": []}, "must not be empty"),
        ({"images": np.zeros((4, 8, 8, 1))}, "there are 4 images"),
        ({"predictions": []}, "`predictions` must be a dict"),
        ({"labels": {"cls": [1, 2]}}, r"`labels\['cls'\]`"),
        ({"columns": 0}, "`columns` must be an integer of at least 1"),
        ({"sizes": [(1, 2)]}, "`sizes` must have the shape"),
    ],
)
def test_errors_are_in_our_own_words(tmp_path, change, message):
    images, labels, predictions = scenes(3)
    arguments = {
        "images": images,
        "tasks": TASKS,
        "predictions": predictions,
        "labels": labels,
        "path": tmp_path / "a.png",
    }
    with pytest.raises(ValueError, match=message):
        plots.predictions(**{**arguments, **change})
    assert not (tmp_path / "a.png").exists()
