"""What a person has, a picture in a file or in memory, to a model's input."""

import keras

from mtl_keras.data.file_preprocessor import FilePreprocessor, named_input
from mtl_keras.data.image_header import MAX_PIXELS

# tf.io.decode_image knows these two by name in its channels; see `_decode`.
_CHANNELS = (1, 3)


@keras.saving.register_keras_serializable(package="mtl_keras")
class ImagePreprocessor(FilePreprocessor):
    """Turns pictures into a model's input: float32 pixels from 0 to 1.

    A picture keeps its aspect: it is scaled until it just fits, and padded
    evenly with 0 (a letterbox). One that has the model's size already is only
    divided by 255. The EXIF orientation is not read.

    ```python
    preprocessor = ImagePreprocessor(64, 64, 1)
    inputs, context = preprocessor({"image": png_bytes})
    ```

    Args:
        height: Integer, the height of the model's input in pixels.
        width: Integer, its width.
        channels: Integer, 1 (gray) or 3 (red, green, blue).
        name: String, the key of the picture in the raw inputs and in the
            model's. Defaults to `"image"`.
        max_pixels: Integer, the largest height times width of a file. It is
            compared with what the file's header declares, before anything is
            decoded: a file of some kilobytes can declare a picture of
            gigabytes. Defaults to 64 million.

    Raises:
        ValueError: If a size is not positive or `channels` is another number.
    """

    def __init__(
        self,
        height: int,
        width: int,
        channels: int,
        name: str = "image",
        max_pixels: int = MAX_PIXELS,
    ):
        sizes = {"height": height, "width": width, "max_pixels": max_pixels}
        for key, value in sizes.items():
            if isinstance(value, bool) or int(value) != value or value < 1:
                raise ValueError(
                    f"ImagePreprocessor expects `{key}` to be an integer of "
                    f"at least 1. Received: {key}={value!r}"
                )
        if channels not in _CHANNELS:
            raise ValueError(
                "ImagePreprocessor expects `channels` to be 1 (gray) or 3 "
                f"(colours). Received: channels={channels!r}"
            )
        self.height = int(height)
        self.width = int(width)
        self.channels = int(channels)
        self.name = name
        self.max_pixels = int(max_pixels)

    def __call__(self, raw):
        """Makes the model's input of one picture or of a batch.

        Args:
            raw: Dict with one tensor under `name`, or the tensor itself:
                strings of shape `()` or `(batch,)`, the bytes of PNG, JPEG,
                BMP or GIF files (of a GIF the first frame); or pixels of
                shape `(h, w, c)` or `(batch, h, w, c)` with 1, 3 or 4
                channels, uint8 from 0 to 255 or floats from 0 to 1.

        Returns:
            Pair `(inputs, context)`: `inputs[name]` is a float32 tensor of
            shape `(height, width, channels)`, with a leading batch axis where
            `raw` has one; `context["size"]` is an int32 tensor of shape
            `(2,)` or `(batch, 2)`, the height and width of the original.

        Raises:
            ValueError: If `raw` has another type or shape.
            tf.errors.InvalidArgumentError: When it runs, if the bytes are no
                whole file of these formats or declare too many pixels.
        """
        import tensorflow as tf

        picture = self._picture(raw)
        single_rank = 0 if picture.dtype == tf.string else 3
        if picture.shape.rank == single_rank:
            image, size = self._one(picture)
        else:
            image, size = tf.map_fn(
                self._one,
                picture,
                fn_output_signature=(
                    tf.TensorSpec(self._shape, tf.float32),
                    tf.TensorSpec((2,), tf.int32),
                ),
            )
        return {self.name: image}, {"size": size}

    def move_labels(self, labels, context, tasks):
        """Moves boxes from shares of the original to shares of the canvas.

        Args:
            labels: Dict of task name to tensor.
            context: Dict that the call returned.
            tasks: Dict of name to `Task`; boxes are the labels whose rule is
                `"box_xyxy"`.

        Returns:
            Dict with the same keys.
        """
        from mtl_keras.data import letterbox

        return {
            name: (
                letterbox.to_canvas(
                    label, context["size"], self.height, self.width
                )
                if tasks[name].label.rule == "box_xyxy"
                else label
            )
            for name, label in labels.items()
        }

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "name": self.name,
            "max_pixels": self.max_pixels,
        }

    def __repr__(self):
        """Returns the call that makes this preprocessor."""
        config = self.get_config()
        if self.max_pixels == MAX_PIXELS:
            del config["max_pixels"]
        arguments = ", ".join(f"{k}={v!r}" for k, v in config.items())
        return f"ImagePreprocessor({arguments})"

    @property
    def _shape(self):
        return (self.height, self.width, self.channels)

    def _picture(self, raw):
        import tensorflow as tf

        picture = tf.convert_to_tensor(named_input(raw, self.name))
        is_text = picture.dtype == tf.string
        ranks = (0, 1) if is_text else (3, 4)
        is_pixels = picture.dtype == tf.uint8 or picture.dtype.is_floating
        channels = None if is_text else picture.shape[-1:]
        if (
            not (is_text or is_pixels)
            or picture.shape.rank not in ranks
            or (channels is not None and channels[0] not in (1, 3, 4))
        ):
            raise ValueError(
                f"ImagePreprocessor expects {self.name!r} to be image bytes of "
                "shape () or (batch,), or pixels of shape (h, w, c) or "
                "(batch, h, w, c) with 1, 3 or 4 channels, uint8 from 0 to "
                "255 or floats from 0 to 1. "
                f"Received: shape {picture.shape}, dtype {picture.dtype.name}"
            )
        return picture

    def _one(self, picture):
        import tensorflow as tf

        from mtl_keras.data import letterbox

        if picture.dtype == tf.string:
            picture = decode(picture, self.channels, self.max_pixels)
        size = tf.shape(picture)[:2]
        # Bytes are resized as bytes: a whole picture of floats takes four
        # times the memory.
        image = letterbox.resize(picture, self.height, self.width)
        if picture.dtype == tf.uint8:
            image /= 255.0
        return _with_channels(image, self.channels), size


