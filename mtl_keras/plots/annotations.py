"""What is drawn for one image: its predictions, compared with its labels.

A verdict is right (`True`), wrong (`False`), or unknown (`None`).
"""

import dataclasses

import numpy as np

from mtl_keras.messages import did_you_mean, listed

_WIDTHS = {"classification": None, "presence": 1, "box": 4}
_THRESHOLD = 0.5
# The limit of PASCAL VOC (Everingham et al., 2010) for a detected box.
_IOU_DETECTED = 0.5


@dataclasses.dataclass(frozen=True)
class Remark:
    """A piece of text below an image.

    Args:
        text: String, which may be shortened.
        number: String after it, which is never cut.
        is_right: Boolean, or `None` where it is unknown or not a prediction.
        is_main: Boolean, whether this is the prediction itself, not a detail.
        starts_line: Boolean.
    """

    text: str
    number: str = ""
    is_right: bool | None = None
    is_main: bool = False
    starts_line: bool = False


@dataclasses.dataclass(frozen=True)
class Box:
    """A predicted box, its label, or both.

    Args:
        task: String, the task's name.
        predicted: Array `x1, y1, x2, y2`, fractions of the image, or `None`.
        true: Array, the same, or `None`.
        is_right: Boolean or `None`, the verdict on the class of its content.
    """

    task: str
    predicted: np.ndarray | None
    true: np.ndarray | None
    is_right: bool | None


@dataclasses.dataclass(frozen=True)
class Annotation:
    """All that is drawn for one image.

    Args:
        remarks: List of `Remark`.
        boxes: List of `Box`.
    """

    remarks: list
    boxes: list

    @property
    def is_right(self) -> bool | None:
        """Whether all that is known is right; `None` if nothing is known."""
        return _all_right(remark.is_right for remark in self.remarks)


def drawn_tasks(tasks) -> list:
    """Selects the tasks whose outputs can be drawn.

    Args:
        tasks: Iterable of `Task`, or dict of name to `Task`.

    Returns:
        List of the tasks of the kinds classification, presence and box.
    """
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    return [task for task in tasks if task.kind in _WIDTHS]


def checked_predictions(predictions, tasks, num_images) -> dict:
    """Checks a model's predictions.

    Args:
        predictions: Dict of task name to array `(num_images, ...)`.
        tasks: List of tasks to draw.
        num_images: Integer.

    Returns:
        Dict of task name to float array of shape `(num_images, width)`.

    Raises:
        ValueError: If a task has no prediction, or one of a wrong shape.
    """
    if not isinstance(predictions, dict):
        raise ValueError(
            "`predictions` must be a dict of task name to array. Received: "
            f"{type(predictions).__name__}"
        )
    checked = {}
    for task in tasks:
        if task.name not in predictions:
            raise ValueError(
                f"`predictions` lacks the task {task.name!r}."
                f"{did_you_mean(task.name, predictions)} "
                f"Received: predictions of {listed(predictions)}"
            )
        width = _WIDTHS[task.kind] or task.num_classes
        checked[task.name] = _columns(
            predictions[task.name], num_images, width, "predictions", task
        )
    return checked


def checked_labels(labels, tasks, num_images) -> dict:
    """Checks labels as `checked_predictions` does; tasks may have none."""
    return {
        task.name: _columns(
            labels[task.name],
            num_images,
            4 if task.kind == "box" else 1,
            "labels",
            task,
        )
        for task in tasks
        if labels is not None and labels.get(task.name) is not None
    }


def _columns(values, num_images, width, argument, task):
    array = np.array(values, dtype=np.float64)
    if width == 1 and array.ndim == 1:
        array = array[:, None]
    if array.shape != (num_images, width):
        raise ValueError(
            f"`{argument}[{task.name!r}]` must have the shape "
            f"{(num_images, width)}: the task's kind is {task.kind!r}, and "
            f"there are {num_images} images. "
            f"Received: shape {np.shape(values)}"
        )
    return array


