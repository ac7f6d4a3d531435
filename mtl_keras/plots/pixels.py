"""Images as arrays that can be drawn."""

import numpy as np

_SHAPES = "(height, width), or (height, width, channels) with 1 or 3 channels"


def to_rgb(images, argument: str = "images") -> list[np.ndarray]:
    """Converts images to red, green and blue.

    Args:
        images: Array of shape `(num_images, height, width, 1 or 3)` or
            `(num_images, height, width)`, or a list of images, which may
            differ in size. uint8, or floats from 0 to 1; floats beyond that
            range (an input scaled to [-1, 1]) are stretched to it, all images
            alike.
        argument: String, the images' name in errors.

    Returns:
        List of uint8 arrays of shape `(height, width, 3)`.

    Raises:
        ValueError: If a shape or a dtype is not supported.
    """
    images = [np.asarray(image) for image in images]
    for index, image in enumerate(images):
        _check(image, f"{argument}[{index}]")
    floats = [
        image[np.isfinite(image)]
        for image in images
        if np.issubdtype(image.dtype, np.floating)
    ]
    low = min((image.min() for image in floats if image.size), default=0.0)
    high = max((image.max() for image in floats if image.size), default=1.0)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return [_to_bytes(image, float(low), float(high)) for image in images]


def _check(image, name):
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or channels not in (1, 3) or not image.size:
        raise ValueError(
            f"An image to draw must have the shape {_SHAPES}. "
            f"Received: {name} of shape {image.shape}"
        )
    if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
        raise ValueError(
            "An image to draw must be uint8 from 0 to 255, or float from 0 to "
            f"1. Received: {name} of dtype {image.dtype}"
        )


def _to_bytes(image, low, high):
    if image.dtype != np.uint8:
        image = np.nan_to_num(
            image.astype(np.float64), nan=low, posinf=high, neginf=low
        )
        image = (image - low) / (high - low) if high > low else image * 0
        image = np.clip(np.round(image * 255), 0, 255).astype(np.uint8)
    if image.ndim == 2:
        image = image[..., None]
    return np.broadcast_to(image, (*image.shape[:2], 3))


def letterboxed(size, height: int, width: int) -> tuple[int, int, int, int]:
    """Locates an image on the canvas that it was letterboxed to.

    The same whole pixels as `mtl_keras.data.letterbox.place`, without
    TensorFlow.

    Args:
        size: Two integers, the height and width of the original.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.

    Returns:
        Four integers: the first row and column of the image on the canvas,
        and its height and width there.
    """
    h, w = (int(extent) for extent in size)
    rows, columns = height, width
    if h * width >= w * height:
        columns = max(1, (2 * w * height + h) // (2 * h))
    else:
        rows = max(1, (2 * h * width + w) // (2 * w))
    return (height - rows) // 2, (width - columns) // 2, rows, columns
