"""One picture, three questions: which class, is it there, where is it.

A shared trunk and three heads with variables of their own. Where the trunk
gives a feature map, each head looks at a place that it chooses itself.
"""

from collections.abc import Sequence

import keras

from mtl_keras import MultiTaskModel, Task
from mtl_keras import data as mtl_data
from zoo import arguments
from zoo.vision import trunks

DATA = {"digit_scenes": "zoo.datasets.digit_scenes:Builder"}

CARD = {
    "summary": (
        "One picture, three questions: which digit it shows (cls), whether a "
        "whole digit is there at all (det), and where (box)."
    ),
}

_KINDS = {"cls": "classification", "det": "presence", "box": "box"}
_CLASS_NAMES = {"digit_scenes": tuple("0123456789")}
_IMAGE_SIZE = 64
_CHANNELS = 1
_HIDDEN = {"cls": 96, "det": 96, "box": None}


def tasks(data: str, names: Sequence[str] | None = None) -> tuple[Task, ...]:
    """Makes the questions.

    Args:
        data: String, a key of `DATA`: it decides the classes.
        names: Sequence of strings, the tasks wanted. Defaults to all three.

    Returns:
        Tuple of `Task` in the order of `names`.

    Raises:
        ValueError: If a name is unknown or there is none.
    """
    names = arguments.task_names(names, _KINDS)
    return tuple(
        Task(
            name,
            _KINDS[name],
            class_names=_CLASS_NAMES[data] if name == "cls" else (),
        )
        for name in names
    )


def build(
    data: str,
    *,
    trunk="small",
    trunk_weights: str | None = None,
    tasks: Sequence[str] = ("cls", "det", "box"),
    width: float = 1.0,
    dropout: float = 0.0,
    image_size: int = _IMAGE_SIZE,
) -> MultiTaskModel:
    """Builds the model.

    Args:
        data: String, a key of `DATA`.
        trunk: `"small"`, `"plain"`, the name of a model in
            `keras.applications`, or a `keras.Model` from a picture with values
            in [0, 1] to features or a feature map. See `zoo.vision.trunks`.
        trunk_weights: `"imagenet"` or the path of a weights file, for a model
            in `keras.applications`. Defaults to `None`, fresh weights.
        tasks: Sequence of strings, the questions to be answered.
        width: Float above 0, a factor of the channels of `"small"` and
            `"plain"`.
        dropout: Float in [0, 1), share of each head's features dropped in
            training.
        image_size: Integer, height and width of the model's input in pixels,
            at least 16.

    Returns:
        `MultiTaskModel`. Input: `{"image": pictures}`, float32 of shape
        `(batch, image_size, image_size, 1)` in [0, 1]. Outputs: `cls`,
        probabilities of the classes, `(batch, num_classes)`; `det`, the
        probability that it is there, `(batch, 1)`; `box`, `x1, y1, x2, y2` in
        [0, 1], `(batch, 4)`.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """
    size = _check_image_size(image_size)
    arguments.check_dropout(dropout)
    answered = _tasks(data, tasks)
    image = keras.Input((size, size, _CHANNELS), name="image")
    features = trunks.build(image, trunk, weights=trunk_weights, width=width)
    outputs = {
        task.name: task.head.build(
            features, task, hidden=_HIDDEN[task.name], dropout=dropout
        )
        for task in answered
    }
    return MultiTaskModel(
        {"image": image}, outputs, tasks=answered, name="cls_det_box"
    )


def preprocessor(data: str, *, image_size: int = _IMAGE_SIZE):
    """Makes what turns picture files into the model's input.

    Args:
        data: String, a key of `DATA`.
        image_size: Integer, as for `build`.

    Returns:
        `mtl_keras.data.ImagePreprocessor`.
    """
    del data
    size = _check_image_size(image_size)
    return mtl_data.ImagePreprocessor(size, size, _CHANNELS)


def postprocessor(
    data: str,
    *,
    tasks: Sequence[str] = ("cls", "det", "box"),
    image_size: int = _IMAGE_SIZE,
):
    """Makes what turns the outputs into names, scores and pixels.

    Args:
        data: String, a key of `DATA`.
        tasks: Sequence of strings, as for `build`.
        image_size: Integer, as for `build`.

    Returns:
        `mtl_keras.data.AnswerDecoder`.
    """
    size = _check_image_size(image_size)
    return mtl_data.AnswerDecoder(_tasks(data, tasks), size, size)


def example(data: str):
    """Makes the function from a data set's example to input and labels.

    Args:
        data: String, a key of `DATA`.

    Returns:
        Function of a dict of tensors that returns a pair: a dict with the
        `image`, and a dict with the labels of all three tasks.
    """
    del data

    def split(element):
        return (
            {"image": element["image"]},
            {name: element[name] for name in _KINDS},
        )

    return split


def augmentation(data: str):
    """Makes the random changes of training pictures; boxes move along.

    Args:
        data: String, a key of `DATA`.

    Returns:
        Function of a batch's `(inputs, labels, seed)`.
    """
    del data
    return mtl_data.augment.Compose(
        (
            # What leaves the picture is no longer whole: nothing may.
            mtl_data.augment.ShiftZoom(
                shift=0.12, zoom=(0.85, 1.15), boxes=("box",), min_visible=1.0
            ),
            mtl_data.augment.Brightness(brightness=0.1, contrast=(0.7, 1.3)),
        )
    )


def search(hp, space: str, given: dict) -> dict:
    """Chooses what a search tries of this model.

    Args:
        hp: `keras_tuner.HyperParameters`.
        space: String, `"small"` or `"full"`.
        given: Dict, the named arguments of `build` that are the defaults.

    Returns:
        Dict of named arguments of `build`.
    """
    default = float(given["dropout"])
    found = {
        "dropout": hp.Float("dropout", 0.0, max(0.5, default), default=default)
    }
    own = list(trunks.WITH_WIDTH)
    if space == "small" or given["trunk"] not in own:
        return found
    found["trunk"] = hp.Choice("trunk", own, default=given["trunk"])
    widths = sorted({0.5, 0.75, 1.0, 1.5, float(given["width"])})
    found["width"] = hp.Choice("width", widths, default=float(given["width"]))
    return found


_tasks = tasks


def _check_image_size(size) -> int:
    is_whole = isinstance(size, int) and not isinstance(size, bool)
    if not is_whole or size < 16:
        raise ValueError(
            "`image_size` must be an integer of at least 16. "
            f"Received: image_size={size!r}"
        )
    return size
