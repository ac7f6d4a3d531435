"""Decodes maps of centres and boxes to a list of objects, in TensorFlow."""

import tensorflow as tf

# COCO counts no more an image.
MOST = 100
# Boxes of one class that overlap more are taken for one object.
_OVERLAP = 0.6
# What is less probable is not listed.
_LOWEST = 0.01


def decode(maps, *, most: int = MOST, clip: bool = True) -> dict:
    """Lists the objects of a batch of maps.

    A position counts where its probability is the highest among its eight
    neighbours (CenterNet, Zhou et al., 2019,
    https://arxiv.org/abs/1904.07850); of boxes of one class that overlap by
    more than 0.6 the most probable is kept.

    Args:
        maps: Tensor or array of shape `(batch, rows, columns, num_classes +
            4)`, as a head of kind `"detection"` returns it.
        most: Integer, how many objects an image may have.
        clip: Boolean, whether boxes are clipped to the image.

    Returns:
        Dict of tensors, sorted by falling score: `"boxes"`, float32 of shape
        `(batch, most, 4)`, `x1, y1, x2, y2`; `"scores"`, float32 of shape
        `(batch, most)`, 0 where there is no further object; `"classes"`,
        int32 of shape `(batch, most)`, -1 there.
    """
    maps = tf.cast(maps, tf.float32)
    rows, columns, channels = maps.shape[1:]
    num_classes, num = channels - 4, rows * columns
    heat, boxes = maps[..., :num_classes], maps[..., num_classes:]
    highest = tf.nn.max_pool2d(heat, 3, 1, "SAME")
    heat = tf.where(heat >= highest, heat, 0.0)
    if clip:
        boxes = tf.clip_by_value(boxes, 0.0, 1.0)
    selected = tf.image.combined_non_max_suppression(
        # y first, and one box for all classes.
        tf.reshape(tf.gather(boxes, [1, 0, 3, 2], axis=-1), (-1, num, 1, 4)),
        tf.reshape(heat, (-1, num, num_classes)),
        max_output_size_per_class=most,
        max_total_size=most,
        iou_threshold=_OVERLAP,
        score_threshold=_LOWEST,
        clip_boxes=False,
    )
    scores = tf.ensure_shape(selected.nmsed_scores, (None, most))
    classes = tf.cast(selected.nmsed_classes, tf.int32)
    return {
        "boxes": tf.gather(selected.nmsed_boxes, [1, 0, 3, 2], axis=-1),
        "scores": scores,
        "classes": tf.where(scores > 0.0, classes, -1),
    }
