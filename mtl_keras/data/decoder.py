"""Decodes a model's outputs to class names, booleans and pixels."""

import dataclasses

import keras

from mtl_keras import checks
from mtl_keras.messages import unknown

_FIELDS = ("temperature", "threshold")
_KINDS_DECODED = (
    "classification",
    "presence",
    "box",
    "detection",
    "mask",
    "depth",
    "normals",
)
# Decoded to places in the original image.
_KINDS_WITH_SIZE = ("box", "detection", "mask", "depth", "normals")
# What a mask has beyond the image.
OUTSIDE = 255


@dataclasses.dataclass(frozen=True)
class _Output:
    name: str
    kind: str | None
    class_names: tuple[str, ...]


@keras.saving.register_keras_serializable(package="mtl_keras")
class AnswerDecoder:
    """Decodes each task's output to class names and pixel coordinates.

    A classification `cls` gives `cls_name` and `cls_score`, a presence `det`
    gives `det_present`, a box `box` gives `box_pixels` in the original image,
    a mask `mask` gives `mask_classes`, the class number of each pixel of the
    original image, a depth `depth` gives `depth_distances` and normals
    `normals` give `normals_directions` of each pixel. A detection `boxes` gives
    `boxes_pixels`, `boxes_name` and `boxes_score` of at most 100 objects, and
    `boxes_present`, which of them reach the threshold. Other kinds are not
    decoded.

    Args:
        tasks: Sequence of `Task`, or of dicts with the keys `name`, `kind` and
            `class_names`.
        height: Integer, the height of the model's input in pixels. Boxes, masks
            and other maps need it. Defaults to `None`.
        width: Integer, its width.
        threshold: Float in [0, 1], the lowest probability of a present
            object, of a presence and of a detection. Defaults to 0.5.
        decisions: Dict, task name to a dict with `"temperature"`, above 0, and
            for a presence `"threshold"`, as `calibration.choose` finds them.
            The decoded scores and the output `{task}_probability` are then
            the calibrated ones. Defaults to none.

    Raises:
        ValueError: If `threshold` is out of range, there is a box or map and
            no size, or a mask has more than 255 classes.
    """

    def __init__(
        self,
        tasks,
        height: int | None = None,
        width: int | None = None,
        threshold: float = 0.5,
        decisions=None,
    ):
        tasks = tasks.values() if isinstance(tasks, dict) else tasks
        self._outputs = {o.name: o for o in map(_output, tasks)}
        for output in self._outputs.values():
            if output.kind in _KINDS_WITH_SIZE and None in (height, width):
                raise ValueError(
                    "AnswerDecoder needs `height` and `width` of the model's "
                    f"input for the task {output.name!r} of kind "
                    f"{output.kind!r}. Received: height={height!r}, "
                    f"width={width!r}"
                )
            if output.kind == "mask" and len(output.class_names) > OUTSIDE:
                raise ValueError(
                    f"AnswerDecoder decodes masks of at most {OUTSIDE} "
                    f"classes. Received: task {output.name!r} with "
                    f"{len(output.class_names)}"
                )
        self.height = None if height is None else int(height)
        self.width = None if width is None else int(width)
        self.threshold = checks.fraction("threshold", threshold)
        self.decisions = _checked(decisions or {}, self._outputs)

    def __call__(self, outputs, context=None) -> dict:
        """Decodes the outputs of a batch.

        Args:
            outputs: Dict of task name to tensor or array of shape
                `(batch, ...)`; it may lack tasks.
            context: Dict that the preprocessor returned; `context["size"]`
                has shape `(batch, 2)`, the heights and widths of the original
                images. `None` for dense inputs: then the model's input is the
                original.

        Returns:
            Dict of tensors with the leading axis `(batch,)`: `{task}_name`
            strings and `{task}_score` float32 of shape `(batch,)`,
            `{task}_present` booleans of shape `(batch,)`, `{task}_pixels`
            float32 `x1, y1, x2, y2` of shape `(batch, 4)`, `{task}_classes`
            uint8 of shape `(batch, rows, columns)`, the largest height and
            width of the batch: an image's mask is in the upper left corner,
            and 255 beyond it; `{task}_distances` float32 of that shape, in
            the labels' unit, and `{task}_directions` float32 of shape
            `(batch, rows, columns, 3)`, unit vectors, NaN beyond the image;
            of a detection `{task}_pixels` of shape `(batch, 100, 4)`, and the
            others of shape `(batch, 100)`, sorted by falling score, 0 and the
            name `""` at the end; of a calibrated task `{task}_probability`, of
            the output's shape.

        Raises:
            ValueError: If a decoded output has the name of a model output.
        """
        decoded = {}
        for name, output in outputs.items():
            task = self._outputs.get(name)
            if task is not None and task.kind in _KINDS_DECODED:
                decode = getattr(self, f"_{task.kind}")
                decoded.update(decode(task, output, context))
        for name in decoded:
            if name in outputs:
                raise ValueError(
                    "AnswerDecoder expects task names that differ from the "
                    "names of decoded outputs. "
                    f"Received: a task {name!r}, which is a decoded output of "
                    "another task. Rename the task."
                )
        return decoded

    def get_config(self) -> dict:
        """Returns the arguments of the constructor, as plain data."""
        return {
            "tasks": [
                {**dataclasses.asdict(o), "class_names": list(o.class_names)}
                for o in self._outputs.values()
            ],
            "height": self.height,
            "width": self.width,
            "threshold": self.threshold,
            # Files of earlier versions have none.
            **({"decisions": self.decisions} if self.decisions else {}),
        }

    @classmethod
    def from_config(cls, config: dict) -> "AnswerDecoder":
        """Makes the decoder that `get_config` described."""
        return cls(**config)

    def _classification(self, task, output, context):
        import tensorflow as tf

        probability, calibrated = self._calibrated(task, output)
        label = tf.argmax(probability, axis=-1, output_type=tf.int32)
        if task.class_names:
            names = tf.gather(tf.constant(task.class_names), label)
        else:
            names = tf.strings.as_string(label)
        return {
            f"{task.name}_name": names,
            f"{task.name}_score": tf.reduce_max(probability, axis=-1),
            **calibrated,
        }

    def _presence(self, task, output, context):
        probability, calibrated = self._calibrated(task, output)
        decision = self.decisions.get(task.name, {})
        threshold = decision.get("threshold", self.threshold)
        present = probability[..., 0] >= threshold
        return {f"{task.name}_present": present, **calibrated}

    def _calibrated(self, task, output) -> tuple:
        """Returns a task's probabilities, and what is decoded of them."""
        import tensorflow as tf

        probability = tf.cast(output, tf.float32)
        temperature = self.decisions.get(task.name, {}).get("temperature")
        if temperature is None:
            return probability, {}
        # Probabilities of 0 and 1 have no finite logit.
        clipped = tf.clip_by_value(probability, 1e-7, 1 - 1e-7)
        if task.kind == "presence":
            logits = tf.math.log(clipped) - tf.math.log1p(-clipped)
            probability = tf.sigmoid(logits / temperature)
        else:
            probability = tf.nn.softmax(tf.math.log(clipped) / temperature)
        return probability, {f"{task.name}_probability": probability}

    def _mask(self, task, output, context):
        import tensorflow as tf

        from mtl_keras.data import letterbox

        classes = tf.cast(tf.argmax(output, axis=-1), tf.uint8)
        if context is not None:
            classes = letterbox.mask_to_pixels(
                classes, context["size"], OUTSIDE
            )
        return {f"{task.name}_classes": classes}

    def _depth(self, task, output, context):
        distances = self._in_pixels(output, context)[..., 0]
        return {f"{task.name}_distances": distances}

    def _normals(self, task, output, context):
        return {f"{task.name}_directions": self._in_pixels(output, context)}

    def _in_pixels(self, output, context):
        import tensorflow as tf

        from mtl_keras.data import letterbox

        values = tf.convert_to_tensor(output, tf.float32)
        if context is None:
            return values
        return letterbox.mask_to_pixels(values, context["size"], float("nan"))

    def _box(self, task, output, context):
        from mtl_keras.data import letterbox

        size = self._size(context)
        pixels = letterbox.to_pixels(output, size, self.height, self.width)
        return {f"{task.name}_pixels": pixels}

    def _detection(self, task, output, context):
        import tensorflow as tf

        from mtl_keras.data import detections, letterbox

        objects = detections.decode(output)
        number, score = objects["classes"], objects["scores"]
        if task.class_names:
            # -1, no object, is the first.
            names = tf.gather(tf.constant(["", *task.class_names]), number + 1)
        else:
            names = tf.where(number < 0, "", tf.strings.as_string(number))
        pixels = letterbox.to_pixels(
            objects["boxes"],
            self._size(context)[..., None, :],
            self.height,
            self.width,
        )
        return {
            f"{task.name}_pixels": pixels,
            f"{task.name}_name": names,
            f"{task.name}_score": score,
            f"{task.name}_present": score >= self.threshold,
        }

    def _size(self, context):
        """Returns the heights and widths of the original images."""
        import tensorflow as tf

        if context is None:
            return tf.constant([self.height, self.width], tf.int32)
        return context["size"]


def _checked(decisions, outputs) -> dict:
    """Checks temperatures and thresholds, and returns plain dicts."""
    checked = {}
    for name, decision in dict(decisions).items():
        if name not in outputs:
            raise ValueError(unknown("task in `decisions`", name, outputs))
        fields = dict(decision)
        for field in fields:
            if field not in _FIELDS:
                raise ValueError(
                    unknown(f"field of the decision {name!r}", field, _FIELDS)
                )
        if "temperature" in fields:
            title = f"temperature of {name}"
            checks.number(title, fields["temperature"], above=0)
        if "threshold" in fields:
            checks.fraction(f"threshold of {name}", fields["threshold"])
        checked[name] = fields
    return checked


def _output(task):
    if isinstance(task, dict):
        return _Output(
            task["name"], task["kind"], tuple(task.get("class_names", ()))
        )
    return _Output(task.name, task.kind, tuple(task.class_names))
