"""Decodes the frames of an animated GIF in a graph, not more than allowed.

`tf.io.decode_gif` (TensorFlow 2.21) decodes every frame that a file holds: 200
black frames of 4,000 x 4,000 pixels, a file of 2.6 MB, took 3.3 GB. The file is
therefore searched for its frames first, and cut behind the last one wanted.
"""

from mtl_keras.data import byte_fields, image_header

MAX_FRAMES = 256
MAX_PIXELS = 16_000_000
_TRAILER = b";"
# Extensions, such as comments, that may stand between two frames.
_EXTENSIONS = 8
_WHAT = "Expected the bytes of an animated GIF"


def decode(contents, max_frames: int = MAX_FRAMES, max_pixels=MAX_PIXELS):
    """Decodes the first frames of a GIF.

    Args:
        contents: String tensor of shape `()`.
        max_frames: Integer, how many frames are decoded at most; those behind
            are ignored.
        max_pixels: Integer, the largest height times width times the number
            of these frames.

    Returns:
        Uint8 tensor of shape `(frames, height, width, 3)`.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the bytes are not a
            complete GIF, or its frames have more pixels.
    """
    import tensorflow as tf

    contents = tf.convert_to_tensor(contents, tf.string)
    start = tf.strings.substr(contents, 0, 6)
    is_gif = tf.equal(start, b"GIF87a") | tf.equal(start, b"GIF89a")
    checks = [
        tf.debugging.Assert(
            is_gif,
            [
                f"{_WHAT}. Received: another file, of this many bytes:",
                tf.strings.length(contents),
            ],
        )
    ]
    with tf.control_dependencies(checks):
        contents = tf.identity(contents)
    number, size, end = _find_frames(contents, max_frames)
    pixels = tf.reduce_prod(size) * number
    # Without it the decoder leaves out frames that it cannot read.
    is_whole = tf.equal(byte_fields.values(contents, end, 1)[0], _TRAILER[0])
    is_whole |= tf.equal(number, max_frames)
    checks = [
        tf.debugging.Assert(
            is_whole & (number > 0) & (tf.reduce_prod(size) > 0),
            [
                f"{_WHAT}, complete, with at least one frame. Received: a "
                "damaged file, with the number of frames, height and width",
                number,
                size,
            ],
        ),
        tf.debugging.Assert(
            pixels <= max_pixels,
            [
                f"{_WHAT} of at most {max_pixels:,} pixels in all frames. "
                "Received: the number of frames, height and width",
                number,
                size,
            ],
        ),
    ]
    with tf.control_dependencies(checks):
        whole = tf.strings.substr(
            contents, 0, tf.minimum(end, tf.strings.length(contents))
        )
    frames = tf.io.decode_gif(tf.strings.join([whole, _TRAILER]))
    decoded = tf.shape(frames, out_type=tf.int64)[0]
    check = tf.debugging.Assert(
        tf.equal(decoded, number),
        [
            f"{_WHAT} whose frames can be decoded. Received: a damaged file, "
            "with the number of frames, and of those that can be",
            number,
            decoded,
        ],
    )
    with tf.control_dependencies([check]):
        return tf.ensure_shape(tf.identity(frames), (None, None, None, 3))


def _find_frames(contents, max_frames):
    """Returns how many frames there are, their size, and where they end."""
    import tensorflow as tf

    def number(place):
        return byte_fields.unsigned(contents, place, 2)

    def byte(place):
        return byte_fields.values(contents, place, 1)[0]

    def is_block(place, frames, height, width):
        del height, width
        kind = byte(place)
        is_frame = tf.equal(kind, image_header.FRAME) & (frames < max_frames)
        return is_frame | tf.equal(kind, image_header.EXTENSION)

    def skip(place, frames, height, width):
        is_frame = tf.equal(byte(place), image_header.FRAME)
        # Of a frame ten bytes and perhaps colours precede its data, whose
        # first byte is the code size; of an extension two.
        data = place + 11 + image_header.colour_bytes(byte(place + 9))
        after = image_header.end_of_blocks(
            contents, tf.where(is_frame, data, place + 2)
        )
        # Decoders differ in which size they allocate: the largest counts.
        height = tf.where(
            is_frame, tf.maximum(height, number(place + 7)), height
        )
        width = tf.where(is_frame, tf.maximum(width, number(place + 5)), width)
        return after + 1, frames + tf.cast(is_frame, tf.int64), height, width

    place, frames, height, width = tf.while_loop(
        is_block,
        skip,
        (
            13 + image_header.colour_bytes(byte(10)),
            tf.constant(0, tf.int64),
            number(8),
            number(6),
        ),
        maximum_iterations=max_frames * (1 + _EXTENSIONS),
    )
    return frames, tf.stack([height, width]), place
