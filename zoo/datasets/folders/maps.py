"""Depths and normals of an image's pixels."""

import dataclasses

import numpy as np

from zoo.datasets.folders import array_files
from zoo.datasets.folders.records import Damage

# The axes behind height and width.
CHANNELS = {"depth": (), "normals": (3,)}
_READERS = {"depth": array_files.depths, "normals": array_files.normals}


@dataclasses.dataclass(frozen=True, slots=True)
class Map:
    """The depths or the normals of one image.

    Args:
        kind: String, `"depth"` or `"normals"`.
        size: Pair of integers, the image's width and height.
        file: String, the file within the folder.
    """

    kind: str
    size: tuple
    file: str

    def array(self, listing) -> np.ndarray:
        """Reads the float32 array `(height, width, *CHANNELS[kind])`.

        Raises:
            Damage: If the file cannot be read, or is not of the image's size.
        """
        try:
            array = _READERS[self.kind](listing.path(self.file))
        except Damage as damage:
            raise Damage(str(damage), file=self.file) from damage
        height, width = array.shape[:2]
        if (width, height) != tuple(self.size):
            raise Damage(
                f"Expected the image's size, {self.size[0]} x {self.size[1]}. "
                f"Received: {width} x {height}",
                file=self.file,
            )
        return array


def missing(kind: str, size) -> np.ndarray:
    """Makes the array of an image without labels, all NaN.

    Args:
        kind: String, `"depth"` or `"normals"`.
        size: Pair of integers, the image's width and height.
    """
    width, height = size
    return np.full((height, width, *CHANNELS[kind]), np.nan, np.float32)
