"""Random augmentation of batches of images, their boxes and masks.

Each augmentation is called with `(inputs, labels, seed)` and returns new
`(inputs, labels)`. Inputs are a float tensor of shape `(batch, height, width,
channels)` with values from 0 to 1, or a dict that holds one. Random
numbers depend only on the seed, an int64 tensor of shape `(2,)`.
"""

import dataclasses
from collections.abc import Callable, Sequence

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.messages import unknown


@dataclasses.dataclass(frozen=True)
class Compose:
    """Applies augmentations in order, each with its own seed.

    Args:
        steps: Sequence of functions of `(inputs, labels, seed)`.
    """

    steps: Sequence[Callable]

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        for index, step in enumerate(self.steps):
            inputs, labels = step(
                inputs, labels, seed=tf.random.fold_in(seed, index)
            )
        return inputs, labels


@dataclasses.dataclass(frozen=True)
class ShiftZoom:
    """Shifts each image and scales it about its centre, in one resampling.

    Pixels from outside the image are 0. Without zoom the shift is by whole
    pixels, so that nothing is blurred. An image in which a box would lose more
    than `1 - min_visible` of its area is not changed, since its other labels
    might no longer be true. Boxes are clipped at the edges.

    Args:
        shift: Float in [0, 1], the largest shift in each direction, as a
            fraction of the image's width and height. Defaults to 0.1.
        zoom: Pair of floats, the smallest and the largest factor. Defaults to
            `(1.0, 1.0)`, no zoom.
        boxes: Sequence of strings, the tasks whose labels are boxes
            `x1, y1, x2, y2` in [0, 1]; NaN stays NaN. Names that the
            labels lack are ignored.
        min_visible: Float in [0, 1], the fraction of a box's area that has
            to stay in the image. Defaults to 0.9.
        masks: Sequence of strings, the tasks whose labels are masks, integers
            of shape `(batch, rows, columns)`; pixels from outside the image
            are -1, missing. Names that the labels lack are ignored.
        image: String, the key of the image if inputs are a dict.

    Raises:
        ValueError: If an argument is out of range.
    """

    shift: float = 0.1
    zoom: tuple[float, float] = (1.0, 1.0)
    boxes: Sequence[str] = ("box",)
    min_visible: float = 0.9
    image: str = "image"
    masks: Sequence[str] = ()

    def __post_init__(self):
        checks.fraction("shift", self.shift)
        checks.fraction("min_visible", self.min_visible)
        _check_pair("ShiftZoom", "zoom", self.zoom)
        _check_names("ShiftZoom", boxes=self.boxes, masks=self.masks)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        image = _get(inputs, self.image)
        size = tf.cast(tf.shape(image)[1:3], tf.float32)
        zoom, shift = self._draw(tf.shape(image)[0], size, seed)
        moved = {
            name: _move_boxes(labels[name], zoom, shift / size)
            for name in self.boxes
            if name in labels
        }
        keeps = tf.ones_like(zoom, tf.bool)
        for box, cut in moved.values():
            visible = _area(cut) >= self.min_visible * _area(box)
            missing = tf.reduce_any(tf.math.is_nan(box), -1, keepdims=True)
            keeps = keeps & (visible | missing)
        zoom = tf.where(keeps, zoom, 1.0)
        shift = tf.where(keeps, shift, 0.0)
        labels = dict(labels)
        for name, (_, cut) in moved.items():
            labels[name] = tf.where(keeps, cut, labels[name])
        for name in self.masks:
            if name in labels:
                labels[name] = _move_mask(labels[name], zoom, shift / size)
        image = resample(image, zoom, shift[:, :1], axis=1)
        image = resample(image, zoom, shift[:, 1:], axis=2)
        return _put(inputs, self.image, image), labels

    def _draw(self, batch, size, seed):
        """Draws zooms `(batch, 1)` and shifts `(batch, 2)`, y and x."""
        drawn = tf.random.stateless_uniform((batch, 3), seed, alg="philox")
        low, high = self.zoom
        shift = (2.0 * drawn[:, 1:] - 1.0) * self.shift * size
        if low == high == 1.0:
            shift = tf.round(shift)
        return low + (high - low) * drawn[:, :1], shift


