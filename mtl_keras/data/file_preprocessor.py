"""Base of the preprocessors that read the bytes of files."""

from mtl_keras.messages import unknown


def named_input(raw, name: str):
    """Returns a preprocessor's raw input from a dict.

    Args:
        raw: Dict of raw inputs by name, or the raw input itself.
        name: String.

    Returns:
        The raw input.

    Raises:
        ValueError: If the dict has no such key.
    """
    if not isinstance(raw, dict):
        return raw
    if name not in raw:
        key = next(iter(raw), None)
        raise ValueError(unknown("raw input", key, [name], sorted(raw)))
    return raw[name]


class FilePreprocessor:
    """Base of preprocessors whose raw input is the bytes of a file.

    A subclass sets `name`, the key of the raw input, and extends `get_config`.
    """

    name: str

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> "FilePreprocessor":
        """Makes the preprocessor that `get_config` described."""
        return cls(**config)

    def input_signature(self) -> dict:
        """Returns the specs of a batch of raw inputs, for an export."""
        import tensorflow as tf

        return {self.name: tf.TensorSpec((None,), tf.string, name=self.name)}

    def __eq__(self, other):
        """Returns whether `other` has the same class and arguments."""
        return (
            type(other) is type(self)
            and other.get_config() == self.get_config()
        )

    def __hash__(self):
        """Returns a hash that equal preprocessors share."""
        return hash(tuple(self.get_config().items()))
