"""Masks are read from files, from folders beside, and from COCO's outlines."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.zoo.datasets.folders import generated
from zoo.datasets import folders

KINDS = {"mask": "mask"}
_SIZE = (8, 6)  # Width and height.


def _mask(path, pixels, mode="L", palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.array(pixels, np.uint8), mode=None)
    if palette:
        image = image.convert("P")
        image.putpalette(palette)
        image.putdata(np.ravel(pixels).tolist())
    image.save(path)


def _pixels(value=1):
    pixels = np.zeros(_SIZE[::-1], np.uint8)
    pixels[2:4, 3:7] = value
    return pixels


def _arrays(folder, **options):
    source = folders.read(folder, KINDS, **options)
    source.check()
    return source, [source.mask(e, "mask") for e in source.examples()]


def test_masks_in_a_folder_of_their_own(tmp_path):
    for name in "ab":
        generated.image(tmp_path / "images" / name, size=_SIZE)
    pixels = _pixels(2)
    pixels[0, 0] = 255
    _mask(tmp_path / "masks" / "a.png", pixels)
    source, (first, second) = _arrays(tmp_path)
    assert source.layout == "masks"
    # Of 0, 2 and 255, which is missing, two classes remain.
    assert source.class_names["mask"] == ("0", "2")
    expected = _pixels(1)
    expected[0, 0] = 255
    np.testing.assert_array_equal(first, expected)
    assert (second == 255).all() and second.shape == _SIZE[::-1]


def test_a_mask_beside_its_image_in_black_and_white(tmp_path):
    generated.image(tmp_path / "a", size=_SIZE)
    _mask(tmp_path / "a_mask.png", _pixels(255))
    source, (array,) = _arrays(tmp_path)
    assert source.class_names["mask"] == ("0", "255")
    np.testing.assert_array_equal(array, _pixels(1))
    (tmp_path / "classes_mask.txt").write_text("ground\nthing\n")
    source, (array,) = _arrays(tmp_path)
    assert source.class_names["mask"] == ("ground", "thing")
    np.testing.assert_array_equal(array, _pixels(1))


def test_a_table_names_masks(tmp_path):
    generated.image(tmp_path / "images" / "a", size=_SIZE)
    _mask(tmp_path / "trimaps" / "a.png", _pixels())
    (tmp_path / "labels.csv").write_text("path,mask\na,a\n")
    _, (array,) = _arrays(tmp_path)
    np.testing.assert_array_equal(array, _pixels())


def test_places_in_a_palette_are_the_classes(tmp_path):
    generated.image(tmp_path / "images" / "a", size=_SIZE)
    palette = [0, 0, 0, 128, 0, 0, 0, 128, 0]
    _mask(tmp_path / "masks" / "a.png", _pixels(2), palette=palette)
    source, (array,) = _arrays(tmp_path)
    assert source.class_names["mask"] == ("0", "2")
    np.testing.assert_array_equal(array, _pixels(1))


def _coco(folder, segmentation):
    generated.image(folder / "a", size=_SIZE)
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {
                "image_id": 1,
                "category_id": 2,
                "bbox": [3, 2, 4, 2],
                "segmentation": segmentation,
            }
        ],
    }
    (folder / "a.json").write_text(json.dumps(content))


# The same rectangle three times: rows 2 and 3 of columns 3 to 6.
_RUNS = [20, 2, 4, 2, 4, 2, 4, 2, 8]


@pytest.mark.parametrize(
    "segmentation",
    [
        [[3, 2, 6, 2, 6, 3, 3, 3]],
        {"size": [6, 8], "counts": _RUNS},
        # By hand: 20 is "d0", then 2, 4 as they are, then differences of 0,
        # and 8 - 4 = 4 at the end.
        {"size": [6, 8], "counts": "d024000004"},
    ],
    ids=["outline", "runs", "text"],
)
def test_coco_masks_are_drawn(segmentation, tmp_path):
    _coco(tmp_path, segmentation)
    source, (array,) = _arrays(tmp_path)
    assert source.class_names["mask"] == ("background", "cat", "dog")
    np.testing.assert_array_equal(array, _pixels(2))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[3, 2, 6]],
        [[3, 2, 6, 2, 6, "x"]],
        "none",
        {"size": [6, 8], "counts": _RUNS[:-1]},
        {"size": [8, 6], "counts": _RUNS},
        {"size": [6, 8], "counts": [50, -2]},
    ],
)
def test_a_damaged_segmentation_is_refused_by_line(segmentation, tmp_path):
    _coco(tmp_path, segmentation)
    with pytest.raises(folders.DataError, match=r"^a.json:1: Expected"):
        _arrays(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: _mask(p, np.zeros((5, 5))), "the image's size, 8 x 6"),
        (lambda p: _mask(p, np.zeros((6, 8, 3))), "one number a pixel"),
        (lambda p: p.write_bytes(b""), "PNG, JPEG"),
        (lambda p: p.write_bytes(p.read_bytes()[:-20]), "a whole image"),
        (lambda p: _mask(p, _pixels(7)), "pixels from 0 to 1.*Received: 7"),
        (lambda p: p.rename(p.with_name("c.png")), "an image of the same name"),
    ],
)
def test_a_damaged_mask_is_refused_by_file(change, message, tmp_path):
    for name in "ab":
        generated.image(tmp_path / "images" / name, size=_SIZE)
        _mask(tmp_path / "masks" / f"{name}.png", _pixels())
    (tmp_path / "classes_mask.txt").write_text("ground\nthing\n")
    change(tmp_path / "masks" / "b.png")
    with pytest.raises(folders.DataError, match=rf"masks/.\.png.*{message}"):
        _arrays(tmp_path)


def test_masks_are_prepared(tmp_path, capsys):
    from mtl_keras.data import sources

    for i in range(12):
        generated.image(tmp_path / "data/images" / f"{i}", size=_SIZE)
        if i != 5:
            _mask(tmp_path / "data/masks" / f"{i}.png", _pixels())
    source = folders.read(tmp_path / "data", KINDS)
    builder = source.builder(tmp_path / "tfds")
    builder.download_and_prepare()
    capsys.readouterr()
    read = sources.examples((builder, "all")).map(source.example())
    arrays = [labels["mask"] for _, labels in read.as_numpy_iterator()]
    assert len(arrays) == 12
    # A missing mask is -1, the marker of the kind "mask".
    whole = [array for array in arrays if (array != -1).all()]
    assert len(whole) == 11
    assert sum((array == -1).all() for array in arrays) == 1
    for array in whole:
        np.testing.assert_array_equal(array, _pixels())
