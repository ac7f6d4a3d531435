"""Trunks for images: from pixels to features or a feature map."""

import keras
from keras import layers

from mtl_keras import checks
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.sharing import Trunk
from zoo import convolutions
from zoo.pretrained import efficientnet_lite0
from zoo.vision import applications, pretrained

_LORA_RANK = 8


def build(image, trunk="small", **options):
    """Puts a trunk on an image.

    Args:
        image: Keras tensor of shape `(batch, height, width, channels)`, pixels
            in [0, 1].
        trunk: As for `stages`.
        **options: As for `stages`.

    Returns:
        Keras tensor, features of shape `(batch, channels)` or a feature map of
        shape `(batch, height, width, channels)`; of a pretrained trunk with
        `levels` a dict of level to map.

    Raises:
        ValueError: As for `stages`, or if the trunk does not take this image,
            or gives neither features nor a map.
    """
    return Trunk(stages(trunk, **options))(image)


def stages(
    trunk="small",
    *,
    weights: str | None = None,
    width: float = 1.0,
    trainable: str = "all",
    lora_rank: int = _LORA_RANK,
    levels=None,
) -> list:
    """Makes a trunk's stages, for `mtl_keras.sharing.Trunk`.

    Args:
        trunk: `"small"`, the zoo's own (see `small`); `"plain"`, the textbook
            network (see `plain`); `"lenet"`, the network of the multi-task
            literature on MNIST (see `lenet`); `"efficientnet_lite0"` or
            `"hub:PRESET_OR_FOLDER"`, pretrained (see `pretrained.build`);
            the name of a model in `keras.applications`, such as
            `"MobileNetV2"`; or a `keras.Model` of your own from an image
            with values in [0, 1] to features or a feature map. A gray image
            is repeated for a trunk that takes three channels.
        weights: `"imagenet"` or the path of a weights file, for a model in
            `keras.applications`; `None` for fresh ones.
        width: Float above 0, by which the numbers of channels of `"small"`,
            `"plain"` and `"lenet"` are multiplied.
        trainable: `"all"`, `"lora"` or `"none"`, what is trained of a
            pretrained trunk.
        lora_rank: Integer of at least 1, for `trainable="lora"`.
        levels: Strings, the feature maps that a pretrained trunk gives, as for
            `pretrained.build`.

    Returns:
        List of functions and models, each from a map to the next; `"small"`,
        `"plain"` and `"lenet"` have three, every other trunk one.

    Raises:
        ValueError: If there is no such trunk, or it does not take this
            argument.
    """
    if pretrained.is_pretrained(trunk):
        _refuse(f"the trunk {trunk!r}", weights=weights, width=width)
        return [
            lambda image: pretrained.build(
                image,
                trunk,
                trainable=trainable,
                lora_rank=lora_rank,
                levels=levels,
            )
        ]
    if trainable != "all":
        raise ValueError(
            "`trainable` is for pretrained trunks: 'efficientnet_lite0' and "
            f"'hub:...'. Received: trainable={trainable!r}, trunk={trunk!r}"
        )
    if lora_rank != _LORA_RANK:
        raise ValueError(
            "`lora_rank` is for pretrained trunks with trainable='lora'. "
            f"Received: lora_rank={lora_rank!r}, trunk={trunk!r}"
        )
    if isinstance(trunk, keras.Model):
        _refuse("a model of your own", weights=weights, width=width)
        return [own(trunk)]
    if trunk in _TRUNKS:
        _refuse(f"the trunk {trunk!r}", weights=weights)
        return _TRUNKS[trunk](_check_width(width))
    names = [*_TRUNKS, efficientnet_lite0.NAME, *applications.names()]
    if not isinstance(trunk, str) or trunk not in names:
        raise ValueError(
            f"Unknown trunk. Expected one of {listed(_TRUNKS)}, "
            f"{efficientnet_lite0.NAME!r}, 'hub:' with a preset, the name of a "
            "model in keras.applications, or a keras.Model from an image to "
            f"features.{did_you_mean(trunk, names)} Received: trunk={trunk!r}"
        )
    _refuse(f"the trunk {trunk!r}", width=width)
    return [lambda image: applications.build(image, trunk, weights)]


def check_gives_levels(trunk) -> None:
    """Checks that a trunk gives maps of several sizes.

    Args:
        trunk: As for `stages`.

    Raises:
        ValueError: If it is neither `"small"` nor pretrained.
    """
    names = ("small", efficientnet_lite0.NAME)
    if trunk != "small" and not pretrained.is_pretrained(trunk):
        raise ValueError(
            f"`trunk` must be {names[0]!r}, {names[1]!r} or 'hub:' with a "
            "preset, which give maps of several sizes."
            f"{did_you_mean(trunk, names)} Received: {trunk!r}"
        )


