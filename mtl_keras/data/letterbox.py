"""Letterbox: a whole image on a canvas of another shape, padded evenly.

Boxes are `x1, y1, x2, y2` as fractions of the image's width and height; a size
is `(height, width)` in pixels. `place` returns the image's place on the canvas;
`to_canvas` and `to_pixels` convert boxes there and back, `mask_to_canvas` and
`mask_to_pixels` masks.
"""

import tensorflow as tf


def place(size, height: int, width: int):
    """Computes the place of an image on a canvas, in whole pixels.

    Args:
        size: Integer tensor of shape `(..., 2)`, the image's height, width.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.

    Returns:
        Pair of int32 tensors of shape `(..., 2)`: the height and width of the
        image on the canvas, and the rows above and columns left of it.
    """
    # Exact in int64; float rounding would put 63.9999 and 64 apart.
    size = tf.cast(size, tf.int64)
    h, w = size[..., 0], size[..., 1]
    canvas = tf.constant([height, width], tf.int64)
    limited_by_height = h * width >= w * height
    rows = tf.where(limited_by_height, canvas[0], _rounded(h * width, w))
    columns = tf.where(limited_by_height, _rounded(w * height, h), canvas[1])
    placed = tf.maximum(tf.stack([rows, columns], axis=-1), 1)
    return tf.cast(placed, tf.int32), tf.cast((canvas - placed) // 2, tf.int32)


def to_canvas(boxes, size, height: int, width: int):
    """Converts boxes from fractions of the image to those of the canvas.

    Args:
        boxes: Float tensor of shape `(..., 4)`. NaN stays NaN.
        size: Integer tensor of shape `(..., 2)`, the image's height, width.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.

    Returns:
        Float32 tensor of shape `(..., 4)`.
    """
    scale, shift = _scale_and_shift(size, height, width)
    return tf.cast(boxes, tf.float32) * scale + shift


def to_pixels(boxes, size, height: int, width: int):
    """Converts boxes from fractions of the canvas to pixels of the image.

    Args:
        boxes: Float tensor of shape `(..., 4)`.
        size: Integer tensor of shape `(..., 2)`, the image's height, width.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.

    Returns:
        Float32 tensor of shape `(..., 4)`, clipped at the image's edges.
    """
    scale, shift = _scale_and_shift(size, height, width)
    fractions = (tf.cast(boxes, tf.float32) - shift) / scale
    extent = _xyxy(tf.cast(size, tf.float32))
    return tf.clip_by_value(fractions, 0.0, 1.0) * extent


def resize(pixels, height: int, width: int):
    """Scales and pads one image to the canvas.

    Args:
        pixels: Float or uint8 tensor of shape `(h, w, channels)`.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.

    Returns:
        Float32 tensor of shape `(height, width, channels)`, on the scale of
        `pixels`, 0 in the padding. An image of the canvas's size is returned
        unchanged.
    """
    size = tf.shape(pixels)[:2]

    def resized():
        placed, offset = place(size, height, width)
        small = tf.image.resize(pixels, placed, antialias=True)
        rest = tf.constant([height, width]) - placed - offset
        return tf.pad(
            small, [[offset[0], rest[0]], [offset[1], rest[1]], [0, 0]]
        )

    is_same = tf.reduce_all(tf.equal(size, tf.constant([height, width])))
    canvas = tf.cond(is_same, lambda: tf.cast(pixels, tf.float32), resized)
    return tf.ensure_shape(canvas, (height, width, pixels.shape[-1]))


def mask_to_canvas(mask, size, height: int, width: int, missing: int = -1):
    """Scales and pads the mask of one image as `resize` does the image.

    Args:
        mask: Integer tensor of shape `(h, w)`, class numbers.
        size: As for `map_to_canvas`.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.
        missing: Integer, the value in the padding. Defaults to -1.

    Returns:
        int32 tensor of shape `(height, width)`; see `map_to_canvas`.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the sizes differ.
    """
    mask = tf.cast(mask, tf.int32)
    return map_to_canvas(mask, size, height, width, missing)


def map_to_canvas(values, size, height: int, width: int, missing):
    """Scales and pads the pixels' labels as `resize` does their image.

    Args:
        values: Tensor of shape `(h, w)` or `(h, w, channels)`.
        size: Integer tensor of shape `(2,)`, the image's height and width,
            which must be the map's.
        height: Integer, the canvas's height.
        width: Integer, the canvas's width.
        missing: Number, the value in the padding.

    Returns:
        Tensor of the type of `values`, of shape `(height, width)` or
        `(height, width, channels)`, each value that of the nearest pixel of
        the image.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the sizes differ.
    """
    check = tf.debugging.Assert(
        tf.reduce_all(tf.equal(tf.shape(values)[:2], tf.cast(size, tf.int32))),
        [
            "Expected a mask of the image's height and width. Received: "
            "height and width of the mask, and of the image",
            tf.shape(values)[:2],
            size,
        ],
    )
    with tf.control_dependencies([check]):
        values = tf.identity(values)
    placed, offset = place(size, height, width)
    rows, has_row = _sources(height, placed[0], offset[0], size[0])
    columns, has_column = _sources(width, placed[1], offset[1], size[1])
    canvas = tf.gather(tf.gather(values, rows), columns, axis=1)
    is_inside = has_row[:, None] & has_column[None]
    if values.shape.rank == 3:
        is_inside = is_inside[..., None]
    return tf.where(is_inside, canvas, tf.cast(missing, values.dtype))


def mask_to_pixels(mask, size, outside):
    """Converts masks of a canvas to the pixels of the original images.

    Args:
        mask: Tensor of shape `(batch, height, width)`, or of other values of
            each pixel `(batch, height, width, channels)`, on the canvas.
        size: Integer tensor of shape `(batch, 2)`, the images' heights and
            widths.
        outside: Number, the value beyond an image's last row and column.

    Returns:
        Tensor of the mask's type and of shape `(batch, rows, columns)`, or
        `(batch, rows, columns, channels)`, the largest height and width: each
        image's mask is in the upper left corner.
    """
    height, width = mask.shape[1:3]
    size = tf.cast(size, tf.int32)
    placed, offset = place(size, height, width)
    # Of an empty batch the largest size is 0.
    largest = tf.reduce_max(tf.concat([size, [[0, 0]]], axis=0), axis=0)
    rows, has_row = _targets(largest[0], placed[:, 0], offset[:, 0], size[:, 0])
    columns, has_column = _targets(
        largest[1], placed[:, 1], offset[:, 1], size[:, 1]
    )
    image = tf.gather(mask, rows, axis=1, batch_dims=1)
    image = tf.gather(image, columns, axis=2, batch_dims=1)
    is_inside = has_row[:, :, None] & has_column[:, None, :]
    if mask.shape.rank == 4:
        is_inside = is_inside[..., None]
    return tf.where(is_inside, image, tf.cast(outside, mask.dtype))


def _sources(num, placed, offset, size):
    """Finds the image's row for each of the canvas, and which have one."""
    position = tf.range(num) - offset
    is_inside = (position >= 0) & (position < placed)
    nearest = _nearest(position, placed, size)
    return nearest, is_inside


def _targets(num, placed, offset, size):
    """Finds the canvas's row for each of the images', `(batch, num)`."""
    position = tf.range(num)[None]
    placed, offset, size = (x[:, None] for x in (placed, offset, size))
    return offset + _nearest(position, size, placed), position < size


def _nearest(position, num, num_source):
    """Maps the centres of `num` cells to the `num_source` cells they are in."""
    position, num, num_source = (
        tf.cast(x, tf.int64) for x in (position, num, num_source)
    )
    cell = (2 * position + 1) * num_source // (2 * num)
    return tf.cast(tf.clip_by_value(cell, 0, num_source - 1), tf.int32)


def _rounded(dividend, divisor):
    return (2 * dividend + divisor) // (2 * divisor)


def _scale_and_shift(size, height, width):
    placed, offset = place(size, height, width)
    canvas = tf.constant([height, width], tf.float32)
    scale = tf.cast(placed, tf.float32) / canvas
    shift = tf.cast(offset, tf.float32) / canvas
    return _xyxy(scale), _xyxy(shift)


def _xyxy(height_width):
    return tf.gather(height_width, [1, 0, 1, 0], axis=-1)
