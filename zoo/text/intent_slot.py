"""The intent of a sentence and the tags of its words.

A shared trunk over words and their characters; a head for the intent, and one
for the tags of the words, which reads the intent's output as well.
"""

import zoo
from mtl_keras import MultiTaskModel, Task, checks, metrics
from mtl_keras import data as mtl_data
from zoo.datasets.snips import names as snips_names
from zoo.text import pretrained, token_entry, trunks
from zoo.text.joint_head import JointHead
from zoo.text.sentence import Adaptation, Sentence, Size
from zoo.text.token_entry import TokenEntry

_COUNTED_TOKENS = 12
_DEPTHS = {"bilstm": (1, 2), "conv": (2, 7), "transformer": (1, 3)}


class IntentSlot(TokenEntry):
    """The intent of a sentence and the tags of its words."""

    data = {"snips": "zoo.datasets.snips:Builder"}
    kinds = {"intent": "classification", "slot": "tagging"}
    # Punctuation separates words too, as the preprocessor does.
    separators = zoo.Entry.separators
    depths = {}
    # Five shapes hold nearly all sentences; the last ones are of 35 words.
    bucket_lengths = (8, 12, 16, 24, 36)
    # Wide: swapped spans may be longer than those they replace.
    subword_bucket_lengths = (14, 24, 36)
    classes = {
        "snips": {"intent": snips_names.INTENTS, "slot": snips_names.TAGS}
    }
    summary = (
        "Two tasks on one sentence: what the speaker wants (intent), and "
        "which words name the artist, the city, the time ... (slot)."
    )

    def task(self, name: str, spec) -> Task:
        """Makes one task; tags are scored by spans too.

        Args:
            name: String, one of `spec.tasks`.
            spec: `zoo.Spec`.

        Returns:
            `Task`.
        """
        if name != "slot":
            return super().task(name, spec)
        classes = spec.classes[name]
        scores = ["accuracy", metrics.SpanF1(class_names=classes)]
        if "intent" in spec:
            scores.append(metrics.SentenceAccuracy(("intent", "slot")))
        return Task(name, self.kinds[name], class_names=classes, metrics=scores)

    def build(
        self,
        spec,
        *,
        trunk: str = "conv",
        units: int = 160,
        depth: int | None = None,
        word_units: int = 128,
        spelling_units: int = 96,
        dropout: float = 0.4,
        crf: bool = False,
        valid_tags: bool = False,
        intent_to_slot: bool = True,
        num_tokens: int | None = None,
        trainable: str = "all",
        lora_rank: int = 8,
        sharing="hard",
        trunk_dropout: float | None = None,
    ) -> MultiTaskModel:
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            trunk: String: `"conv"`, gated dilated convolutions; `"bilstm"`; or
                `"transformer"`, a small one (see `zoo.text.trunks`); or
                pretrained, `"minilm"` or `"hub:PRESET_OR_FOLDER"` (see
                `zoo.text.pretrained`): then the sizes of the zoo's own trunks
                are left out, and a head is one layer.
            units: Integer, channels of the trunk, a multiple of 4.
            depth: Integer, the number of the trunk's blocks. Defaults to
                `None`: 5 of `"conv"`, 1 of `"bilstm"`, 2 of `"transformer"`.
            word_units: Integer, size of a word's embedding.
            spelling_units: Integer, features from a word's characters.
            dropout: Float in [0, 1), fraction of features dropped in training:
                of the words', of each block's and of each head's.
            crf: Boolean, whether neighbouring tags are decoded together, by a
                `ChainCRF`.
            valid_tags: Boolean, whether `crf` predicts only tags that form
                spans: an `I-city` after a `B-city` or another `I-city`.
            intent_to_slot: Boolean, whether the tags' head reads the intent's
                probabilities (Qin et al., EMNLP 2019), where the model has
                both tasks. The intent's head is then shared by both.
            num_tokens: Integer, a fixed number of tokens, for which loops are
                unrolled. Defaults to `None`: any number.
            trainable: `"all"`, `"lora"` or `"none"`, what is trained of a
                pretrained trunk.
            lora_rank: Integer of at least 1, for `trainable="lora"`.
            sharing: Architecture that shares the zoo's own trunk, such as
                `"mmoe"` or `{"name": "mmoe", "num_experts": 2}`.
            trunk_dropout: Float in [0, 1), what a pretrained trunk drops in
                training. Defaults to that of its pretraining.

        Returns:
            `MultiTaskModel`. Inputs: `words`, int32 ids `(batch, tokens)`, and
            `characters`, int32 ids `(batch, tokens, 14)`, 0 being padding; of
            a pretrained trunk those of `SubwordPreprocessor`.
            Outputs: `intent`, probabilities `(batch, intents)`; `slot`, those
            of the tags `(batch, tokens, tags)`, meaningless at the padding.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        token_entry.check_sizes(
            units=units,
            word_units=word_units,
            spelling_units=spelling_units,
            depth=depth,
            num_tokens=num_tokens,
        )
        checks.fraction("dropout", dropout, below_one=True)
        checks.boolean("crf", crf)
        checks.boolean("valid_tags", valid_tags)
        checks.boolean("intent_to_slot", intent_to_slot)
        # The intent first: the tags' head reads its output.
        tasks = tuple(sorted(self.tasks(spec), key=lambda task: task.name))
        sentence = Sentence(
            self,
            spec,
            trunk,
            Size(units, depth, word_units, spelling_units),
            Adaptation(trainable, lora_rank, trunk_dropout),
            sharing=sharing,
            dropout=dropout,
            num_tokens=num_tokens,
        )
        head = JointHead(
            sentence.present,
            sentence.pooled,
            intent_to_slot=intent_to_slot,
            dropout=dropout,
            hidden=None if pretrained.is_pretrained(trunk) else units,
            crf=crf,
            valid_tags=valid_tags,
        )
        return sentence.model("intent_slot", tasks, head)

    def countable(self, spec) -> MultiTaskModel:
        """Builds the model for 12 words and without a loop.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `MultiTaskModel` with the default arguments.
        """
        return self.build(spec, num_tokens=_COUNTED_TOKENS)

    def preprocessor(self, spec, *, trunk: str = "conv"):
        """Makes the graph from sentences to the model's inputs.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.

        Returns:
            `mtl_keras.data.SentencePreprocessor` with the words that the
            training split holds at least twice; of a pretrained trunk a
            `SubwordPreprocessor` with its tokenizer.
        """
        if pretrained.is_pretrained(trunk):
            return pretrained.preprocessor(trunk)
        return mtl_data.SentencePreprocessor(
            spec.assets["words"], token_entry.WORD_LENGTH
        )

    def example(self, spec):
        """Makes the function from a data set's example to input and labels.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a dict of tensors that returns a pair: a dict with the
            sentence as `text`, and a dict with the labels of both tasks.
        """
        import tensorflow as tf

        def split(element):
            text = tf.strings.reduce_join(element["tokens"], separator=" ")
            return {"text": text}, {
                "intent": element["intent"],
                "slot": element["tags"],
            }

        return split

    def augmentation(self, spec, *, trunk: str = "conv"):
        """Makes the random changes of training sentences; tags move along.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.

        Returns:
            Function of a batch's `(inputs, labels, seed)`.
        """
        # Without tags it changes nothing; the seeds stay the same.
        swap = mtl_data.swap.SwapSpans(spec.classes.get("slot", ()), rate=0.5)
        if pretrained.is_pretrained(trunk):
            return swap
        return mtl_data.augment.Compose(
            (swap, mtl_data.swap.HideWords(rate=0.05))
        )

    def search(self, hp, space: str, defaults: dict) -> dict:
        """Chooses dropout, and with `"full"` also the trunk and its sizes.

        Args:
            hp: `keras_tuner.HyperParameters`.
            space: String, `"small"` or `"full"`.
            defaults: Dict, the overrides that are the defaults.

        Returns:
            Dict of overrides.
        """
        overrides = {
            "dropout": hp.Float(
                "dropout", 0.0, 0.7, default=defaults["dropout"]
            )
        }
        if space == "small":
            return overrides
        if pretrained.is_pretrained(defaults["trunk"]):
            return overrides
        overrides["trunk"] = hp.Choice(
            "trunk", trunks.list_trunks(), default=defaults["trunk"]
        )
        for trunk, (low, high) in _DEPTHS.items():
            default = trunks.own_depth(trunk)
            if trunk == defaults["trunk"] and defaults["depth"] is not None:
                default = defaults["depth"]
            depth = hp.Int(
                f"{trunk}.depth",
                min(low, default),
                max(high, default),
                default=default,
                parent_name="trunk",
                parent_values=[trunk],
            )
            if depth is not None:
                overrides["depth"] = depth
        units = sorted({96, 128, 160, 224, defaults["units"]})
        overrides["units"] = hp.Choice(
            "units", units, default=defaults["units"]
        )
        for name in ("crf", "intent_to_slot"):
            overrides[name] = hp.Boolean(name, default=defaults[name])
        overrides["valid_tags"] = overrides["crf"] and defaults["valid_tags"]
        return overrides
