"""The intent of a sentence and the tags of its words.

A shared trunk over words and their characters; a head for the intent, and one
for the tags of the words, which reads the intent's output as well.
"""

import collections
import functools
import importlib.resources

import keras
from keras import layers, ops

import zoo
from mtl_keras import MultiTaskModel, Task, checks, metrics
from mtl_keras import data as mtl_data
from mtl_keras import sharing as mtl_sharing
from zoo.datasets.snips import names as snips_names
from zoo.text import pretrained, trunks
from zoo.text.joint_head import JointHead
from zoo.text.layers import Spelling

_WORD_LENGTH = 14
# Five shapes hold nearly all sentences; the last ones are of 35 words.
_BUCKETS = (8, 12, 16, 24, 36)
# Of sub-words. Wide: swapped spans may be longer than those they replace.
_SUBWORD_BUCKETS = (14, 24, 36)
_COUNTED_TOKENS = 12
_DEPTHS = {"bilstm": (1, 2), "conv": (2, 7), "transformer": (1, 3)}


class IntentSlot(zoo.Entry):
    """The intent of a sentence and the tags of its words."""

    data = {"snips": "zoo.datasets.snips:Builder"}
    kinds = {"intent": "classification", "slot": "tagging"}
    reads = "text"
    classes = {
        "snips": {"intent": snips_names.INTENTS, "slot": snips_names.TAGS}
    }
    summary = (
        "Two tasks on one sentence: what the speaker wants (intent), and "
        "which words name the artist, the city, the time ... (slot)."
    )

    def assets(self, data: str) -> dict:
        """Returns the vocabulary that lies beside a data set's builder.

        Args:
            data: String, a key of `self.data`.

        Returns:
            Dict with the list `"words"`.
        """
        return {"words": list(_words(data))}

    def learn_assets(self, examples) -> dict:
        """Finds the words that a folder's training split holds at least twice.

        Args:
            examples: Iterable of `zoo.datasets.folders.Example`.

        Returns:
            Dict with the list `"words"`, the most frequent first.
        """
        counts = collections.Counter(
            token.lower()
            for example in examples
            for token in example.inputs["tokens"]
        )
        words = [word for word, count in counts.items() if count > 1]
        # A vocabulary cannot be empty.
        words = words or list(counts)
        return {"words": sorted(words, key=lambda w: (-counts[w], w))}

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
        _check_sizes(
            units=units,
            word_units=word_units,
            spelling_units=spelling_units,
            depth=depth,
            num_tokens=num_tokens,
        )
        if units % 4:
            raise ValueError(
                f"`units` must be a multiple of 4. Received: units={units!r}"
            )
        checks.fraction("dropout", dropout, below_one=True)
        # The intent first: the tags' head reads its output.
        tasks = tuple(sorted(self.tasks(spec), key=lambda task: task.name))
        hidden, pooled = units, None
        if pretrained.is_pretrained(trunk):
            self.refuse_changed(
                f"the trunk {trunk!r}",
                units=units,
                depth=depth,
                word_units=word_units,
                spelling_units=spelling_units,
                sharing=sharing,
            )
            inputs, features, present, pooled = pretrained.build(
                trunk,
                trainable=trainable,
                lora_rank=lora_rank,
                dropout=trunk_dropout,
                num_tokens=num_tokens,
            )
            hidden = None

            def shared_trunk(tensors):
                return tensors["features"]
        else:
            self.refuse_changed(
                f"the trunk {trunk!r}",
                trainable=trainable,
                lora_rank=lora_rank,
                trunk_dropout=trunk_dropout,
            )
            inputs, features, present = self._words(
                spec, word_units, spelling_units, dropout, num_tokens
            )

            def shared_trunk(tensors):
                return trunks.build(
                    tensors["features"],
                    tensors["present"],
                    trunk,
                    units,
                    dropout,
                    depth=depth,
                    unroll=num_tokens is not None,
                )

        head = JointHead(
            present,
            pooled,
            intent_to_slot=intent_to_slot,
            dropout=dropout,
            hidden=hidden,
            crf=crf,
        )
        architecture = mtl_sharing.get(sharing)
        outputs = architecture.outputs(
            {"features": features, "present": present},
            tasks,
            mtl_sharing.Trunk(shared_trunk),
            head,
        )
        named = {"tasks": tasks, "sharing": architecture, "name": "intent_slot"}
        return MultiTaskModel(inputs, outputs, **named)

    def _words(self, spec, word_units, spelling_units, dropout, num_tokens):
        """Makes inputs, features of each word alone, and which are words."""
        inputs = {
            "words": keras.Input((num_tokens,), dtype="int32", name="words"),
            "characters": keras.Input(
                (num_tokens, _WORD_LENGTH), dtype="int32", name="characters"
            ),
        }
        present = ops.not_equal(inputs["words"], 0)
        vocabulary = self.preprocessor(spec)
        word = layers.Embedding(vocabulary.num_words, word_units, name="word")
        spelling = Spelling(
            vocabulary.num_characters, spelling_units, name="spelling"
        )
        features = layers.Concatenate(name="word_features")(
            [word(inputs["words"]), spelling(inputs["characters"])]
        )
        if dropout:
            features = layers.Dropout(dropout, name="word_dropout")(features)
        return inputs, features, present

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
        return mtl_data.SentencePreprocessor(spec.assets["words"], _WORD_LENGTH)

    def postprocessor(self, spec):
        """Makes the graph from the outputs to an intent's name and slots.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.data.SpanDecoder`.
        """
        return mtl_data.SpanDecoder(self.tasks(spec))

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

    def batching(self, spec, *, trunk: str = "conv") -> dict:
        """Groups sentences of similar length into batches.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.

        Returns:
            Dict of arguments of `mtl_keras.data.pipeline`.
        """
        is_pretrained = pretrained.is_pretrained(trunk)
        return {
            "bucket_lengths": _SUBWORD_BUCKETS if is_pretrained else _BUCKETS
        }

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
        return overrides


@functools.cache
def _words(data: str) -> tuple[str, ...]:
    """Reads the vocabulary, which lies beside the data set's builder."""
    package = importlib.resources.files(f"zoo.datasets.{data}")
    text = package.joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(text.split("\n")[:-1])


def _check_sizes(**sizes) -> None:
    for name, size in sizes.items():
        if size is not None or name not in ("depth", "num_tokens"):
            checks.integer(name, size, low=1)
