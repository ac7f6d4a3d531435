"""Converts image bytes or pixels to model inputs."""

import functools

import keras

from mtl_keras import checks
from mtl_keras.data import image_header
from mtl_keras.data.file_preprocessor import FilePreprocessor, named_input
from mtl_keras.data.image_header import MAX_PIXELS

# The channels that `tf.io.decode_image` can be asked for; see `decode`.
_CHANNELS = (1, 3)
# Of a number or a vector for each pixel.
_KINDS_OF_MAPS = ("depth", "normals")


@keras.saving.register_keras_serializable(package="mtl_keras")
class ImagePreprocessor(FilePreprocessor):
    """Converts images to a model's input: float32 pixels from 0 to 1.

    The aspect ratio is kept: an image is scaled until it just fits, and padded
    evenly with 0 (a letterbox). An image that already has the model's size is
    only divided by 255. The EXIF orientation is ignored.

    ```python
    preprocessor = ImagePreprocessor(64, 64, 1)
    inputs, context = preprocessor({"image": png_bytes})
    ```

    Args:
        height: Integer, the height of the model's input in pixels.
        width: Integer, its width.
        channels: Integer, 1 (gray) or 3 (red, green, blue).
        name: String, the key of the image in the raw inputs and in the model's.
            Defaults to `"image"`.
        max_pixels: Integer, the largest height times width of a file. It is
            compared with the file's header before decoding: a file of some
            kilobytes can declare an image of gigabytes. Defaults to 64 million.

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
        if channels not in _CHANNELS:
            raise ValueError(
                "ImagePreprocessor expects `channels` to be 1 (gray) or 3 "
                f"(colours). Received: channels={channels!r}"
            )
        self.height = checks.integer("height", height, low=1)
        self.width = checks.integer("width", width, low=1)
        self.channels = int(channels)
        self.name = checks.input_name("name", name)
        self.max_pixels = checks.integer("max_pixels", max_pixels, low=1)

    def __call__(self, raw):
        """Converts one image or a batch to the model's input.

        Args:
            raw: Dict with one tensor under the key `name`, or the tensor:
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
            tf.errors.InvalidArgumentError: At run time, if the bytes are not
                a complete file of these formats or declare too many pixels.
        """
        import tensorflow as tf

        images = self._images(raw)
        single_rank = 0 if images.dtype == tf.string else 3
        if images.shape.rank == single_rank:
            pixels, size = self._one(images)
        else:
            pixels, size = tf.map_fn(
                self._one,
                images,
                fn_output_signature=(
                    tf.TensorSpec(self._shape, tf.float32),
                    tf.TensorSpec((2,), tf.int32),
                ),
            )
        return {self.name: pixels}, {"size": size}

    def place_labels(self, labels, context, tasks):
        """Puts the maps of one example on the canvas, as its image was.

        Args:
            labels: Dict of task name to tensor.
            context: Dict that the preprocessor returned for the example.
            tasks: Dict of name to `Task`; those of kind `"mask"` have class
                numbers of shape `(h, w)`, `"depth"` numbers of that shape,
                `"normals"` vectors of shape `(h, w, 3)`.

        Returns:
            Dict with the same keys; masks are int32 of shape `(height,
            width)`, other maps float32, with the task's missing marker in the
            padding.
        """
        from mtl_keras.data import letterbox

        size, placed = context["size"], dict(labels)
        for name, label in labels.items():
            kind, missing = tasks[name].kind, tasks[name].label.missing
            if kind == "mask":
                placed[name] = letterbox.mask_to_canvas(
                    label, size, self.height, self.width, missing
                )
            elif kind in _KINDS_OF_MAPS:
                placed[name] = letterbox.map_to_canvas(
                    label, size, self.height, self.width, float(missing)
                )
        return placed

    def move_labels(self, labels, context, tasks):
        """Converts boxes from fractions of the image to those of the canvas.

        Args:
            labels: Dict of task name to tensor.
            context: Dict that the preprocessor returned.
            tasks: Dict of name to `Task`; boxes are the labels whose rule is
                `"box_xyxy"` or `"objects"`.

        Returns:
            Dict with the same keys.
        """
        import tensorflow as tf

        from mtl_keras.data import letterbox

        def moved(label, rule):
            if rule not in ("box_xyxy", "objects"):
                return label
            size = context["size"]
            if rule == "box_xyxy":
                return letterbox.to_canvas(label, size, self.height, self.width)
            # A list of boxes for each image; the class stands behind the box.
            box = letterbox.to_canvas(
                label[..., :4], size[..., None, :], self.height, self.width
            )
            return tf.concat([box, label[..., 4:]], axis=-1)

        return {
            name: moved(label, tasks[name].label.rule)
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

    def _images(self, raw):
        import tensorflow as tf

        images = tf.convert_to_tensor(named_input(raw, self.name))
        is_bytes = images.dtype == tf.string
        ranks = (0, 1) if is_bytes else (3, 4)
        is_pixels = images.dtype == tf.uint8 or images.dtype.is_floating
        channels = None if is_bytes else images.shape[-1:]
        if (
            not (is_bytes or is_pixels)
            or images.shape.rank not in ranks
            or (channels is not None and channels[0] not in (1, 3, 4))
        ):
            raise ValueError(
                f"ImagePreprocessor expects {self.name!r} to be bytes of shape "
                "() or (batch,), or uint8 or float pixels of shape (h, w, c) "
                "or (batch, h, w, c) with 1, 3 or 4 channels. "
                f"Received: shape {images.shape}, dtype {images.dtype.name}"
            )
        return images

    def _one(self, image):
        import tensorflow as tf

        from mtl_keras.data import letterbox

        if image.dtype == tf.string:
            image = decode(image, self.channels, self.max_pixels)
        size = tf.shape(image)[:2]
        # uint8 is resized as uint8: a whole image in float32 takes four times
        # the memory.
        canvas = letterbox.resize(image, self.height, self.width)
        if image.dtype == tf.uint8:
            canvas /= 255.0
        return with_channels(canvas, self.channels), size


def decode(contents, channels: int, max_pixels: int = MAX_PIXELS):
    """Decodes the bytes of one image.

    Args:
        contents: String tensor of shape `()`: a PNG, JPEG, BMP or GIF file.
        channels: Integer, 1 or 3.
        max_pixels: Integer, the largest height times width.

    Returns:
        Uint8 tensor of shape `(h, w, channels)`.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the bytes are not a
            complete file of these formats or declare too many pixels.
    """
    return _decoder(channels, max_pixels)(contents)


@functools.cache
def _decoder(channels, max_pixels):
    """Returns a function that is traced once, not for each data set.

    Its graph is larger than that of many models: a training on images makes
    four of it, an export two for each signature.
    """
    import tensorflow as tf

    @tf.function(
        input_signature=[tf.TensorSpec((), tf.string)], autograph=False
    )
    def decoder(contents):
        return _decode(contents, channels, max_pixels)

    return decoder


def _decode(contents, channels, max_pixels):
    import tensorflow as tf

    contents = image_header.checked(contents, max_pixels)

    def png_or_jpeg():
        return tf.io.decode_image(contents, channels, expand_animations=False)

    def bmp_or_gif():
        # The GIF decoder has no gray mode and the BMP decoder converts
        # nothing, so both decode the channels of the file.
        decoded = tf.io.decode_image(contents, 0, expand_animations=False)

        def converted():
            # The graph does not know the number of channels; `with_channels`
            # needs it.
            colours = tf.ensure_shape(decoded[..., :3], (None, None, 3))
            if channels == 3:
                return colours
            gray = with_channels(tf.cast(colours, tf.float32), channels)
            return tf.cast(tf.round(gray), tf.uint8)

        return tf.cond(
            tf.equal(tf.shape(decoded)[-1], 1),
            lambda: tf.repeat(decoded, channels, axis=-1),
            converted,
        )

    start = tf.strings.substr(contents, 0, 2)
    is_bmp_or_gif = tf.equal(start, b"BM") | tf.equal(start, b"GI")
    pixels = tf.cond(is_bmp_or_gif, bmp_or_gif, png_or_jpeg)
    return tf.ensure_shape(pixels, (None, None, channels))


def with_channels(pixels, channels):
    """Converts float pixels of 1, 3 or 4 channels to gray or RGB."""
    import tensorflow as tf

    if pixels.shape[-1] == 4:
        pixels = pixels[..., :3]
    if pixels.shape[-1] == channels:
        return pixels
    if pixels.shape[-1] == 1:
        return tf.repeat(pixels, channels, axis=-1)
    # Luma of ITU-R BT.601, as in the PNG and JPEG decoders.
    luma = tf.constant([0.299, 0.587, 0.114])
    return tf.reduce_sum(pixels * luma, axis=-1, keepdims=True)
