"""Pascal VOC: an XML file for each image."""

from collections.abc import Iterator

from mtl_keras.messages import listed
from zoo.datasets.folders import image_files, objects, rows, values, xml_tree
from zoo.datasets.folders.listing import (
    IMAGES,
    FileFinder,
    split_named,
    split_of,
)
from zoo.datasets.folders.records import Damage, Example, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "Pascal VOC"
LOOKS_FOR = "Pascal VOC's XML files"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def recognise(request: Request) -> bool:
    """Tells whether there are XML files beside images."""
    return bool(
        request.listing.with_suffix(".xml") and request.listing.images()
    )


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the objects are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each image; without an XML file, no label."""
    listing = request.listing
    finder = FileFinder(listing, IMAGES)
    split_of_stem, problems = _listed_splits(listing)
    yield from problems
    annotations, broken = {}, set()
    for path in listing.with_suffix(".xml"):
        image = None
        try:
            root = _root(listing, path)
            image = _image(root, finder, path)
            things = _things(root, listing, image)
            if image in annotations:
                raise Damage(
                    f"Expected one XML file for {image!r}. Received: also "
                    f"{annotations[image][0]!r}"
                )
        except Damage as damage:
            yield damage.at(path)
            broken.add(image)
            continue
        annotations[image] = path, things

    def split(image):
        stem = image.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return split_of_stem.get(stem) or split_of(image)

    yield from objects.examples(request, annotations, broken, LAYOUT, split)


def _root(listing, path):
    root = xml_tree.parse(listing.path(path).read_bytes())
    if root.tag != "annotation":
        raise Damage(
            f"Expected <annotation>. Received: <{root.tag}>",
            root.attrib[xml_tree.LINE],
        )
    return root


def _image(root, finder, path):
    """Finds the image: of the XML file's name, or the one it names."""
    image = finder.beside(path)
    name = (root.findtext("filename") or "").strip()
    if image is None or (name and image.rsplit("/", 1)[-1] != name):
        try:
            image = finder.find(name, path)
        except Damage:
            # Images are renamed, and the name within the XML stays behind.
            if image is None:
                raise
    return image


def _things(root, listing, image):
    size = image_files.size_in(listing, image)
    _check_size(root, size)
    return [_object(element, size) for element in root.iter("object")]


def _check_size(root, size):
    element = root.find("size")
    if element is None:
        return
    declared = tuple(_number(element, name) for name in ("width", "height"))
    # Some programs write 0 where they did not open the image.
    if all(declared) and declared != size:
        raise Damage(
            f"Expected the image's size, {size[0]} x {size[1]}. Received: "
            f"{declared[0]:g} x {declared[1]:g}",
            element.attrib[xml_tree.LINE],
        )


def _object(element, size):
    line = element.attrib[xml_tree.LINE]
    name = (element.findtext("name") or "").strip()
    if not name:
        raise Damage("Expected <name> in <object>. Received: none", line)
    corners = element.find("bndbox")
    if corners is None:
        raise Damage("Expected <bndbox> in <object>. Received: none", line)
    corners = [_number(corners, corner) for corner in _CORNERS]
    try:
        return objects.Thing(name, values.box(corners, size), line)
    except Damage as damage:
        raise Damage(str(damage), line) from damage


def _number(parent, name):
    element = parent.find(name)
    line = parent.attrib[xml_tree.LINE]
    if element is None:
        inside = listed(child.tag for child in parent)
        raise Damage(
            f"Expected <{name}> in <{parent.tag}>. Received: {inside}", line
        )
    line = element.attrib[xml_tree.LINE]
    try:
        value = values.number(element.text)
    except Damage as damage:
        raise Damage(f"<{name}>: {damage}", line) from damage
    if value is None:
        raise Damage(f"Expected a number in <{name}>. Received: none", line)
    return value


def _listed_splits(listing):
    """Reads `ImageSets/Main/train.txt` and the like: stems of images."""
    splits, problems = {}, []
    for path in listing.with_suffix(".txt"):
        folders, _, name = path.rpartition("/")
        split = split_named(name.rsplit(".", 1)[0])
        # The list "trainval" is the union of two others.
        if "ImageSets" not in folders or split is None or "trainval" in name:
            continue
        try:
            for _, line in rows.lines(listing.path(path)):
                if line.strip():
                    splits[line.split()[0]] = split
        except Damage as damage:
            problems.append(damage.at(path))
    return splits, problems
