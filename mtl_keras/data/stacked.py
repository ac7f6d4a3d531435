"""Examples stacked in memory, of which batches are gathered by number."""

import tensorflow as tf


def fits(items, preprocessor) -> bool:
    """Tells whether examples can be stacked, and whether it pays.

    It pays for a preprocessor that converts a whole batch of small examples
    at once, which its attribute `converts_batches` says: batching 256 rows of
    14 columns one by one takes longer than a step of training.

    Args:
        items: `tf.data.Dataset` of examples.
        preprocessor: As for `pipeline`.

    Returns:
        Boolean.
    """
    if not getattr(preprocessor, "converts_batches", False):
        return False
    specs = tf.nest.flatten(items.element_spec)
    return all(
        isinstance(spec, tf.TensorSpec) and spec.shape.is_fully_defined()
        for spec in specs
    )


class Stacked:
    """All examples of a dataset, stacked.

    Args:
        items: `tf.data.Dataset` of examples of one shape, which is read now.
    """

    def __init__(self, items):
        self._spec = items.element_spec
        # Of no example, too.
        parts = [
            [
                tf.zeros((0, *spec.shape), spec.dtype)
                for spec in tf.nest.flatten(self._spec)
            ]
        ]
        # Not one batch of all, whose size must be known before.
        parts += [tf.nest.flatten(part) for part in items.batch(4096)]
        self._tensors = [
            tf.concat(tensors, 0) for tensors in zip(*parts, strict=True)
        ]

    def numbers(self) -> tf.data.Dataset:
        """Returns a dataset of the examples' numbers, in order."""
        return tf.data.Dataset.range(len(self._tensors[0]))

    def gather(self, numbers):
        """Gathers examples.

        Args:
            numbers: int64 tensor of shape `(batch,)`.

        Returns:
            What an example of the dataset is, with the axis of the batch.
        """
        gathered = [tf.gather(tensor, numbers) for tensor in self._tensors]
        return tf.nest.pack_sequence_as(self._spec, gathered)
