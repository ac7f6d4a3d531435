"""Reads the headers of image files in a graph, before decoding.

A file of some kilobytes can declare an image of gigabytes, and a GIF can have
thousands of frames of which one is needed. The header is therefore checked
before anything is decoded.
"""

from mtl_keras.data import byte_fields

MAX_PIXELS = 64_000_000
_HEAD = 32
_PNG = b"\x89PNG\r\n\x1a\n"
# The first bytes of the blocks of a GIF.
EXTENSION = 0x21
FRAME = 0x2C
_TRAILER = b";"
# How many extensions may precede a GIF's first frame. Usual files have two or
# three; reading millions would take minutes.
_MAX_EXTENSIONS = 64
# How many bytes of a GIF are searched at once for the end of a frame, and how
# often the map of its blocks is squared: a window has less than 2 ** 11 blocks.
_WINDOW = 2048
_HOPS = 11
_UNKNOWN = 4


def checked(contents, max_pixels: int = MAX_PIXELS):
    """Checks that an image is small enough to decode.

    Args:
        contents: String tensor of shape `()`.
        max_pixels: Integer, the largest height times width.

    Returns:
        String tensor of shape `()` to be decoded: a file of the first frame of
        a GIF, else `contents`.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the bytes are not a
            PNG, JPEG, BMP or GIF file, or the header is damaged or declares
            more pixels.
    """
    import tensorflow as tf

    is_known, size, contents = read(contents)
    pixels = tf.reduce_prod(size)
    checks = [
        tf.debugging.Assert(
            is_known,
            [
                "Expected the bytes of a PNG, JPEG, BMP or GIF file. "
                "Received: another file, of this many bytes:",
                tf.strings.length(contents),
            ],
        ),
        tf.debugging.Assert(
            ~is_known | (pixels > 0),
            [
                "Expected the bytes of a complete PNG, JPEG, BMP or GIF file. "
                "Received: a damaged header, with the height and width",
                size,
            ],
        ),
        tf.debugging.Assert(
            pixels <= max_pixels,
            [
                f"Expected an image of at most {max_pixels:,} pixels. "
                "Received: a file that declares the height and width",
                size,
            ],
        ),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(contents)


def read(contents):
    """Reads an image's header, without decoding.

    Args:
        contents: String tensor of shape `()`, the bytes of a file.

    Returns:
        Triple: a boolean tensor, whether this is a PNG, JPEG, BMP or GIF
        file; an int64 tensor `(height, width)`, not positive if the header is
        damaged; and a string tensor, `contents` or, for a GIF, a
        file of its first frame.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if a JPEG's header
            cannot be read.
    """
    import tensorflow as tf

    contents = tf.convert_to_tensor(contents, tf.string)

    head = byte_fields.raw(contents, 0, _HEAD)

    def has(word, place=0):
        return tf.equal(tf.strings.substr(head, place, len(word)), word)

    def number(place, num, *, big_endian=False):
        return byte_fields.unsigned(head, place, num, big_endian=big_endian)

    def png():
        # libpng skips unknown chunks, so the size that it reads could be
        # elsewhere if the first chunk is not IHDR.
        size = [number(place, 4, big_endian=True) for place in (20, 16)]
        size = tf.where(has(b"IHDR", 12), tf.stack(size), 0)
        return size, contents

    def jpeg():
        shape = tf.image.extract_jpeg_shape(contents, tf.int64)
        return shape[:2], contents

    def bmp():
        values = [number(place, 4) for place in (22, 18)]
        # Signed 32 bits; a negative height means that rows run from the top.
        height, width = (v - tf.where(v >= 2**31, 2**32, 0) for v in values)
        return tf.stack([tf.abs(height), width]), contents

    def gif():
        return _first_frame(contents)

    def unknown():
        return tf.zeros([2], tf.int64), contents

    known = [
        has(_PNG),
        has(b"\xff\xd8\xff"),
        has(b"BM"),
        has(b"GIF87a") | has(b"GIF89a"),
    ]
    kind = tf.argmax(tf.stack([*known, True]), output_type=tf.int32)
    size, contents = tf.switch_case(kind, [png, jpeg, bmp, gif, unknown])
    size = tf.ensure_shape(size, [2])
    return tf.not_equal(kind, _UNKNOWN), size, tf.ensure_shape(contents, [])


def _first_frame(contents):
    """Returns the size of a GIF's first frame, and a file of it alone.

    TensorFlow 2.21 decodes all frames to return one: 200 black frames of
    4,000 x 4,000 pixels, a file of 2.6 MB, took 3.3 GB.
    """
    import tensorflow as tf

    def number(place):
        return byte_fields.unsigned(contents, place, 2)

    def byte(place):
        return byte_fields.values(contents, place, 1)[0]

    (place,) = tf.while_loop(
        lambda place: tf.equal(byte(place), EXTENSION),
        lambda place: (end_of_blocks(contents, place + 2) + 1,),
        (13 + colour_bytes(byte(10)),),
        maximum_iterations=_MAX_EXTENSIONS,
    )
    # One byte, the code size, precedes the blocks.
    end = end_of_blocks(contents, place + 11 + colour_bytes(byte(place + 9)))
    screen = tf.stack([number(8), number(6)])
    frame = tf.stack([number(place + 7), number(place + 5)])
    # Decoders differ in which of the two they allocate.
    size = tf.maximum(screen, frame)
    is_valid = tf.equal(byte(place), FRAME)
    is_valid &= tf.reduce_all(screen > 0) & tf.reduce_all(frame > 0)
    alone = tf.strings.substr(
        contents, 0, tf.minimum(end + 1, tf.strings.length(contents))
    )
    return tf.where(is_valid, size, 0), tf.strings.join([alone, _TRAILER])


def colour_bytes(flags):
    """Returns the size of a GIF's colour table in bytes, from its flags."""
    import tensorflow as tf

    size = 3 * tf.bitwise.left_shift(2, tf.bitwise.bitwise_and(flags, 7))
    return tf.where(flags >= 128, size, 0)


def end_of_blocks(contents, place):
    """Finds the empty block that ends a GIF's chain of data blocks.

    A block is a byte with its length, and that many bytes. Each byte of a
    window is read as the start of a block that points to the next; squaring
    this map a few times reaches the end of the chain, where following it would
    take one step of the graph per block.
    """
    import tensorflow as tf

    def step(place, _):
        lengths = byte_fields.values(contents, place, _WINDOW)
        # A block of length 0 maps to itself, as does anything outside.
        jump = tf.range(_WINDOW) + tf.where(lengths > 0, lengths + 1, 0)
        jump = tf.concat([jump, tf.range(_WINDOW, _WINDOW + 256)], 0)
        for _ in range(_HOPS):
            jump = tf.gather(jump, jump)
        return place + jump[0], jump[0] < _WINDOW

    place, _ = tf.while_loop(
        lambda _, is_end: ~is_end, step, [place, tf.constant(False)]
    )
    return place
