"""Damages of Labelme's files and of masks, with what must come of them."""

import json

import numpy as np
from PIL import Image

from tests.zoo.datasets.folders import damages
from tests.zoo.datasets.folders.damages import Expected, pick

# Labelme --------------------------------------------------------------------


def _shape(rng, folder, change):
    path = pick(rng, damages.text_files(folder, ".json"))
    content = json.loads(path.read_text())
    change(content["shapes"][0])
    path.write_text(json.dumps(content, indent=1))
    # The shape's object begins at the third line.
    return Expected(damages.inside(folder, path), (3,))


def _labelme_point(rng, folder):
    value = pick(rng, ("x", None, 900, -90, [1], 1e999))

    def change(shape):
        shape["points"][0][0] = value

    return _shape(rng, folder, change)


def _labelme_points(rng, folder):
    value = pick(rng, ([], [[1, 2]], None, [[1], [2, 3]], "1,2"))
    return _shape(rng, folder, lambda shape: shape.update(points=value))


def _labelme_label(rng, folder):
    value = pick(rng, ("", None, 7))
    return _shape(rng, folder, lambda shape: shape.update(label=value))


def _labelme_kind(rng, folder):
    return _shape(rng, folder, lambda shape: shape.update(shape_type="line"))


def _labelme_misspelt(rng, folder):
    def change(shape):
        shape["label"] = damages.swapped_letters(rng, shape["label"])

    return Expected(_shape(rng, folder, change).file)


def _labelme_cut(rng, folder):
    path = pick(rng, damages.text_files(folder, ".json"))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(rng.integers(1, len(whole) - 2))])
    return Expected(damages.inside(folder, path))


def _labelme_lost_json(rng, folder):
    path = pick(rng, damages.text_files(folder, ".json"))
    path.unlink()
    return Expected(missing={path.stem: ("cls", "det", "box")})


def _labelme_mention(folder, path):
    return Expected(damages.inside(folder, path.with_suffix(".json")))


LABELME = (
    _labelme_point,
    _labelme_points,
    _labelme_label,
    _labelme_kind,
    _labelme_misspelt,
    _labelme_cut,
    _labelme_lost_json,
    damages.of_texts(damages.crlf, ".json"),
    damages.of_texts(damages.bom, ".json"),
    damages.of_texts(damages.latin1, ".json"),
    damages.of_texts(damages.empty_file, ".json"),
    damages.naming(damages.lost_image, _labelme_mention),
    damages.naming(damages.broken_image, damages.itself),
)


# Masks ----------------------------------------------------------------------


def _mask_file(rng, folder):
    return pick(rng, sorted(folder.glob("*/masks/*.png")))


def _mask_pixels(rng, folder, pixels):
    path = _mask_file(rng, folder)
    Image.fromarray(np.array(pixels, np.uint8)).save(path)
    return Expected(damages.inside(folder, path))


def _mask_size(rng, folder):
    return _mask_pixels(rng, folder, np.zeros((32, 41)))


def _mask_colours(rng, folder):
    return _mask_pixels(rng, folder, np.zeros((32, 40, 3)))


def _mask_class(rng, folder):
    value = int(rng.integers(2, 255))
    return _mask_pixels(rng, folder, np.full((32, 40), value))


def _mask_broken(rng, folder):
    path = _mask_file(rng, folder)
    whole = path.read_bytes()
    cut = int(rng.integers(40, len(whole) - 14))
    path.write_bytes(pick(rng, (b"", b"hello", whole[:cut])))
    return Expected(damages.inside(folder, path))


def _mask_alone(rng, folder):
    path = pick(rng, sorted(folder.glob("*/images/*.png")))
    path.unlink()
    split = path.parent.parent.name
    return Expected(f"{split}/masks/{path.name}")


def _mask_image(rng, folder):
    path = pick(rng, sorted(folder.glob("*/images/*.png")))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(rng.integers(60, len(whole) - 100))])
    return Expected(damages.inside(folder, path))


def _mask_twice(rng, folder):
    path = _mask_file(rng, folder)
    path.with_name(f"{path.stem}_mask.png").write_bytes(path.read_bytes())
    return Expected(damages.inside(folder, path)[:-4])


def _mask_classes(rng, folder):
    path = folder / "classes_mask.txt"
    path.write_text(pick(rng, ("ground\nground\n", "\n", "")))
    return Expected("classes_mask.txt")


MASKS = (
    _mask_size,
    _mask_colours,
    _mask_class,
    _mask_broken,
    _mask_alone,
    _mask_image,
    _mask_twice,
    _mask_classes,
    damages.of_texts(damages.crlf, ".txt"),
    damages.of_texts(damages.bom, ".txt"),
    damages.of_texts(damages.latin1, ".txt"),
)
