"""Class, presence and bounding box of one object in an image.

A shared trunk and three heads with variables of their own. Where the trunk
gives a feature map, each head attends to positions that it chooses itself.
"""

import keras

import mtl_keras
import zoo
from mtl_keras import MultiTaskModel, checks
from mtl_keras import data as mtl_data
from zoo.vision import pretrained, pyramid, trunks

_IMAGE_SIZE = 64
_HIDDEN = {"cls": 96, "det": 96, "box": None}


class ClsDetBox(zoo.Entry):
    """Class, presence and bounding box of one object in an image."""

    data = {"digit_scenes": "zoo.datasets.digit_scenes:Builder"}
    kinds = {"cls": "classification", "det": "presence", "box": "box"}
    reads = "image"
    search_dropout = 0.5
    search_values = {
        "trunk": trunks.WITH_WIDTH,
        "width": (0.5, 0.75, 1.0, 1.5),
    }
    classes = {"digit_scenes": {"cls": tuple("0123456789")}}
    summary = (
        "Three tasks on one image: which digit it shows (cls), whether a "
        "whole digit is present (det), and its bounding box (box)."
    )

    def build(
        self,
        spec,
        *,
        trunk="small",
        trunk_weights: str | None = None,
        width: float = 1.0,
        dropout: float = 0.0,
        image_size: int = _IMAGE_SIZE,
        channels: int | None = None,
        trainable: str = "all",
        lora_rank: int = 8,
        flip: bool | None = None,
        sharing="hard",
    ) -> MultiTaskModel:
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            trunk: `"small"`, `"plain"`, `"efficientnet_lite0"`,
                `"hub:PRESET_OR_FOLDER"`, the name of a model in
                `keras.applications`, or a `keras.Model` from an image with
                values in [0, 1] to features or a feature map. See
                `zoo.vision.trunks`.
            trunk_weights: `"imagenet"` or the path of a weights file, for a
                model in `keras.applications`. Defaults to `None`, fresh
                weights.
            width: Float above 0, a factor of the channels of `"small"` and
                `"plain"`.
            dropout: Float in [0, 1), fraction of each head's features dropped
                in training. A few hundred images over a pretrained trunk need
                some, such as 0.3.
            image_size: Integer, height and width of the model's input in
                pixels, at least 16.
            channels: Integer, 1 for gray images or 3 for colour. Defaults to 3
                with a pretrained trunk, else to 1.
            trainable: `"all"`, `"lora"` or `"none"`, what is trained of a
                pretrained trunk.
            lora_rank: Integer of at least 1, for `trainable="lora"`.
            flip: Boolean, whether half of the training images are mirrored;
                see `augmentation`.
            sharing: Name of an architecture that shares the trunk, such as
                `"mmoe"`, or a dict such as `{"name": "mmoe", "num_experts":
                2}`. See `mtl_keras.sharing.list_sharings()`.

        Returns:
            `MultiTaskModel`. Input: `{"image": images}`, float32 of shape
            `(batch, image_size, image_size, channels)` in [0, 1]. Outputs:
            `cls`, probabilities of the classes, `(batch, num_classes)`; `det`,
            the probability that the object is there, `(batch, 1)`; `box`,
            `x1, y1, x2, y2` in [0, 1], `(batch, 4)`.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        size = _check_image_size(image_size)
        checks.fraction("dropout", dropout, below_one=True)
        _flips(flip, trunk)
        tasks = self.tasks(spec)
        shape = size, size, _channels(channels, trunk)
        image = keras.Input(shape, name="image")
        first, *others = trunks.stages(
            trunk,
            weights=trunk_weights,
            width=width,
            trainable=trainable,
            lora_rank=lora_rank,
            levels=pretrained.PYRAMID,
        )
        return mtl_keras.build(
            {"image": image},
            tasks,
            trunk=[[lambda inputs: inputs["image"], first], *others],
            sharing=sharing,
            head=lambda features, task: _head(features, task, dropout),
            name="cls_det_box",
        )

    def preprocessor(
        self,
        spec,
        *,
        image_size: int = _IMAGE_SIZE,
        channels: int | None = None,
        trunk="small",
    ):
        """Makes the graph from image files to the model's input.

        Args:
            spec: `zoo.Spec`.
            image_size: Integer, as for `build`.
            channels: Integer or `None`, as for `build`.
            trunk: As for `build`.

        Returns:
            `mtl_keras.data.ImagePreprocessor`.
        """
        size = _check_image_size(image_size)
        return mtl_data.ImagePreprocessor(
            size, size, _channels(channels, trunk)
        )

    def postprocessor(self, spec, *, image_size: int = _IMAGE_SIZE):
        """Makes the graph from the outputs to names, scores and pixels.

        Args:
            spec: `zoo.Spec`.
            image_size: Integer, as for `build`.

        Returns:
            `mtl_keras.data.AnswerDecoder`.
        """
        size = _check_image_size(image_size)
        return mtl_data.AnswerDecoder(self.tasks(spec), size, size)

    def augmentation(self, spec, *, trunk="small", flip: bool | None = None):
        """Makes the random changes of training images; boxes move along.

        Over a pretrained trunk these are the changes of photographs: larger
        ones, in which an object may be cut off at the edge.

        Args:
            spec: `zoo.Spec`.
            trunk: As for `build`.
            flip: Boolean, whether half of the images are mirrored, which
                changes neither class nor presence of what is on photographs.
                Defaults to `None`: with a pretrained trunk.

        Returns:
            Function of a batch's `(inputs, labels, seed)`.
        """
        augment, steps = mtl_data.augment, []
        if pretrained.is_pretrained(trunk):
            moved = {"shift": 0.2, "zoom": (0.7, 1.4), "min_visible": 0.7}
        else:
            # What leaves the image is no longer whole: nothing may.
            moved = {"shift": 0.12, "zoom": (0.85, 1.15), "min_visible": 1.0}
        steps.append(augment.ShiftZoom(boxes=("box",), **moved))
        steps.append(augment.Brightness(brightness=0.1, contrast=(0.7, 1.3)))
        if _flips(flip, trunk):
            # Last, so that the others draw the same numbers without it.
            steps.append(augment.Flip(boxes=("box",)))
        return augment.Compose(tuple(steps))


def _head(features, task, dropout):
    """Builds the head of a task; its layers are named after the task."""
    if not isinstance(features, dict):
        hidden = _HIDDEN[task.name]
        return task.head.build(features, task, hidden=hidden, dropout=dropout)
    # Of a pretrained trunk. A head has its own pyramid, so that the trunk is
    # the pretrained part and nothing else.
    maps = dict(features)
    top = maps.pop("top")
    if task.head.kind != "box" or not maps:
        return task.head.build(top, task, dropout=dropout)
    merged = pyramid.merge(maps, f"{task.name}_pyramid", dropout=dropout)
    # Photographs often show several objects, of which one is labelled.
    return task.head.build(merged, task, voting=True)


def _flips(flip, trunk) -> bool:
    if flip is None:
        return pretrained.is_pretrained(trunk)
    return checks.boolean("flip", flip)


def _channels(channels, trunk) -> int:
    if channels is None:
        return 3 if pretrained.is_pretrained(trunk) else 1
    checks.integer("channels", channels, low=1)
    if channels not in (1, 3):
        raise ValueError(
            "`channels` must be 1 (gray) or 3 (colour). Received: "
            f"channels={channels!r}"
        )
    return channels


def _check_image_size(size) -> int:
    return checks.integer("image_size", size, low=16)