def decode(contents, channels: int, max_pixels: int = MAX_PIXELS):
    """Decodes the bytes of one picture.

    Args:
        contents: String tensor of shape `()`: a PNG, JPEG, BMP or GIF file.
        channels: Integer, 1 or 3.
        max_pixels: Integer, the largest height times width.

    Returns:
        Uint8 tensor of shape `(h, w, channels)`.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if the bytes are no whole
            file of these formats or declare too many pixels.
    """
    import tensorflow as tf

    from mtl_keras.data import image_header

    contents = image_header.checked(contents, max_pixels)

    def usual():
        return tf.io.decode_image(contents, channels, expand_animations=False)

    def other():
        # GIF knows no gray and BMP converts nothing: take what is there.
        found = tf.io.decode_image(contents, 0, expand_animations=False)

        def converted():
            # A graph does not know how many there are, and has to.
            colours = tf.ensure_shape(found[..., :3], (None, None, 3))
            if channels == 3:
                return colours
            gray = _with_channels(tf.cast(colours, tf.float32), channels)
            return tf.cast(tf.round(gray), tf.uint8)

        return tf.cond(
            tf.equal(tf.shape(found)[-1], 1),
            lambda: tf.repeat(found, channels, axis=-1),
            converted,
        )

    start = tf.strings.substr(contents, 0, 2)
    is_other = tf.logical_or(tf.equal(start, b"BM"), tf.equal(start, b"GI"))
    pixels = tf.cond(is_other, other, usual)
    return tf.ensure_shape(pixels, (None, None, channels))


def _with_channels(pixels, channels):
    """Makes float pixels of 1, 3 or 4 channels gray or coloured."""
    import tensorflow as tf

    found = pixels.shape[-1]
    if found == 4:
        pixels, found = pixels[..., :3], 3
    if found == channels:
        return pixels
    if found == 1:
        return tf.repeat(pixels, channels, axis=-1)
    # Luma of ITU-R BT.601, which PNG and JPEG decoders use for gray as well.
    luma = tf.constant([0.299, 0.587, 0.114])
    return tf.reduce_sum(pixels * luma, axis=-1, keepdims=True)
