"""Decodes a model's outputs for sentences to names, texts and positions."""

import keras

from mtl_keras.data.decoder import AnswerDecoder

_MARKS = ("B-", "I-")


@keras.saving.register_keras_serializable(package="mtl_keras")
class SpanDecoder:
    """Decodes the outputs for sentences to spans and class names.

    A tagging `slot` with tags `O`, `B-...` and `I-...` gives spans with their
    names, texts and positions. A span begins at `B`, and at an `I` that
    continues no span, as in the metric `SpanF1`. Of tags without a scheme,
    such as parts of speech, each token is a span. A classification `intent`
    gives `intent_name` and `intent_score`, as with `AnswerDecoder`.

    Args:
        tasks: Sequence of `Task`, or of dicts with the keys `name`, `kind` and
            `class_names`.
    """

    def __init__(self, tasks):
        tasks = tasks.values() if isinstance(tasks, dict) else tasks
        self._tasks = [
            task
            if isinstance(task, dict)
            else {
                "name": task.name,
                "kind": task.kind,
                "class_names": list(task.class_names),
            }
            for task in tasks
        ]
        # The image size is not used: no task here is a box.
        self._plain = AnswerDecoder(
            [task for task in self._tasks if task["kind"] != "tagging"], 1, 1
        )

    def __call__(self, outputs, context=None) -> dict:
        """Decodes the outputs of a batch.

        Args:
            outputs: Dict of task name to tensor or array of shape
                `(batch, ...)`; it may lack tasks.
            context: Dict that `SentencePreprocessor`, `TokenPreprocessor` or
                `SubwordPreprocessor` returned. `None` for dense inputs: then
                there is no text, and no spans.

        Returns:
            Dict of tensors. For a tagging `slot`, of shape `(batch, spans)`
            and padded after a sentence's last span: `slot_names` and
            `slot_texts`, strings (padding: empty), `slot_starts` and
            `slot_ends`, int32 positions in `context["text"]` of the first
            character and of the one after the last (padding: -1).
        """
        decoded = self._plain(
            {k: v for k, v in outputs.items() if not self._is_tagging(k)},
            None,
        )
        for task in self._tasks:
            name = task["name"]
            if context is None or name not in outputs:
                continue
            if task["kind"] == "tagging" and task["class_names"]:
                decoded.update(_spans(task, outputs[name], context))
        return decoded

    def get_config(self) -> dict:
        """Returns the arguments of the constructor, as plain data."""
        return {"tasks": [dict(task) for task in self._tasks]}

    @classmethod
    def from_config(cls, config: dict) -> "SpanDecoder":
        """Makes the decoder that `get_config` described."""
        return cls(**config)

    def _is_tagging(self, name) -> bool:
        return any(
            task["name"] == name and task["kind"] == "tagging"
            for task in self._tasks
        )


def is_scheme(class_names) -> bool:
    """Tells tags that mark spans from those that name each token.

    Args:
        class_names: Sequence of strings.

    Returns:
        Bool, whether one of them begins with `B-` or `I-`.
    """
    return any(name[:2] in _MARKS for name in class_names)


def _spans(task, output, context) -> dict:
    import tensorflow as tf

    tags = tf.argmax(tf.cast(output, tf.float32), -1, output_type=tf.int32)
    names, kinds, begins = _tables(task["class_names"])
    present = tf.convert_to_tensor(context["starts"]) >= 0
    kind = tf.where(present, tf.gather(kinds, tags), 0)
    before = tf.pad(kind, [[0, 0], [1, 0]])[:, :-1]
    after = tf.pad(kind, [[0, 0], [0, 1]])[:, 1:]
    is_first = (kind > 0) & (tf.gather(begins, tags) | (kind != before))
    next_is_first = tf.pad(is_first, [[0, 0], [0, 1]])[:, 1:]
    is_last = (kind > 0) & (next_is_first | (kind != after))

    def chosen(values, mask):
        return tf.ragged.boolean_mask(tf.convert_to_tensor(values), mask)

    starts = chosen(context["starts"], is_first)
    ends = chosen(context["ends"], is_last)
    text = tf.gather(context["text"], starts.value_rowids())
    texts = tf.strings.substr(
        text,
        starts.flat_values,
        ends.flat_values - starts.flat_values,
        unit="UTF8_CHAR",
    )
    span_names = tf.gather(names, chosen(kind, is_first).flat_values)
    prefix = task["name"]
    return {
        f"{prefix}_names": starts.with_values(span_names).to_tensor(""),
        f"{prefix}_texts": starts.with_values(texts).to_tensor(""),
        f"{prefix}_starts": starts.to_tensor(-1),
        f"{prefix}_ends": ends.to_tensor(-1),
    }


def _tables(class_names):
    """Returns the kinds' names, each tag's kind (0: none), whether it is B."""
    import tensorflow as tf

    if not is_scheme(class_names):
        count = len(class_names)
        kinds = tf.range(1, count + 1)
        return tf.constant(["", *class_names]), kinds, tf.fill([count], True)
    is_span = [name[:2] in _MARKS for name in class_names]
    names = ["", *dict.fromkeys(n[2:] for n in class_names if n[:2] in _MARKS)]
    kinds = [
        names.index(name[2:]) if inside else 0
        for name, inside in zip(class_names, is_span, strict=True)
    ]
    begins = [name.startswith("B-") for name in class_names]
    return tf.constant(names), tf.constant(kinds), tf.constant(begins)
