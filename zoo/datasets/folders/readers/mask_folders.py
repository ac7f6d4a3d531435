"""Images with a mask each: in a folder of masks, or beside the image."""

from collections.abc import Iterator

from zoo.datasets.folders import image_files, masks
from zoo.datasets.folders.listing import MASKS, is_mask, split_of
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "masks"
LOOKS_FOR = "a folder 'masks'"


def recognise(request: Request) -> bool:
    """Tells whether a mask task is asked for and there are masks."""
    return bool(request.of_kind("mask")) and bool(_masks(request.listing))


def class_names(request: Request) -> None:
    """Returns no list of classes: the pixels' values are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each image; without a mask, no label."""
    listing = request.listing
    task = request.only("mask", LAYOUT)
    of_image, twice = {}, []
    for path in _masks(listing):
        key = masks.stem_of(path), split_of(path)
        if key in of_image:
            twice.append((path, of_image[key]))
        of_image[key] = path
    for path, other in twice:
        yield Damage(
            f"Expected one mask for an image. Received: also {other!r}"
        ).at(path)
    for image in listing.images():
        if masks.is_beside(image):
            continue
        try:
            size = image_files.size_in(listing, image)
        except Damage as damage:
            yield damage.at(image)
            continue
        stem = image.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        file = of_image.pop((stem, split_of(image)), None)
        labels = request.without_labels()
        if file is not None:
            labels[task] = masks.Mask(size, file)
        place = Place(file or image)
        yield Example(place, {"image": image}, labels, split_of(image))
    for path in of_image.values():
        yield Damage("Expected an image of the same name. Received: none").at(
            path
        )


def _masks(listing):
    return [
        path
        for path in listing.with_suffix(*MASKS)
        if is_mask(path) or masks.is_beside(path)
    ]