def annotate(tasks, predictions: dict, labels: dict, index: int) -> Annotation:
    """Compares the predictions for one image with its labels.

    With exactly one presence task, predicted absence means that the image is
    empty: neither a class nor a box is then shown. With several it is unknown
    which box belongs to which, and all are shown.

    Args:
        tasks: List of tasks to draw.
        predictions: Dict of `checked_predictions`.
        labels: Dict of `checked_labels`.
        index: Integer, which image.

    Returns:
        `Annotation`.
    """
    by_kind = {
        kind: [task for task in tasks if task.kind == kind] for kind in _WIDTHS
    }
    predicted = {name: value[index] for name, value in predictions.items()}
    true = {name: value[index] for name, value in labels.items()}
    presences = [
        _Presence(task, predicted, true) for task in by_kind["presence"]
    ]
    gate = presences[0] if len(presences) == 1 else None
    is_empty = gate is not None and not gate.predicted
    classes = [
        _Class(task, predicted, true) for task in by_kind["classification"]
    ]
    remarks = _headline(classes, gate, is_empty, len(classes) > 1)
    # The verdict on the content of a box, whatever the box's place.
    known = _all_right(remark.is_right for remark in remarks)
    details = [
        Remark(
            presence.task.name,
            f"{presence.probability:.2f}",
            # The verdict on a single presence stands in the headline.
            presence.is_right if gate is None else None,
        )
        for presence in presences
    ]
    boxes = []
    for task in by_kind["box"]:
        box, fraction = _box(task, predicted, true, is_empty)
        is_detected = None if fraction is None else fraction >= _IOU_DETECTED
        verdict = is_detected if known is None else known
        boxes.append(dataclasses.replace(box, is_right=verdict))
        if fraction is not None:
            name = f"{task.name} IoU" if len(by_kind["box"]) > 1 else "IoU"
            details.append(
                Remark(
                    name, f"{fraction:.2f}", is_detected, is_main=not remarks
                )
            )
    if details:
        details[0] = dataclasses.replace(details[0], starts_line=True)
    return Annotation(remarks + details, boxes)


class _Class:
    def __init__(self, task, predicted, true):
        self.task = task
        scores = predicted[task.name]
        self.number = None
        if np.all(np.isfinite(scores)):
            self.number = int(np.argmax(scores))
        label = true.get(task.name, [np.nan])[0]
        is_known = np.isfinite(label) and 0 <= label < len(scores)
        self.true = int(label) if is_known else None
        self.score = None if self.number is None else scores[self.number]

    def name(self, number):
        names = tuple(getattr(self.task, "class_names", None) or ())
        # Line breaks in a name would break the caption.
        return " ".join(str(names[number] if names else number).split())

    def remarks(self, with_task):
        prefix = f"{self.task.name} " if with_task else ""
        # Probabilities that are not finite predict no class.
        text = "nan" if self.number is None else self.name(self.number)
        score = "" if self.number is None else f"{self.score:.2f}"
        is_right = None if self.true is None else self.true == self.number
        remarks = [_main(prefix + text, is_right, score)]
        if is_right is False:
            remarks.append(Remark(f"true {self.name(self.true)}"))
        return remarks


class _Presence:
    def __init__(self, task, predicted, true):
        self.task = task
        self.probability = float(predicted[task.name][0])
        self.predicted = self.probability > _THRESHOLD
        label = true.get(task.name, [np.nan])[0]
        is_known = np.isfinite(label) and label >= 0
        self.true = bool(label > 0.5) if is_known else None
        self.is_right = (
            None if self.true is None else self.true == self.predicted
        )


def _main(text, is_right, number=""):
    return Remark(text, number, is_right, is_main=True, starts_line=True)


def _headline(classes, gate, is_empty, with_task):
    if is_empty:
        remarks = [_main("none", gate.is_right)]
        if gate.is_right is False:
            labels = [
                output.name(output.true)
                for output in classes
                if output.true is not None
            ]
            remarks += [Remark(f"true {', '.join(labels)}")] if labels else []
        return remarks
    if gate is not None and gate.is_right is False:
        # The image is empty: every predicted class is wrong.
        wrong = [
            dataclasses.replace(output.remarks(with_task)[0], is_right=False)
            for output in classes
        ]
        return [*(wrong or [_main("present", False)]), Remark("true none")]
    if not classes:
        return [] if gate is None else [_main("present", gate.is_right)]
    return [
        remark for output in classes for remark in output.remarks(with_task)
    ]


def _box(task, predicted, true, is_empty):
    prediction, label = (
        None if box is None or not np.all(np.isfinite(box)) else box
        for box in (
            None if is_empty else predicted[task.name],
            true.get(task.name),
        )
    )
    has_both = prediction is not None and label is not None
    fraction = overlap(prediction, label) if has_both else None
    return Box(task.name, prediction, label, None), fraction


def overlap(first, second) -> float:
    """Computes the intersection over union of two boxes."""
    width, height = np.maximum(
        0, np.minimum(first, second)[2:] - np.maximum(first, second)[:2]
    )
    areas = [
        max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
        for box in (first, second)
    ]
    union = sum(areas) - width * height
    return float(width * height / union) if union > 0 else 0.0


def _all_right(verdicts):
    known = [verdict for verdict in verdicts if verdict is not None]
    return all(known) if known else None
