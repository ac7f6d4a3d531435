"""Intersection over union of boxes."""


def iou(box_true, box_pred, arrays):
    """Computes the intersection over union of boxes.

        iou = intersection / (area_true + area_pred - intersection)

    A box with `x2 <= x1` or `y2 <= y1` has no area and no overlap.

    Args:
        box_true: Array of boxes `x1, y1, x2, y2`, shape `(..., 4)`.
        box_pred: Array of the same shape.
        arrays: The module to compute with: `keras.ops` or `numpy`.

    Returns:
        Array of shape `(...)`, in [0, 1].
    """
    area_true = _area(
        box_true[..., 2] - box_true[..., 0],
        box_true[..., 3] - box_true[..., 1],
        arrays,
    )
    area_pred = _area(
        box_pred[..., 2] - box_pred[..., 0],
        box_pred[..., 3] - box_pred[..., 1],
        arrays,
    )
    low = arrays.maximum(box_true[..., :2], box_pred[..., :2])
    high = arrays.minimum(box_true[..., 2:], box_pred[..., 2:])
    both = high - low
    intersection = _area(both[..., 0], both[..., 1], arrays)
    union = area_true + area_pred - intersection
    has_area = union > 0
    overlap = intersection / arrays.where(has_area, union, 1.0)
    return arrays.where(has_area, overlap, 0.0)


def _area(width, height, arrays):
    return arrays.maximum(width, 0.0) * arrays.maximum(height, 0.0)