@dataclasses.dataclass(frozen=True)
class Flip:
    """Mirrors half of the images, left to right.

    Args:
        boxes: Sequence of strings, as for `ShiftZoom`.
        masks: Sequence of strings, as for `ShiftZoom`; also tasks whose
            labels are other numbers of each pixel, such as depths.
        image: String, the key of the image if inputs are a dict.
        normals: Sequence of strings, the tasks whose labels are vectors of
            each pixel, of shape `(batch, rows, columns, 3)`, the first number
            of which points to the right.

    Raises:
        ValueError: If an argument is out of range.
    """

    boxes: Sequence[str] = ("box",)
    image: str = "image"
    masks: Sequence[str] = ()
    normals: Sequence[str] = ()

    def __post_init__(self):
        _check_names(
            "Flip", boxes=self.boxes, masks=self.masks, normals=self.normals
        )

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        image = _get(inputs, self.image)
        drawn = tf.random.stateless_uniform(
            (tf.shape(image)[0],), seed, alg="philox"
        )
        flips = drawn < 0.5
        image = tf.where(
            flips[:, None, None, None], tf.reverse(image, [2]), image
        )
        labels = dict(labels)
        for name in self.boxes:
            if name in labels:
                x1, y1, x2, y2 = tf.unstack(labels[name], axis=-1)
                mirrored = tf.stack([1.0 - x2, y1, 1.0 - x1, y2], axis=-1)
                labels[name] = tf.where(flips[:, None], mirrored, labels[name])
        for name in self.masks:
            if name in labels:
                mirrored = tf.reverse(labels[name], [2])
                labels[name] = tf.where(
                    flips[:, None, None], mirrored, labels[name]
                )
        for name in self.normals:
            if name in labels:
                mirrored = tf.reverse(labels[name], [2]) * [-1.0, 1.0, 1.0]
                labels[name] = tf.where(
                    flips[:, None, None, None], mirrored, labels[name]
                )
        return _put(inputs, self.image, image), labels


@dataclasses.dataclass(frozen=True)
class Brightness:
    """Changes contrast and brightness of each image: `a * (x - m) + m + b`.

    `m` is the image's mean. The result is clipped to [0, 1].

    Args:
        brightness: Float, the largest `b`, in both directions.
        contrast: Pair of floats, the smallest and the largest `a`.
        image: String, the key of the image if inputs are a dict.

    Raises:
        ValueError: If an argument is out of range.
    """

    brightness: float = 0.1
    contrast: tuple[float, float] = (1.0, 1.0)
    image: str = "image"

    def __post_init__(self):
        checks.fraction("brightness", self.brightness)
        _check_pair("Brightness", "contrast", self.contrast)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        image = _get(inputs, self.image)
        drawn = tf.random.stateless_uniform(
            (2, tf.shape(image)[0], 1, 1, 1), seed, alg="philox"
        )
        low, high = self.contrast
        factor = low + (high - low) * drawn[0]
        added = (2.0 * drawn[1] - 1.0) * self.brightness
        if low != 1.0 or high != 1.0:
            mean = tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True)
            added += mean * (1.0 - factor)
            image = image * factor
        image = tf.clip_by_value(image + added, 0.0, 1.0)
        return _put(inputs, self.image, image), labels


@dataclasses.dataclass(frozen=True)
class Noise:
    """Adds normal noise to each pixel and clips to [0, 1].

    Args:
        stddev: Float, the standard deviation; 1 is from black to
            white.
        image: String, the key of the image if inputs are a dict.

    Raises:
        ValueError: If `stddev` is out of range.
    """

    stddev: float = 0.02
    image: str = "image"

    def __post_init__(self):
        checks.fraction("stddev", self.stddev)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        image = _get(inputs, self.image)
        noise = tf.random.stateless_normal(
            tf.shape(image), seed, stddev=self.stddev, alg="philox"
        )
        image = tf.clip_by_value(image + noise, 0.0, 1.0)
        return _put(inputs, self.image, image), labels


