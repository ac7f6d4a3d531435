"""From a model's outputs to answers that a person reads."""

import dataclasses

import keras

_KINDS_DECODED = ("classification", "presence", "box")


@dataclasses.dataclass(frozen=True)
class _Question:
    name: str
    kind: str | None
    class_names: tuple[str, ...]


@keras.saving.register_keras_serializable(package="mtl_keras")
class AnswerDecoder:
    """Turns each task's output into an answer in words and pixels.

    A classification `cls` gives `cls_name` and `cls_score`, a presence `det`
    gives `det_present`, a box `box` gives `box_pixels` in the original image.
    Other kinds give nothing.

    Args:
        tasks: Sequence of `Task`, or of dicts with the keys `name`, `kind` and
            `class_names`.
        height: Integer, the height of the model's input in pixels.
        width: Integer, its width.
        threshold: Float in [0, 1], the probability from which on something is
            present. Defaults to 0.5.
    """

    def __init__(self, tasks, height: int, width: int, threshold: float = 0.5):
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(
                "AnswerDecoder expects `threshold` in [0, 1]. "
                f"Received: threshold={threshold!r}"
            )
        tasks = tasks.values() if isinstance(tasks, dict) else tasks
        self._questions = {q.name: q for q in map(_question, tasks)}
        self.height = int(height)
        self.width = int(width)
        self.threshold = float(threshold)

    def __call__(self, outputs, context=None) -> dict:
        """Decodes the outputs of a batch.

        Args:
            outputs: Dict of task name to tensor or array of shape
                `(batch, ...)`; it may lack tasks.
            context: Dict that the preprocessor returned; `context["size"]`
                has shape `(batch, 2)`, the heights and widths of the original
                images. `None` where the input was dense: then the model's
                input is the original.

        Returns:
            Dict of tensors with the leading axis `(batch,)`: `{task}_name`
            strings and `{task}_score` float32 of shape `(batch,)`,
            `{task}_present` booleans of shape `(batch,)`, `{task}_pixels`
            float32 `x1, y1, x2, y2` of shape `(batch, 4)`.

        Raises:
            ValueError: If an answer's key is the name of an output as well.
        """
        answers = {}
        for name, output in outputs.items():
            question = self._questions.get(name)
            if question is not None and question.kind in _KINDS_DECODED:
                decode = getattr(self, f"_{question.kind}")
                answers.update(decode(question, output, context))
        for name in answers:
            if name in outputs:
                raise ValueError(
                    "AnswerDecoder expects task names that differ from the "
                    "keys of its answers. "
                    f"Received: a task {name!r}, which is an answer of another "
                    "task as well. Rename the task."
                )
        return answers

    def get_config(self) -> dict:
        """Returns the arguments of the constructor, as plain data."""
        return {
            "tasks": [
                {**dataclasses.asdict(q), "class_names": list(q.class_names)}
                for q in self._questions.values()
            ],
            "height": self.height,
            "width": self.width,
            "threshold": self.threshold,
        }

    @classmethod
    def from_config(cls, config: dict) -> "AnswerDecoder":
        """Makes the decoder that `get_config` described."""
        return cls(**config)

    def _classification(self, question, output, context):
        import tensorflow as tf

        probability = tf.cast(output, tf.float32)
        label = tf.argmax(probability, axis=-1, output_type=tf.int32)
        if question.class_names:
            names = tf.gather(tf.constant(question.class_names), label)
        else:
            names = tf.strings.as_string(label)
        return {
            f"{question.name}_name": names,
            f"{question.name}_score": tf.reduce_max(probability, axis=-1),
        }

    def _presence(self, question, output, context):
        import tensorflow as tf

        probability = tf.cast(output, tf.float32)[..., 0]
        return {f"{question.name}_present": probability >= self.threshold}

    def _box(self, question, output, context):
        import tensorflow as tf

        from mtl_keras.data import letterbox

        if context is None:
            size = tf.constant([self.height, self.width], tf.int32)
        else:
            size = context["size"]
        pixels = letterbox.to_pixels(output, size, self.height, self.width)
        return {f"{question.name}_pixels": pixels}


def _question(task):
    if isinstance(task, dict):
        return _Question(
            task["name"], task["kind"], tuple(task.get("class_names", ()))
        )
    return _Question(task.name, task.kind, tuple(task.class_names))
