"""Lists of the objects of an image, and random changes of both.

The objects of an image are rows `x1, y1, x2, y2, class`, corners as fractions
of the image, filled up with rows of class -1. Each augmentation is called as
those of `augment`, with `(inputs, labels, seed)` of a batch. An object of which
too little is left in the image is dropped, and the number of objects of each
class is counted anew.
"""

import dataclasses

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data import augment

# What a list of a data set is filled up to, so that batches have one shape.
MOST = 48


def padded(rows, most: int = MOST):
    """Fills up the list of one image's objects.

    Args:
        rows: Float tensor of shape `(objects, 5)`. Of more than `most`
            objects the first are taken. With a NaN the label is missing, and
            so are all rows of the result.
        most: Integer. Defaults to 48.

    Returns:
        float32 tensor of shape `(most, 5)`.
    """
    rows = tf.cast(rows, tf.float32)[:most]
    rest = tf.tile([[0.0, 0.0, 0.0, 0.0, -1.0]], [most - tf.shape(rows)[0], 1])
    filled = tf.concat([rows, rest], axis=0)
    missing = tf.reduce_any(tf.math.is_nan(rows))
    return tf.ensure_shape(tf.where(missing, float("nan"), filled), (most, 5))


def counts(rows, num_classes: int):
    """Counts the objects of each class.

    Args:
        rows: Float tensor of shape `(..., objects, 5)`; the list of an image
            whose label is missing is NaN.
        num_classes: Integer.

    Returns:
        float32 tensor of shape `(..., num_classes)`; NaN where it is missing.
    """
    number = rows[..., 4:]
    is_class = number == tf.range(num_classes, dtype=tf.float32)
    total = tf.reduce_sum(tf.cast(is_class, tf.float32), axis=-2)
    missing = tf.reduce_any(tf.math.is_nan(number), axis=(-2, -1))
    return tf.where(missing[..., None], float("nan"), total)


@dataclasses.dataclass(frozen=True)
class _Objects:
    """What the augmentations of objects have in common.

    Args:
        objects: String, the task whose labels are lists of objects.
        counts: String, the task whose labels are their numbers; the labels may
            lack either.
        image: String, the key of the image in the inputs.
    """

    objects: str = "boxes"
    counts: str = "counts"
    image: str = "image"

    def _changed(self, inputs, labels, image, rows):
        labels = dict(labels)
        if self.counts in labels:
            old = labels[self.counts]
            new = counts(rows, old.shape[-1])
            # Numbers may be known where boxes are not.
            labels[self.counts] = tf.where(tf.math.is_nan(new), old, new)
        labels[self.objects] = rows
        return {**inputs, self.image: image}, labels

    def _check(self, labels):
        if self.objects not in labels and self.counts in labels:
            raise ValueError(
                f"The numbers of {self.counts!r} change with the image, so the "
                f"objects are needed as well. Expected labels of "
                f"{self.objects!r}. Received: labels of {sorted(labels)}"
            )
        return self.objects in labels


@dataclasses.dataclass(frozen=True)
class Mosaic(_Objects):
    """Puts four images of the batch in the quarters of one.

    As in YOLOv4 (Bochkovskiy et al., 2020, https://arxiv.org/abs/2004.10934),
    with quarters of equal size: more objects an image, and smaller ones.

    Args:
        fraction: Float in [0, 1], of the images that are replaced. Defaults to
            0.5.
    """

    fraction: float = 0.5

    def __post_init__(self):
        checks.fraction("fraction", self.fraction)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        if not self._check(labels):
            return inputs, labels
        image, rows = inputs[self.image], labels[self.objects]
        drawn = tf.random.stateless_uniform(
            (tf.shape(image)[0],), seed, alg="philox"
        )
        height, width = image.shape[1:3]
        upper, left = height // 2, width // 2
        quarters, lists = [], []
        for number in range(4):
            is_lower, is_right = divmod(number, 2)
            size = (
                height - upper if is_lower else upper,
                width - left if is_right else left,
            )
            quarters.append(
                tf.image.resize(
                    tf.roll(image, number, axis=0), size, antialias=True
                )
            )
            scale = tf.constant([size[1] / width, size[0] / height] * 2)
            shift = tf.constant(
                [left / width * is_right, upper / height * is_lower] * 2
            )
            other = tf.roll(rows, number, axis=0)
            box = other[..., :4] * scale + shift
            lists.append(tf.concat([box, other[..., 4:]], axis=-1))
        mosaic = tf.concat(
            [tf.concat(quarters[:2], axis=2), tf.concat(quarters[2:], axis=2)],
            axis=1,
        )
        together = _objects_first(tf.concat(lists, axis=1), rows.shape[1])
        missing = tf.reduce_any(tf.math.is_nan(together), axis=(1, 2))
        use = (drawn < self.fraction) & ~missing
        image = tf.where(use[:, None, None, None], mosaic, image)
        rows = tf.where(use[:, None, None], together, rows)
        return self._changed(inputs, labels, image, rows)