def resample(image, zoom, shift, axis):
    """Resamples a batch of images linearly along one axis.

    Two passes of gathers cost a third of ImageProjectiveTransformV3 (19 to 71
    microseconds for 64x64 on one core), and return bitwise the same image where
    nothing moves.

    Args:
        image: Float tensor of shape `(batch, height, width, channels)`.
        zoom: Float tensor of shape `(batch, 1)`.
        shift: Float tensor of shape `(batch, 1)`, in pixels.
        axis: Integer, 1 (rows) or 2 (columns).

    Returns:
        Float tensor of `image`'s shape.
    """
    size = tf.shape(image)[axis]
    centre = (tf.cast(size, tf.float32) - 1.0) / 2.0
    target = tf.range(tf.cast(size, tf.float32), dtype=tf.float32)
    source = (target - centre - shift) / zoom + centre
    before = tf.floor(source)
    fraction = source - before
    before = tf.cast(before, tf.int32)

    def gathered(index, weight):
        inside = tf.cast((index >= 0) & (index < size), image.dtype)
        weight = tf.cast(weight, image.dtype) * inside
        weight = tf.expand_dims(tf.expand_dims(weight, -1), -1)
        index = tf.clip_by_value(index, 0, size - 1)
        return weight * tf.gather(rows, index, axis=1, batch_dims=1)

    # Whole rows are copied at once; columns become rows first.
    rows = image if axis == 1 else tf.transpose(image, (0, 2, 1, 3))
    result = gathered(before, 1.0 - fraction)
    result += gathered(before + 1, fraction)
    result = result if axis == 1 else tf.transpose(result, (0, 2, 1, 3))
    return tf.ensure_shape(result, image.shape)


def _move_boxes(boxes, zoom, shift):
    """Moves boxes `(batch, 4)`; returns them before and after clipping."""
    xy = tf.reverse(shift, [-1])
    moved = (boxes - 0.5) * zoom + 0.5 + tf.concat([xy, xy], -1)
    cut = tf.clip_by_value(moved, 0.0, 1.0)
    return moved, tf.where(tf.math.is_nan(moved), moved, cut)


def _move_mask(mask, zoom, shift):
    """Moves masks `(batch, rows, columns)` as images; the nearest pixel counts.

    Args:
        mask: Integer tensor.
        zoom: Float tensor of shape `(batch, 1)`.
        shift: Float tensor of shape `(batch, 2)`, fractions of height, width.

    Returns:
        Tensor of `mask`'s shape.
    """
    is_inside = tf.ones((1, 1, 1), tf.bool)
    moved = mask
    for axis in (1, 2):
        size = tf.shape(mask)[axis]
        length = tf.cast(size, tf.float32)
        centre = (length - 1.0) / 2.0
        target = tf.range(length) - centre - shift[:, axis - 1 : axis] * length
        source = tf.cast(tf.round(target / zoom + centre), tf.int32)
        inside = (source >= 0) & (source < size)
        source = tf.clip_by_value(source, 0, size - 1)
        moved = tf.gather(moved, source, axis=axis, batch_dims=1)
        is_inside &= inside[:, :, None] if axis == 1 else inside[:, None]
    return tf.ensure_shape(tf.where(is_inside, moved, -1), mask.shape)


def _area(boxes):
    sides = tf.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return sides[:, :1] * sides[:, 1:]


def _get(inputs, key):
    if not isinstance(inputs, dict):
        return inputs
    if key not in inputs:
        raise ValueError(unknown("input to augment", key, inputs))
    return inputs[key]


def _put(inputs, key, image):
    return {**inputs, key: image} if isinstance(inputs, dict) else image


def _check_names(what, **sequences):
    for argument, names in sequences.items():
        if isinstance(names, str):
            raise ValueError(
                f"{what}: `{argument}` must be a sequence of names. Received: "
                f"{argument}={names!r}. Write {argument}=[{names!r}]."
            )


def _check_pair(what, name, pair):
    if len(pair) != 2 or not 0.0 < pair[0] <= pair[1]:
        raise ValueError(
            f"{what} expects `{name}` as (low, high) with 0 < low <= high. "
            f"Received: {name}={pair!r}"
        )
