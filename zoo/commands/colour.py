"""Says where a model would read colour images in gray."""

import itertools
from pathlib import Path

# Models that read one channel unless `channels=3` or a trunk asks for three.
_GRAY_MODELS = frozenset({"cls_det_box"})
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
_MOST_IMAGES = 8
# JPEG files of gray scans are off by a few values.
_TOLERANCE = 16


def note(model: str, folder: str | Path) -> str | None:
    """Says in one line that a model reads a folder's images in gray.

    Args:
        model: String, a name of the zoo.
        folder: Path of a folder of images, of which a few are opened.

    Returns:
        String, or `None` where the model reads colour or the images have none.
    """
    if model not in _GRAY_MODELS:
        return None
    images = (
        path
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in _SUFFIXES
    )
    if not any(map(_is_colour, itertools.islice(images, _MOST_IMAGES))):
        return None
    return (
        f"note: the images are in colour, and {model} reads them in gray; "
        "--config.overrides.channels=3 of tools.train reads colour"
    )


def _is_colour(path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in ("RGB", "RGBA", "P"):
                return False
            small = image.convert("RGB").resize((32, 32))
    except (OSError, ValueError, Image.DecompressionBombError):
        # A damaged file is reported where the folder is read.
        return False
    extremes = zip(*(band.tobytes() for band in small.split()), strict=True)
    return any(max(pixel) - min(pixel) > _TOLERANCE for pixel in extremes)
