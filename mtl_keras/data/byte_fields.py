"""Fields of a file's header, read from its bytes in a graph."""


def raw(contents, place, num: int):
    """Reads a part of a string.

    Args:
        contents: String tensor of shape `()`.
        place: Integer scalar tensor, the first byte; it may be past the end.
        num: Integer, how many bytes.

    Returns:
        String tensor of shape `()` of `num` bytes, zeros past the end of
        `contents`.
    """
    import tensorflow as tf

    length = tf.cast(tf.strings.length(contents), tf.int64)
    # `substr` fails for a position past the end.
    place = tf.minimum(tf.cast(place, tf.int64), length)
    part = tf.strings.substr(contents, place, tf.constant(num, tf.int64))
    return tf.strings.substr(tf.strings.join([part, b"\0" * num]), 0, num)


def values(contents, place, num: int):
    """Reads bytes as numbers.

    Args:
        contents: String tensor of shape `()`.
        place: Integer scalar tensor, the first byte.
        num: Integer, how many bytes.

    Returns:
        int32 tensor of shape `(num,)`, from 0 to 255; 0 past the end.
    """
    import tensorflow as tf

    part = tf.io.decode_raw(raw(contents, place, num), tf.uint8)
    return tf.cast(tf.ensure_shape(part, [num]), tf.int32)


def unsigned(contents, place, num: int, *, big_endian: bool = False):
    """Reads an unsigned integer of several bytes.

    Args:
        contents: String tensor of shape `()`.
        place: Integer scalar tensor, the first byte.
        num: Integer, how many bytes, at most 4.
        big_endian: Boolean. Whether the first byte is the most significant.

    Returns:
        int64 scalar tensor.
    """
    import tensorflow as tf

    powers = [256**power for power in range(num)]
    scale = tf.constant(powers[::-1] if big_endian else powers, tf.int64)
    parts = tf.cast(values(contents, place, num), tf.int64)
    return tf.reduce_sum(parts * scale)
