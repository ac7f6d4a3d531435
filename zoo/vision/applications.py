"""Trunks from `keras.applications`, with their own scale of pixels."""

import inspect

import keras
from keras import layers


def names() -> list[str]:
    """Lists the models that `keras.applications` builds."""
    return sorted(
        name
        for name, value in vars(keras.applications).items()
        if inspect.isfunction(value) and name[0].isupper()
    )


def build(image, name: str, weights: str | None = None):
    """Puts a model of `keras.applications` on an image.

    Args:
        image: Keras tensor of shape `(batch, height, width, channels)`, pixels
            in [0, 1], one or three channels.
        name: String, one of `names()`.
        weights: `None`, `"imagenet"` (downloaded by Keras at the first use)
            or the path of a weights file.

    Returns:
        Keras tensor, the feature map before the classifier.

    Raises:
        ValueError: If the model does not take this size, or the weights
            are unavailable.
    """
    shape = (*image.shape[1:3], 3)
    try:
        model = getattr(keras.applications, name)(
            include_top=False, weights=weights, input_shape=shape
        )
    except Exception as error:
        # Keras raises a plain Exception where a download fails.
        raise ValueError(
            f"The trunk {name!r} cannot be built for images of "
            f"{shape[0]}x{shape[1]} with these weights: {error} "
            f"Received: trunk_weights={weights!r}. Set `image_size`, leave "
            "out `trunk_weights`, or give the path of a weights file."
        ) from error
    pixels = ApplicationPixels(name, name="trunk_pixels")(in_colour(image))
    return model(pixels)


def in_colour(image):
    """Makes three equal channels of one; leaves three as they are."""
    if image.shape[-1] == 3:
        return image
    return layers.Concatenate(name="trunk_colours")([image] * 3)


@keras.saving.register_keras_serializable(package="mtl_keras")
class ApplicationPixels(layers.Layer):
    """Turns pixels in [0, 1] into what a model of Keras was trained on.

    Input and output: `(batch, height, width, 3)`.

    Args:
        application: String, the model's name in `keras.applications`. Its own
            `preprocess_input` is used: [-1, 1], ImageNet's mean and deviation,
            or blue, green, red without the mean.
    """

    def __init__(self, application: str, **kwargs):
        super().__init__(**kwargs)
        self.application = application
        self._preprocess = _preprocessing(application)

    def call(self, image):
        """Scales the pixels."""
        return self._preprocess(image * 255.0, data_format="channels_last")

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "application": self.application}


def _preprocessing(name: str):
    """Finds `preprocess_input` in the public module that holds a model."""
    # The public module is named as the one in which the model is defined, but
    # does not always list the model itself (MobileNetV3).
    home = getattr(keras.applications, name).__module__.rpartition(".")[2]
    return getattr(keras.applications, home).preprocess_input
