"""Pretrained image trunks: EfficientNet-Lite0 and KerasHub's backbones."""

import math

import keras
from keras import layers, ops

from mtl_keras.messages import unknown
from zoo.pretrained import efficientnet_lite0, hub
from zoo.pretrained.adaptation import TRUNK, adapt, check_mode
from zoo.pretrained.encoder import BackboneLayer
from zoo.vision.applications import in_colour

_LITE0 = efficientnet_lite0.NAME
# What an entry reads: the last map, and those for what must be located.
PYRAMID = ("P4", "P5", "top")


def is_pretrained(trunk) -> bool:
    """Whether a trunk's name is one of this module's."""
    return trunk == _LITE0 or hub.is_hub(trunk)


def build(
    image,
    trunk: str,
    *,
    trainable: str = "all",
    lora_rank: int = 8,
    levels=None,
    weights: bool = True,
):
    """Puts a pretrained trunk on an image.

    Args:
        image: Keras tensor of shape `(batch, height, width, channels)`, pixels
            in [0, 1], one or three channels. The trunk scales them itself.
        trunk: `"efficientnet_lite0"`, or `"hub:"` with a preset or folder of
            KerasHub.
        trainable: `"all"`; `"none"`, the trunk is frozen, its batch
            normalization included; or `"lora"`, only adapters of its dense
            and einsum layers are trained, for trunks that have such layers.
        lora_rank: Integer of at least 1, the rank of these adapters.
        levels: Strings such as `("P3", "P4", "P5")`, the feature maps of a
            pyramid: `"Pn"` is at 1 / 2 ** n of the image's height, `"top"` is
            the last map. Those of `PYRAMID` that a trunk lacks are left out.
            Defaults to `None`: the last map.
        weights: Boolean, whether the pretrained weights are loaded.

    Returns:
        Keras tensor, a feature map `(batch, rows, columns, channels)`; with
        `levels` a dict of level to map.

    Raises:
        ValueError: If the trunk is unknown or not installed, does not take
            this image, or an argument is out of range.
    """
    check_mode(trainable)
    shape = (*image.shape[1:3], 3)
    if trunk == _LITE0:
        model = efficientnet_lite0.build(
            shape,
            outputs="top" if levels is None else levels,
            weights=_LITE0 if weights else None,
            name=TRUNK,
        )
        adapt(model, trainable, lora_rank)
        return _by_level(model(in_colour(image)), levels)
    if not hub.is_hub(trunk):
        raise ValueError(
            f"A pretrained image trunk is {_LITE0!r} or 'hub:' with a preset "
            f"or folder of KerasHub. Received: trunk={trunk!r}"
        )
    backbone = _backbone(trunk, shape, weights)
    if levels == PYRAMID:
        has = getattr(backbone, "pyramid_outputs", {})
        levels = [level for level in PYRAMID if level in (*has, "top")]
    scale, offset = hub.load_pixel_scale(trunk)
    if not isinstance(scale, list):
        scale = [scale] * 3
    pixels = layers.Rescaling(
        [255.0 * each for each in scale], offset, name="trunk_pixels"
    )(in_colour(image))
    encoder = ImageEncoder(
        backbone, trainable, lora_rank, levels=levels, name=TRUNK
    )
    return encoder(pixels)


@keras.saving.register_keras_serializable(package="zoo")
class ImageEncoder(BackboneLayer):
    """Calls a KerasHub image backbone as one layer.

    Input: `(batch, height, width, 3)`. Output: a feature map `(batch, rows,
    columns, channels)`, or a dict of level to map. A vision transformer's
    sequence is laid out as a square map, without its leading tokens.

    Args:
        backbone: `keras_hub.models.Backbone` that reads images.
        *args: As for `BackboneLayer`.
        levels: Strings, levels of the backbone's `pyramid_outputs` and
            `"top"`, its last map; or `None` for that map alone.
        **kwargs: As for `BackboneLayer`.

    Raises:
        ValueError: If the backbone has no such levels or no feature map, or
            an argument is out of range.
    """

    def __init__(self, backbone, *args, levels=None, **kwargs):
        super().__init__(backbone, *args, **kwargs)
        self.levels = None if levels is None else tuple(levels)
        outputs = _outputs(backbone, self.levels)
        # A bound method: Keras would store the model's weights once more.
        self._run = keras.Model(backbone.inputs, outputs).__call__

    def call(self, image, training=None):
        """Encodes the image."""
        training = self.backbone_training(training)
        outputs = self._run(image, training=training)
        if self.levels is None:
            return _as_map(outputs)
        return {level: _as_map(outputs[level]) for level in self.levels}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "levels": self.levels}


def _by_level(maps, levels):
    if levels is None or isinstance(maps, dict):
        return maps
    return {name: maps for name in levels}


def _backbone(trunk, shape, weights):
    """Loads a backbone for images of a shape."""
    try:
        return hub.load_backbone(trunk, weights=weights, image_shape=shape)
    except ValueError as error:
        # Weights that hold one vector a position fit one size only.
        backbone = hub.load_backbone(trunk, weights=weights)
        expected = backbone.input_shape[1:]
        if expected != shape:
            raise ValueError(
                f"The trunk {trunk!r} takes images of shape {expected}. "
                f"Received: images of shape {shape}. Set `image_size`."
            ) from error
        return backbone


def _outputs(backbone, levels):
    if levels is None:
        _as_map(backbone.output)
        return backbone.output
    pyramid = {**getattr(backbone, "pyramid_outputs", {})}
    if "top" in levels:
        _as_map(backbone.output)
        pyramid["top"] = backbone.output
    for level in levels:
        if level not in pyramid:
            what = f"level of the trunk {backbone.name!r}"
            raise ValueError(unknown(what, level, pyramid, levels))
    return {level: pyramid[level] for level in levels}


def _as_map(features):
    """Lays a sequence of patches out as a map, without its first tokens."""
    rank = len(getattr(features, "shape", ()))
    if rank == 4:
        return features
    if rank != 3 or features.shape[1] is None:
        raise ValueError(
            "An image trunk must give a feature map or a sequence of patches. "
            f"Received: {features}"
        )
    # Class and register tokens are fewer than the next square is larger.
    side = math.isqrt(features.shape[1])
    patches = features[:, features.shape[1] - side * side :]
    return ops.reshape(patches, (-1, side, side, features.shape[-1]))
