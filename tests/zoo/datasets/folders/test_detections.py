"""All objects of an image, from each layout that lists them."""

import json

import numpy as np
import pytest

from tests.zoo.datasets.folders import generated
from zoo.datasets import folders

_KINDS = {"boxes": "detection", "counts": "count"}
_LAYOUTS = {
    "coco": generated.coco,
    "labelme": generated.labelme,
    "voc": generated.voc,
    "yolo": generated.yolo,
}


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_objects_and_their_numbers_are_read(tmp_path, layout):
    _LAYOUTS[layout](tmp_path)
    source = folders.read(tmp_path, _KINDS)
    assert source.problems() == []
    assert source.labelled == ("boxes", "counts")
    names = source.class_names
    assert names["boxes"] == names["counts"] == generated.CLASSES
    examples = list(source.examples())
    assert len(examples) == len(generated.SCENES)
    truth = {scene[1]: scene[2:] for scene in generated.SCENES}
    for example in examples:
        name = example.inputs["image"].rsplit("/", 1)[-1].split(".")[0]
        label, box = truth[name]
        encoded = source.encode(example)
        number = generated.CLASSES.index(label)
        expected = [*np.array(box) / np.tile(generated.SIZE, 2), number]
        np.testing.assert_allclose(encoded["boxes"], [expected], atol=1e-5)
        counts = [int(number == each) for each in range(3)]
        assert encoded["counts"] == counts


def _several(folder):
    """COCO with two objects, one, none, and a class of no object."""
    generated.images(folder)
    content = {
        "images": [
            {"id": i, "file_name": f"train/img{i}.png"} for i in range(3)
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate("abc")],
        "annotations": [
            {"id": 0, "image_id": 0, "category_id": 2, "bbox": [0, 0, 20, 16]},
            {"id": 1, "image_id": 0, "category_id": 2, "bbox": [5, 8, 10, 8]},
            {"id": 2, "image_id": 1, "category_id": 0, "bbox": [0, 0, 40, 32]},
        ],
    }
    (folder / "labels.json").write_text(json.dumps(content))


def test_an_image_may_have_several_objects_or_none(tmp_path):
    _several(tmp_path)
    source = folders.read(tmp_path, _KINDS)
    assert source.class_names["counts"] == ("a", "b", "c")
    encoded = [source.encode(example) for example in source.examples()]
    two, one, none = encoded[:3]
    np.testing.assert_allclose(
        two["boxes"], [[0, 0, 0.5, 0.5, 2], [0.125, 0.25, 0.375, 0.5, 2]]
    )
    assert (two["counts"], one["counts"]) == ([0, 0, 2], [1, 0, 0])
    assert (none["boxes"], none["counts"]) == ([], [0, 0, 0])


def test_an_image_without_annotations_has_missing_labels(tmp_path):
    generated.labelme(tmp_path)
    (tmp_path / "train" / "img3.json").unlink()
    source = folders.read(tmp_path, _KINDS)
    (gone,) = (
        example
        for example in source.examples()
        if example.inputs["image"].endswith("img3.png")
    )
    encoded = source.encode(gone)
    assert (
        np.isnan(encoded["boxes"]).all() and np.isnan(encoded["counts"]).all()
    )
    assert np.shape(encoded["counts"]) == (3,)


def test_a_misspelt_class_is_reported(tmp_path):
    generated.labelme(tmp_path)
    path = tmp_path / "train" / "img3.json"
    path.write_text(path.read_text().replace('"apple"', '"aple"'))
    problems = [str(p) for p in folders.read(tmp_path, _KINDS).problems()]
    assert len(problems) == 2
    for problem, task in zip(problems, _KINDS, strict=True):
        assert f"The class 'aple' of {task!r} stands once" in problem
        assert "img3.json" in problem and "Did you mean 'apple'" in problem


def test_a_list_of_classes_is_that_of_both(tmp_path):
    generated.labelme(tmp_path)
    names = ("orange", "apple", "banana", "kiwi")
    (tmp_path / "classes.txt").write_text("\n".join(names) + "\n")
    source = folders.read(tmp_path, _KINDS)
    assert source.class_names == {"boxes": names, "counts": names}
    assert source.problems() == []