def small(width: float = 1.0) -> list:
    """The zoo's default: 10 convolutions that halve the image three times.

    Pairs of 3x3 convolutions with batch normalization, half of them with a
    shortcut (He et al., CVPR 2016, https://arxiv.org/abs/1512.03385), after a
    first one of 4x4 that halves the image at once: at full size a
    convolution of a few channels costs two cores more time than all others.

    Args:
        width: Float above 0, a factor of the channels 24, 32, 64, 128.

    Returns:
        List of three functions, each of which halves a map; the last one gives
        `(batch, height / 8, width / 8, channels)`.
    """
    block, shortcut = convolutions.blocks(width)

    def half(image):
        return block(image, "stem", 24, size=4, strides=2)

    def quarter(features):
        features = block(features, "half1", 32, strides=2)
        features = block(features, "wide1", 64)
        return shortcut(features, "shortcut1", 64)

    def eighth(features):
        features = block(features, "half2", 128, strides=2)
        features = shortcut(features, "shortcut2", 128)
        return shortcut(features, "shortcut3", 128)

    return [half, quarter, eighth]


def sixteenth(width: float = 1.0):
    """A fourth stage of `small`, for what needs to see more of the image.

    Args:
        width: Float above 0, a factor of its 192 channels.

    Returns:
        Function that halves a map.
    """
    block, shortcut = convolutions.blocks(width)

    def stage(features):
        features = block(features, "half3", 192, strides=2)
        return shortcut(features, "shortcut4", 192)

    return stage


def plain(width: float = 1.0) -> list:
    """The textbook network: conv64-pool-conv128-pool-dense1024-dense128.

    Args:
        width: Float above 0, a factor of these numbers.

    Returns:
        List of three functions, the last of which gives
        `(batch, 128 * width)`.
    """

    def convolution(number, channels):
        def stage(features):
            features = layers.Conv2D(
                convolutions.channels(channels, width),
                3,
                padding="same",
                activation="relu",
                name=f"trunk_conv{number}",
            )(features)
            return layers.MaxPooling2D(name=f"trunk_pool{number}")(features)

        return stage

    def dense(features):
        features = layers.Flatten(name="trunk_flat")(features)
        for number, units in enumerate((1024, 128), 1):
            features = layers.Dense(
                convolutions.channels(units, width),
                activation="relu",
                name=f"trunk_dense{number}",
            )(features)
        return features

    return [convolution(1, 64), convolution(2, 128), dense]


def lenet(width: float = 1.0) -> list:
    """LeNet as the multi-task literature trains it on two MNIST digits.

    Two unpadded 5x5 convolutions of 10 and 20 channels, each with a pooling,
    and a dense layer of 50 units (Sener and Koltun, NeurIPS 2018,
    https://arxiv.org/abs/1810.04650).

    Args:
        width: Float above 0, a factor of these numbers.

    Returns:
        List of three functions, the last of which gives `(batch, 50 * width)`.
    """

    def units(number):
        return max(round(number * width), 1)

    def convolution(number, channels):
        def stage(features):
            features = layers.Conv2D(
                units(channels), 5, name=f"trunk_conv{number}"
            )(features)
            features = layers.MaxPooling2D(name=f"trunk_pool{number}")(features)
            return layers.ReLU(name=f"trunk_relu{number}")(features)

        return stage

    def dense(features):
        features = layers.Flatten(name="trunk_flat")(features)
        return layers.Dense(units(50), activation="relu", name="trunk_dense")(
            features
        )

    return [convolution(1, 10), convolution(2, 20), dense]


def own(trunk) -> list:
    """Makes a stage of a user's model that checks what it takes and gives.

    Args:
        trunk: `keras.Model` with one input.

    Returns:
        List, for `mtl_keras.sharing.Trunk`. The stage raises a `ValueError`
        if the model takes another image or gives anything but one tensor of
        features.
    """
    expected = getattr(trunk, "input_shape", None) if trunk.built else None

    def fitted(image):
        return image if expected is None else _fit(image, trunk, expected)

    return [fitted, trunk, lambda features: _checked(features, trunk)]


def _checked(features, trunk):
    if not keras.backend.is_keras_tensor(features) or len(
        features.shape
    ) not in (2, 4):
        shapes = keras.tree.map_structure(lambda t: tuple(t.shape), features)
        raise ValueError(
            f"The trunk {trunk.name!r} must give one tensor: features of "
            "shape (batch, channels) or a map of shape (batch, height, width, "
            f"channels). Received: outputs of shape {shapes}. Leave out its "
            "last layers."
        )
    return features


_TRUNKS = {"small": small, "plain": plain, "lenet": lenet}
# Those that a search of any entry chooses from; they take `width`.
WITH_WIDTH = ("small", "plain")


def _fit(image, trunk, expected):
    fits_one = isinstance(expected, tuple) and len(expected) == 4
    if fits_one and expected[-1] == 3:
        image = applications.in_colour(image)
    if not fits_one or any(
        want is not None and want != have
        for want, have in zip(expected[1:], image.shape[1:], strict=True)
    ):
        raise ValueError(
            f"The trunk {trunk.name!r} must take images of shape "
            f"{tuple(image.shape[1:])}. Received: a model with the input "
            f"shape {expected}. Set `image_size`, or build the trunk for "
            "these images."
        )
    return image


def _check_width(width) -> float:
    return checks.number("width", width, above=0)


def _refuse(what: str, **arguments) -> None:
    """Raises where an argument would have no effect."""
    names = {"weights": "trunk_weights", "width": "width"}
    for key, value in arguments.items():
        if value not in (None, 1, 1.0):
            raise ValueError(
                f"`{names[key]}` has no effect on {what}. Expected it to be "
                f"left out. Received: {names[key]}={value!r}"
            )