@dataclasses.dataclass(frozen=True)
class ShiftZoom(_Objects):
    """Shifts each image and scales it about its centre; see `augment`.

    Pixels from outside the image are 0.

    Args:
        shift: Float in [0, 1], the largest shift in each direction, as a
            fraction of the image's width and height. Defaults to 0.1.
        zoom: Pair of floats, the smallest and the largest factor. Defaults to
            `(1.0, 1.0)`, no zoom.
        min_visible: Float in [0, 1], the fraction of an object's area that has
            to stay in the image; else it is dropped. Defaults to 0.3.
    """

    shift: float = 0.1
    zoom: tuple[float, float] = (1.0, 1.0)
    min_visible: float = 0.3

    def __post_init__(self):
        checks.fraction("min_visible", self.min_visible)
        # Checks the others.
        augment.ShiftZoom(shift=self.shift, zoom=self.zoom)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        if not self._check(labels):
            return inputs, labels
        image, rows = inputs[self.image], labels[self.objects]
        drawn = tf.random.stateless_uniform(
            (tf.shape(image)[0], 3), seed, alg="philox"
        )
        low, high = self.zoom
        zoom = low + (high - low) * drawn[:, :1]
        # y and x.
        shift = (2.0 * drawn[:, 1:] - 1.0) * self.shift
        size = tf.cast(tf.shape(image)[1:3], tf.float32)
        pixels = shift * size
        image = augment.resample(image, zoom, pixels[:, :1], axis=1)
        image = augment.resample(image, zoom, pixels[:, 1:], axis=2)
        moved = (rows[..., :4] - 0.5) * zoom[:, None] + 0.5
        moved += tf.gather(shift, [1, 0, 1, 0], axis=-1)[:, None]
        cut = tf.clip_by_value(moved, 0.0, 1.0)
        number = rows[..., 4:]
        visible = _area(cut) >= self.min_visible * _area(moved)
        is_object = (number >= 0.0) & visible & (_area(cut) > 0.0)
        changed = tf.where(
            is_object,
            tf.concat([cut, number], axis=-1),
            [0.0, 0.0, 0.0, 0.0, -1.0],
        )
        rows = tf.where(tf.math.is_nan(rows), rows, changed)
        return self._changed(inputs, labels, image, rows)


@dataclasses.dataclass(frozen=True)
class Flip(_Objects):
    """Mirrors half of the images, left to right."""

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        if not self._check(labels):
            return inputs, labels
        image, rows = inputs[self.image], labels[self.objects]
        drawn = tf.random.stateless_uniform(
            (tf.shape(image)[0],), seed, alg="philox"
        )
        flips = drawn < 0.5
        image = tf.where(
            flips[:, None, None, None], tf.reverse(image, [2]), image
        )
        x1, y1, x2, y2, number = tf.unstack(rows, axis=-1)
        mirrored = tf.stack([1.0 - x2, y1, 1.0 - x1, y2, number], axis=-1)
        rows = tf.where(flips[:, None, None], mirrored, rows)
        return self._changed(inputs, labels, image, rows)


def _objects_first(rows, most):
    """Takes the first `most` rows of each list, those with an object first."""
    order = tf.argsort(tf.cast(rows[..., 4] < 0.0, tf.int32), stable=True)
    return tf.gather(rows, order[:, :most], batch_dims=1)


def _area(boxes):
    sides = tf.maximum(boxes[..., 2:4] - boxes[..., :2], 0.0)
    return sides[..., :1] * sides[..., 1:]
