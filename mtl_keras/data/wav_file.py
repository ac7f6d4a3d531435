"""Reads wav files in a graph, with a clear error for any other file.

`tf.audio.decode_wav` (TensorFlow 2.21) decodes the whole file, quotes its bytes
in errors that Python then cannot decode, and rejects valid files whose chunks
have another order.
"""

from mtl_keras.data import byte_fields

MIN_RATE, MAX_RATE = 1_000, 384_000
# How many chunks of the file may precede the samples.
_MAX_CHUNKS = 64
_PCM, _EXTENSIBLE = 1, 0xFFFE
_BYTES = 2
_WHAT = "Expected the bytes of a wav file of 16-bit PCM samples"


def decode(contents, seconds: float):
    """Decodes the beginning of one recording.

    Args:
        contents: String tensor of shape `()`: a wav file of 16-bit PCM
            samples, any number of channels, and 1,000 to 384,000 samples per
            second.
        seconds: Float, the length that is decoded.

    Returns:
        Triple: float32 tensor of shape `(samples, channels)` from -1 to 1,
        shorter than `seconds` if the recording is; int64 scalar tensor, the
        samples per second; and int64 scalar tensor, the number of samples of
        the whole recording.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the bytes are not such
            a file, or fewer than the header declares.
    """
    import tensorflow as tf

    contents = _checked_kind(contents)
    layout, data = _find_parts(contents)
    code = byte_fields.unsigned(contents, layout, 2)
    channels = byte_fields.unsigned(contents, layout + 2, 2)
    rate = byte_fields.unsigned(contents, layout + 4, 4)
    block = byte_fields.unsigned(contents, layout + 12, 2)
    bits = byte_fields.unsigned(contents, layout + 14, 2)
    # In an extensible header, the first two bytes of a longer code.
    extended_code = byte_fields.unsigned(contents, layout + 24, 2)
    code = tf.where(tf.equal(code, _EXTENSIBLE), extended_code, code)
    size = byte_fields.unsigned(contents, data - 4, 4)
    available = tf.cast(tf.strings.length(contents), tf.int64) - data
    checks = [
        _check(
            (layout > 0) & (data > 0),
            f"with format and samples within its first {_MAX_CHUNKS} chunks. "
            "Received: a file without one of them, with offsets",
            layout,
            data,
        ),
        _check(
            tf.equal(code, _PCM) & tf.equal(bits, 8 * _BYTES),
            "code 1 and 16 bits. Received: code and bits",
            code,
            bits,
        ),
        _check(
            (channels > 0) & tf.equal(block, _BYTES * channels),
            "one or more channels of 2 bytes. "
            "Received: channels, and bytes for all of them",
            channels,
            block,
        ),
        _check(
            (rate >= MIN_RATE) & (rate <= MAX_RATE),
            f"{MIN_RATE:,} to {MAX_RATE:,} samples per second. Received:",
            rate,
        ),
        _check(
            size <= available,
            "all that its header declares. "
            "Received: bytes of samples declared, and present",
            size,
            available,
        ),
        _check(
            tf.equal(size % tf.maximum(block, 1), 0),
            "whole samples. Received: bytes of samples, and of one",
            size,
            block,
        ),
    ]
    with tf.control_dependencies(checks):
        num = tf.cast(tf.round(tf.cast(rate, tf.float64) * seconds), tf.int64)
    part = tf.strings.substr(contents, data, tf.minimum(size, num * block))
    samples = tf.cast(tf.io.decode_raw(part, tf.int16), tf.float32) / 2**15
    samples = tf.reshape(samples, tf.stack([-1, tf.maximum(channels, 1)]))
    return samples, rate, size // tf.maximum(block, 1)


def _checked_kind(contents):
    import tensorflow as tf

    contents = tf.convert_to_tensor(contents)
    head = byte_fields.raw(contents, 0, 12)
    check = _check(
        tf.equal(tf.strings.substr(head, 0, 4), b"RIFF")
        & tf.equal(tf.strings.substr(head, 8, 4), b"WAVE"),
        "which begins with RIFF and WAVE. Received: another file, of bytes",
        tf.strings.length(contents),
    )
    with tf.control_dependencies([check]):
        return tf.identity(contents)


def _find_parts(contents):
    """Returns the offsets of the format and of the samples, 0 if absent."""
    import tensorflow as tf

    length = tf.cast(tf.strings.length(contents), tf.int64)
    nowhere = tf.constant(0, tf.int64)

    def is_incomplete(place, layout, data):
        return tf.equal(data, 0) & (place + 8 <= length)

    def step(place, layout, data):
        name = byte_fields.raw(contents, place, 4)
        size = byte_fields.unsigned(contents, place + 4, 4)
        inside = place + 8
        layout = tf.where(tf.equal(name, b"fmt "), inside, layout)
        data = tf.where(tf.equal(name, b"data"), inside, data)
        # A chunk of odd length is followed by one byte of padding.
        return inside + size + size % 2, layout, data

    _, layout, data = tf.while_loop(
        is_incomplete,
        step,
        (tf.constant(12, tf.int64), nowhere, nowhere),
        maximum_iterations=_MAX_CHUNKS,
    )
    return layout, data


def _check(condition, expected, *received):
    import tensorflow as tf

    return tf.debugging.Assert(condition, [f"{_WHAT}, {expected}", *received])
