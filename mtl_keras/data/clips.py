"""Converts clips, animated GIFs or frames, to a model's input."""

import functools

import keras

from mtl_keras import checks
from mtl_keras.data import gif_frames
from mtl_keras.data.file_preprocessor import FilePreprocessor, named_input
from mtl_keras.data.gif_frames import MAX_FRAMES, MAX_PIXELS
from mtl_keras.messages import unknown

_CHANNELS = (1, 3)
_SAMPLINGS = ("middle", "even")


@keras.saving.register_keras_serializable(package="mtl_keras")
class ClipPreprocessor(FilePreprocessor):
    """Converts clips to a model's input: float32 pixels from 0 to 1.

    Frames are scaled and padded as by `ImagePreprocessor`, all alike. Their
    durations are ignored.

    ```python
    preprocessor = ClipPreprocessor(16, 32, 32, 1)
    inputs, context = preprocessor({"clip": gif_bytes})
    inputs["clip"]                  # shape (16, 32, 32, 1)
    ```

    Args:
        frames: Integer, the number of frames of the model's input.
        height: Integer, their height in pixels.
        width: Integer, their width.
        channels: Integer, 1 (gray) or 3 (red, green, blue).
        sampling: String, which frames of a longer clip are read: `"middle"`,
            those in its middle, so that motion keeps its speed, or `"even"`,
            frames at equal distances over the whole clip, which makes motion
            faster. A shorter clip stands still before it begins and after it
            ends, or with `"even"` repeats frames. Defaults to `"middle"`.
        name: String, the key of the clip in the raw inputs and in the model's.
            Defaults to `"clip"`.
        max_frames: Integer, how many frames of a GIF are decoded; later ones
            are ignored. Defaults to 256.
        max_pixels: Integer, the largest height times width of a GIF times the
            number of its frames that are decoded. It is compared with the
            file's headers before decoding. Defaults to 16 million.

    Raises:
        ValueError: If a number is not positive, or `channels` or `sampling` is
            another one.
    """

    def __init__(
        self,
        frames: int,
        height: int,
        width: int,
        channels: int,
        sampling: str = "middle",
        name: str = "clip",
        max_frames: int = MAX_FRAMES,
        max_pixels: int = MAX_PIXELS,
    ):
        if channels not in _CHANNELS:
            raise ValueError(
                "ClipPreprocessor expects `channels` to be 1 (gray) or 3 "
                f"(colours). Received: channels={channels!r}"
            )
        if sampling not in _SAMPLINGS:
            raise ValueError(unknown("`sampling`", sampling, _SAMPLINGS))
        self.frames = checks.integer("frames", frames, low=1)
        self.height = checks.integer("height", height, low=1)
        self.width = checks.integer("width", width, low=1)
        self.channels = int(channels)
        self.sampling = sampling
        self.name = checks.input_name("name", name)
        self.max_frames = checks.integer("max_frames", max_frames, low=1)
        self.max_pixels = checks.integer("max_pixels", max_pixels, low=1)

    def __call__(self, raw):
        """Converts one clip or a batch to the model's input.

        Args:
            raw: Dict with one tensor under the key `name`, or the tensor:
                strings of shape `()` or `(batch,)`, the bytes of GIF files;
                or pixels of shape `(n, h, w, c)` or `(batch, n, h, w, c)`,
                `n` frames of 1 or 3 channels, uint8 from 0 to 255 or floats
                from 0 to 1, such as `load_clip` reads.

        Returns:
            Pair `(inputs, context)`: `inputs[name]` is a float32 tensor of
            shape `(frames, height, width, channels)`, with a leading batch
            axis where `raw` has one; `context` holds the original's
            `"num_frames"`, an int32 tensor of shape `()` or `(batch,)`, and
            its `"size"`, `(2,)` or `(batch, 2)`, the height and width.

        Raises:
            ValueError: If `raw` has another type or shape.
            tf.errors.InvalidArgumentError: At run time, if the bytes are not
                a complete GIF or its frames have too many pixels.
        """
        import tensorflow as tf

        clips = self._clips(raw)
        single_rank = 0 if clips.dtype == tf.string else 4
        if clips.shape.rank == single_rank:
            pixels, number, size = self._one(clips)
        else:
            pixels, number, size = tf.map_fn(
                self._one,
                clips,
                fn_output_signature=(
                    tf.TensorSpec(self._shape, tf.float32),
                    tf.TensorSpec((), tf.int32),
                    tf.TensorSpec((2,), tf.int32),
                ),
            )
        return {self.name: pixels}, {"num_frames": number, "size": size}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "frames": self.frames,
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "sampling": self.sampling,
            "name": self.name,
            "max_frames": self.max_frames,
            "max_pixels": self.max_pixels,
        }

    def __repr__(self):
        """Returns the call that makes this preprocessor."""
        arguments = ", ".join(
            f"{k}={v!r}" for k, v in self.get_config().items()
        )
        return f"ClipPreprocessor({arguments})"

    @property
    def _shape(self):
        return (self.frames, self.height, self.width, self.channels)

    def _clips(self, raw):
        import tensorflow as tf

        clips = tf.convert_to_tensor(named_input(raw, self.name))
        is_bytes = clips.dtype == tf.string
        ranks = (0, 1) if is_bytes else (4, 5)
        is_pixels = clips.dtype == tf.uint8 or clips.dtype.is_floating
        channels = None if is_bytes else clips.shape[-1:]
        if (
            not (is_bytes or is_pixels)
            or clips.shape.rank not in ranks
            or (channels is not None and channels[0] not in _CHANNELS)
        ):
            raise ValueError(
                f"ClipPreprocessor expects {self.name!r} to be bytes of shape "
                "() or (batch,), or uint8 or float pixels of shape (n, h, w, "
                "c) or (batch, n, h, w, c) with 1 or 3 channels. "
                f"Received: shape {clips.shape}, dtype {clips.dtype.name}"
            )
        return clips

    def _one(self, clip):
        import tensorflow as tf

        from mtl_keras.data import letterbox, preprocessing

        if clip.dtype == tf.string:
            clip = _decoder(self.max_frames, self.max_pixels)(clip)
        number, size = tf.shape(clip)[0], tf.shape(clip)[1:3]
        channels = clip.shape[-1]
        if tuple(clip.shape) == self._shape:
            # As most data sets are prepared: what follows takes 0.5 ms.
            scale = 255.0 if clip.dtype == tf.uint8 else 1.0
            return tf.cast(clip, tf.float32) / scale, number, size
        chosen = tf.gather(clip, self._indices(number))
        # Frames beside channels: all are resized at once.
        chosen = tf.reshape(
            tf.transpose(chosen, (1, 2, 0, 3)),
            (size[0], size[1], self.frames * channels),
        )
        canvas = letterbox.resize(chosen, self.height, self.width)
        if clip.dtype == tf.uint8:
            canvas /= 255.0
        canvas = tf.reshape(
            canvas, (self.height, self.width, self.frames, channels)
        )
        canvas = tf.transpose(canvas, (2, 0, 1, 3))
        pixels = preprocessing.with_channels(canvas, self.channels)
        return tf.ensure_shape(pixels, self._shape), number, size

    def _indices(self, number):
        """Returns which of `number` frames are read, int32 `(frames,)`."""
        import tensorflow as tf

        places = tf.range(self.frames)
        if self.sampling == "middle":
            places += (number - self.frames + 1) // 2
        else:
            places = (2 * places + 1) * number // (2 * self.frames)
        return tf.clip_by_value(places, 0, number - 1)


@functools.cache
def _decoder(max_frames, max_pixels):
    """Returns a function that is traced once, not for each data set."""
    import tensorflow as tf

    @tf.function(
        input_signature=[tf.TensorSpec((), tf.string)], autograph=False
    )
    def decoder(contents):
        return gif_frames.decode(contents, max_frames, max_pixels)

    return decoder
