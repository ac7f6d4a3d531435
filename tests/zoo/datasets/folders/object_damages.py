"""Damages of the layouts of images, with what must come of them."""

import json
import re

from tests.zoo.datasets.folders import damages
from tests.zoo.datasets.folders.damages import Expected, Lines, pick

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


def _line_naming(label_file):
    """Makes the function that says where an image is named."""

    def mention(folder, path):
        file = Lines(folder, folder / label_file(path))
        stem = path.name.rsplit(".", 1)[0]
        pattern = re.compile(rf"(?<!\w){stem}(?!\w)")
        lines = file.having(pattern.search)
        return Expected(file.file, tuple(i + 1 for i in lines) or None)

    return mention


# CSV ---------------------------------------------------------------------


def _csv_row(rng, folder):
    file = Lines(folder, folder / "labels.csv")
    index = int(rng.integers(1, len(file.lines) - 1))
    return file, index, file.lines[index].split(",")


def _csv_write(file, index, cells, *, is_error=True):
    file.lines[index] = ",".join(cells)
    file.write()
    return Expected(file.file, (index + 1,)) if is_error else Expected()


def _csv_bad_number(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    cells[-int(rng.integers(1, 5))] = damages.bad_number(rng)
    return _csv_write(file, index, cells)


def _csv_missing_corner(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    cells[-int(rng.integers(1, 5))] = pick(rng, ("", "?"))
    return _csv_write(file, index, cells)


def _csv_swapped_corners(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    first = pick(rng, (-4, -3))
    cells[first], cells[first + 2] = cells[first + 2], cells[first]
    return _csv_write(file, index, cells)


def _csv_far_box(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    cells[-2] = str(float(cells[-2]) * 50)
    return _csv_write(file, index, cells)


def _csv_misspelt(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    cells[-5] = damages.swapped_letters(rng, cells[-5])
    return _csv_write(file, index, cells)


def _csv_cells(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    cells = [*cells, "7"] if rng.integers(2) else cells[:-1]
    return _csv_write(file, index, cells)


def _csv_quote(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    cells[0] = f'"{cells[0]}'
    return _csv_write(file, index, cells)


def _csv_missing_labels(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    name = cells[0].rsplit("/", 1)[-1].removesuffix(".png")
    cells[-5:] = [pick(rng, ("", "?")) for _ in range(5)]
    file.lines[index] = ",".join(cells)
    file.write()
    return Expected(missing={name: ("cls", "det", "box")})


def _csv_absolute(rng, folder):
    file, index, cells = _csv_row(rng, folder)
    before = pick(rng, ("/home/someone/data/", "C:\\data\\", "../elsewhere/"))
    cells[0] = before + cells[0].rsplit("/", 1)[-1]
    return _csv_write(file, index, cells, is_error=False)


def _csv_header(rng, folder):
    file = Lines(folder, folder / "labels.csv")
    cells = file.lines[0].split(",")
    index = pick(rng, [i for i, c in enumerate(cells) if c in ("cls", "x1")])
    cells[index] = {"cls": "csl", "x1": "xx1"}[cells[index]]
    file.lines[0] = ",".join(cells)
    file.write()
    return Expected(file.file, (1,))


CSV = (
    _csv_bad_number,
    _csv_missing_corner,
    _csv_swapped_corners,
    _csv_far_box,
    _csv_misspelt,
    _csv_cells,
    _csv_quote,
    _csv_missing_labels,
    _csv_absolute,
    _csv_header,
    damages.of_texts(damages.crlf, ".csv"),
    damages.of_texts(damages.bom, ".csv"),
    damages.of_texts(damages.latin1, ".csv"),
    damages.of_texts(damages.empty_file, ".csv"),
    damages.naming(damages.lost_image, _line_naming(lambda path: "labels.csv")),
    damages.naming(damages.broken_image, damages.itself),
)


# Class folders -------------------------------------------------------------


def _fewer(folder, path):
    return Expected(without=(path.name.removesuffix(".png"),))


def _misspelt_folder(rng, folder):
    path = pick(rng, sorted((folder / "test").iterdir()))
    name = damages.swapped_letters(rng, path.name)
    path.rename(path.with_name(name))
    return Expected(f"test/{name}/")


CLASS_FOLDERS = (
    _misspelt_folder,
    damages.naming(damages.lost_image, _fewer),
    damages.naming(damages.broken_image, damages.itself),
)


# COCO -----------------------------------------------------------------------


def _coco_change(rng, folder, key, change, *, is_error=True):
    """Changes an element of a list, and finds its lines."""
    path = pick(rng, damages.text_files(folder, ".json"))
    content = json.loads(path.read_text())
    index = int(rng.integers(len(content[key])))
    change(content[key][index])
    path.write_text(json.dumps(content, indent=1))
    if not is_error:
        return Expected()
    lines = path.read_text().split("\n")
    start = lines.index(f' "{key}": [') + 1
    opened = [i for i, line in enumerate(lines) if line == "  {" and i >= start]
    return Expected(damages.inside(folder, path), (opened[index] + 1,))


def _coco_box(rng, folder):
    place = int(rng.integers(4))
    value = pick(rng, ("wide", None, -90, 900, float("nan"), [1], 1e999))

    def change(annotation):
        annotation["bbox"][place] = value

    return _coco_change(rng, folder, "annotations", change)


def _coco_short_box(rng, folder):
    return _coco_change(
        rng, folder, "annotations", lambda item: item["bbox"].pop()
    )


def _coco_category(rng, folder):
    return _coco_change(
        rng, folder, "annotations", lambda item: item.update(category_id=9)
    )


def _coco_orphan(rng, folder):
    return _coco_change(
        rng, folder, "annotations", lambda item: item.update(image_id=99)
    )


def _coco_no_name(rng, folder):
    return _coco_change(
        rng, folder, "images", lambda item: item.pop("file_name")
    )


def _coco_no_category(rng, folder):
    return _coco_change(
        rng, folder, "categories", lambda item: item.pop("name")
    )


def _coco_absolute(rng, folder):
    before = pick(rng, ("/home/someone/", "D:\\images\\"))

    def change(image):
        name = image["file_name"].rsplit("/", 1)[-1]
        image["file_name"] = before + name

    return _coco_change(rng, folder, "images", change, is_error=False)


def _coco_cut(rng, folder):
    path = pick(rng, damages.text_files(folder, ".json"))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(rng.integers(len(whole) // 2, len(whole)))])
    return Expected(damages.inside(folder, path))


def _coco_image_mention(folder, path):
    split = path.parent.name
    file = Lines(folder, folder / f"instances_{split}.json")
    (line,) = file.having(lambda line: f"/{path.name}" in line)
    # The image's object begins a line or two above its name.
    return Expected(file.file, (line, line - 1))


COCO = (
    _coco_box,
    _coco_short_box,
    _coco_category,
    _coco_orphan,
    _coco_no_name,
    _coco_no_category,
    _coco_absolute,
    _coco_cut,
    damages.of_texts(damages.crlf, ".json"),
    damages.of_texts(damages.bom, ".json"),
    damages.of_texts(damages.latin1, ".json"),
    damages.of_texts(damages.empty_file, ".json"),
    damages.naming(damages.lost_image, _coco_image_mention),
    damages.naming(damages.broken_image, damages.itself),
)


# Pascal VOC -----------------------------------------------------------------


def _xml(rng, folder):
    return pick(rng, damages.text_files(folder, ".xml"))


def _voc_bad_number(rng, folder):
    key = pick(rng, ("xmin", "ymin", "xmax", "ymax"))
    path = _xml(rng, folder)
    file = Lines(folder, path)
    (index,) = file.having(lambda line: f"<{key}>" in line)
    value = damages.bad_number(rng)
    file.lines[index] = f"<{key}>{value}</{key}>"
    file.write()
    return Expected(file.file, (index + 1,))


def _voc_corners(rng, folder):
    file = Lines(folder, _xml(rng, folder))
    first, second = pick(rng, (("xmin", "xmax"), ("ymin", "ymax")))
    text = "\n".join(file.lines)
    text = text.replace(first, "SWAP").replace(second, first)
    file.lines = text.replace("SWAP", second).split("\n")
    file.write()
    (line,) = file.having(lambda line: "<object>" in line)
    return Expected(file.file, (line + 1,))


def _voc_misspelt(rng, folder):
    path = _xml(rng, folder)
    label = re.search(r"<name>(\w+)", path.read_text()).group(1)
    new = damages.swapped_letters(rng, label)
    file, line = damages.replaced(
        rng, folder, path, f"<name>{label}", f"<name>{new}"
    )
    # The object begins a line above its name.
    return Expected(file, (line - 1,))


def _voc_size(rng, folder):
    path = _xml(rng, folder)
    file, _ = damages.replaced(rng, folder, path, "<width>40", "<width>400")
    return Expected(file)


def _voc_unclosed(rng, folder):
    path = _xml(rng, folder)
    tag = pick(rng, ("</bndbox>", "</object>", "</annotation>", "<xmin>"))
    file, _ = damages.replaced(rng, folder, path, tag, "")
    return Expected(file)


def _voc_no_tag(rng, folder):
    path = _xml(rng, folder)
    tag = pick(rng, ("bndbox", "xmin", "ymax", "name"))
    text = path.read_text().replace(f"<{tag}>", "<other>")
    path.write_text(text.replace(f"</{tag}>", "</other>"))
    return Expected(damages.inside(folder, path))


def _voc_bomb(rng, folder):
    path = _xml(rng, folder)
    bomb = '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]>\n'
    path.write_text(bomb + path.read_text())
    return Expected(damages.inside(folder, path), (1,))


def _voc_lost_xml(rng, folder):
    path = _xml(rng, folder)
    path.unlink()
    return Expected(missing={path.stem: ("cls", "det", "box")})


def _voc_stale_name(rng, folder):
    """The name within the XML is of another machine: the XML's own counts."""
    path = _xml(rng, folder)
    new = pick(rng, ("/home/someone/old.png", "C:\\old\\DSC_1.JPG", ""))
    text = re.sub(
        r"<filename>.*?<", lambda _: f"<filename>{new}<", path.read_text()
    )
    path.write_text(text)
    return Expected()


def _voc_mention(folder, path):
    return Expected(damages.inside(folder, path.with_suffix(".xml")))


VOC = (
    _voc_bad_number,
    _voc_corners,
    _voc_misspelt,
    _voc_size,
    _voc_unclosed,
    _voc_no_tag,
    _voc_bomb,
    _voc_lost_xml,
    _voc_stale_name,
    damages.of_texts(damages.crlf, ".xml"),
    damages.of_texts(damages.bom, ".xml"),
    damages.of_texts(damages.latin1, ".xml"),
    damages.of_texts(damages.empty_file, ".xml"),
    damages.naming(damages.lost_image, _voc_mention),
    damages.naming(damages.broken_image, damages.itself),
)


# YOLO -----------------------------------------------------------------------


def _yolo_cell(rng, folder, place, value):
    path = pick(rng, damages.text_files(folder, ".txt"))
    cells = path.read_text().split()
    cells[place] = value
    path.write_text(" ".join(cells) + "\n")
    return Expected(damages.inside(folder, path), (1,))


def _yolo_bad_number(rng, folder):
    place = int(rng.integers(5))
    return _yolo_cell(rng, folder, place, damages.bad_number(rng))


def _yolo_pixels(rng, folder):
    return _yolo_cell(rng, folder, int(rng.integers(1, 5)), "17")


def _yolo_negative(rng, folder):
    return _yolo_cell(rng, folder, int(rng.integers(3, 5)), "-0.2")


def _yolo_class(rng, folder):
    value = pick(rng, ("3", "-1", "0.5", "apple"))
    return _yolo_cell(rng, folder, 0, value)


def _yolo_cells(rng, folder):
    path = pick(rng, damages.text_files(folder, ".txt"))
    cells = path.read_text().split()
    cells = [*cells, "0.5"] if rng.integers(2) else cells[:-1]
    path.write_text(" ".join(cells) + "\n")
    return Expected(damages.inside(folder, path), (1,))


def _yolo_lost_labels(rng, folder):
    path = pick(rng, damages.text_files(folder, ".txt"))
    path.unlink()
    return Expected(missing={path.stem: ("cls", "det", "box")})


def _yolo_no_object(rng, folder):
    path = pick(rng, damages.text_files(folder, ".txt"))
    path.write_text(pick(rng, ("", "\n")))
    return Expected(missing={path.stem: ("cls", "box", "=det")})


def _yolo_names(rng, folder):
    path = folder / "data.yaml"
    old, new = pick(
        rng,
        (
            ("names:", "nmes:"),
            ("0: apple", "7: apple"),
            ("1: banana", "1: apple"),
            ("names:", "names: [x"),
        ),
    )
    path.write_text(path.read_text().replace(old, new))
    return Expected("data.yaml")


def _yolo_mention(folder, path):
    split = path.parent.name
    return Expected(f"labels/{split}/{path.stem}.txt")


YOLO = (
    _yolo_bad_number,
    _yolo_pixels,
    _yolo_negative,
    _yolo_class,
    _yolo_cells,
    _yolo_lost_labels,
    _yolo_no_object,
    _yolo_names,
    damages.of_texts(damages.crlf, ".txt", ".yaml"),
    damages.of_texts(damages.bom, ".txt", ".yaml"),
    damages.of_texts(damages.latin1, ".yaml"),
    damages.of_texts(damages.empty_file, ".yaml"),
    damages.naming(damages.lost_image, _yolo_mention),
    damages.naming(damages.broken_image, damages.itself),
)
