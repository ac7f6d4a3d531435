"""The heads of a sentence's intent and of the tags of its words."""

from zoo.text.layers import BesideTokens, SentencePooling


class JointHead:
    """Builds the outputs of both tasks; the tags' head may read the intent.

    Args:
        present: Boolean Keras tensor of shape `(batch, tokens)`, false at the
            padding.
        pooled: Keras tensor of shape `(batch, channels)`, what the intent's
            head reads; `None` for the features, pooled.
        intent_to_slot: Boolean, whether the tags' head reads the intent's
            probabilities, where there is an intent.
        dropout: Float in [0, 1), fraction of each head's features dropped.
        **options: Of the tags' head: `hidden`, `crf` and `valid_tags`.
    """

    def __init__(self, present, pooled, *, intent_to_slot, dropout, **options):
        self._present = present
        self._pooled = pooled
        self._intent_to_slot = intent_to_slot
        self._dropout = dropout
        self._options = options
        self._intent = None

    def __call__(self, features, task):
        """Builds the output of one task; the intent's comes first.

        Args:
            features: Keras tensor of shape `(batch, tokens, channels)`.
            task: `Task`, `"intent"` or `"slot"`.

        Returns:
            Keras tensor.
        """
        if task.name == "intent":
            pooled = self._pooled
            if pooled is None:
                pooled = SentencePooling(name="intent_pool")(
                    [features, self._present]
                )
            self._intent = task.head.build(pooled, task, dropout=self._dropout)
            return self._intent
        if self._intent_to_slot and self._intent is not None:
            features = BesideTokens(name="slot_intent")(
                [features, self._intent]
            )
        return task.head.build(
            features,
            task,
            dropout=self._dropout,
            present=self._present,
            **self._options,
        )
