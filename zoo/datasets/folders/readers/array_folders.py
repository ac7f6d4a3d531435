"""NumPy files in folders `image`, `label`, `depth` and `normal`.

The layout in which LibMTL and the papers before it keep NYUv2:
`train/image/0.npy`, `train/depth/0.npy` and so on.
"""

from collections.abc import Iterator

from zoo.datasets.folders import array_files, image_files, maps, masks
from zoo.datasets.folders.listing import split_of
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "array folders"
LOOKS_FOR = "a folder 'image' of .npy files"
_FOLDERS = {
    "image": ("image", "images"),
    "mask": ("label", "labels", "segmentation"),
    "depth": ("depth", "depths"),
    "normals": ("normal", "normals"),
}


def recognise(request: Request) -> bool:
    """Tells whether there are NumPy files in a folder of images."""
    return bool(_by_image(request.listing, "image"))


def class_names(request: Request) -> None:
    """Returns no list of classes: the pixels' values are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each image; a label without a file is missing."""
    listing = request.listing
    tasks = {
        kind: request.only(kind, LAYOUT)
        for kind in _FOLDERS
        if kind != "image" and request.of_kind(kind)
    }
    files = {kind: _by_image(listing, kind) for kind in tasks}
    for key, image in _by_image(listing, "image").items():
        label_files = {kind: files[kind].pop(key, None) for kind in tasks}
        labels = request.without_labels()
        try:
            size = image_files.size_in(listing, image)
            for kind, file in label_files.items():
                if file is not None:
                    labels[tasks[kind]] = _label(listing, kind, size, file)
        except Damage as damage:
            yield damage.at(image)
            continue
        yield Example(Place(image), {"image": image}, labels, split_of(image))
    for of_kind in files.values():
        for file in of_kind.values():
            text = "Expected an image of the same name. Received: none"
            yield Damage(text).at(file)


def _label(listing, kind, size, file):
    if kind == "mask":
        return masks.Mask(size, file)
    label = maps.Map(kind, size, file)
    label.array(listing)
    return label


def _by_image(listing, kind) -> dict:
    """Finds the files of a kind by what is the same of their image's path."""
    paths = {}
    for path in listing.with_suffix(array_files.SUFFIX):
        *folders, name = path.split("/")
        for place, folder in enumerate(folders):
            if folder.lower() in _FOLDERS[kind]:
                rest = (*folders[:place], *folders[place + 1 :], name)
                paths.setdefault(rest, path)
    return paths
