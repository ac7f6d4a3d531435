"""The labels of masks: class numbers, from the files that a data set holds."""

# The value of a pixel without a label, in files.
MISSING = 255


def class_numbers(mask):
    """Reads the class of each pixel.

    Args:
        mask: uint8 tensor of shape `(height, width, 1)`, or a string tensor:
            kept encoded as PNG, as the image is.

    Returns:
        int32 tensor of shape `(height, width)`, -1 for a pixel without label.
    """
    import tensorflow as tf

    if mask.dtype == tf.string:
        mask = tf.io.decode_png(mask, channels=1)
    mask = tf.cast(mask[..., 0], tf.int32)
    return tf.where(mask == MISSING, -1, mask)


def example_of(tasks, mask: str):
    """Makes the function from an example to image and labels.

    Args:
        tasks: Sequence of strings, the tasks whose labels are taken.
        mask: String, the task whose label is a mask.

    Returns:
        Function of a dict of tensors that returns a pair: a dict with the
        image, and a dict with the labels.
    """

    def split(element):
        labels = {name: element[name] for name in tasks}
        if mask in labels:
            labels[mask] = class_numbers(labels[mask])
        return {"image": element["image"]}, labels

    return split
