"""The words of a sentence and the trunk that its tasks share."""

import dataclasses

from keras import layers

from mtl_keras import MultiTaskModel
from mtl_keras import sharing as mtl_sharing
from mtl_keras.data import TokenSubwordPreprocessor
from mtl_keras.messages import unknown
from zoo.pretrained import hub, minilm
from zoo.text import pretrained, token_entry, trunks
from zoo.text.encoder import SubwordMean


@dataclasses.dataclass(frozen=True)
class Size:
    """Arguments of `build` that belong to the zoo's own trunks.

    Attributes:
        units: Integer, channels, or `None` where the entry chooses them.
        depth: Integer, number of blocks, or `None`.
        word_units: Integer, size of a word's embedding.
        spelling_units: Integer, features from a word's characters, or `None`
            of a pretrained trunk.
    """

    units: int | None
    depth: int | None
    word_units: int
    spelling_units: int | None


@dataclasses.dataclass(frozen=True)
class Adaptation:
    """Arguments of `build` that belong to a pretrained trunk.

    Attributes:
        trainable: String, `"all"`, `"lora"` or `"none"`.
        lora_rank: Integer of at least 1.
        trunk_dropout: Float in [0, 1), or `None`, that of its pretraining.
        spelling_units: Integer, features from a word's characters, which the
            heads read beside the trunk's, or `None`.
        sentence_layers: String, whose layers' features stand for the whole
            sentence, `"last"` or `"all"`.
    """

    trainable: str
    lora_rank: int
    trunk_dropout: float | None
    spelling_units: int | None = None
    sentence_layers: str = "last"


class Sentence:
    """What heads read, and the trunk in front of them.

    Attributes:
        inputs: Dict of Keras inputs.
        features: Keras tensor `(batch, tokens, channels)`, which the trunk
            reads. An entry may add channels to it.
        present: Booleans `(batch, tokens)`, false at the padding.
        pooled: Keras tensor `(batch, channels)`, the sentence's features, of a
            pretrained trunk; `None` of the zoo's own.
    """

    def __init__(
        self,
        entry,
        spec,
        trunk: str,
        size: Size,
        adaptation: Adaptation,
        *,
        sharing,
        dropout: float,
        num_tokens: int | None,
        marked: bool = False,
    ):
        """Makes the inputs and checks what would have no effect.

        Args:
            entry: `zoo.text.token_entry.TokenEntry`.
            spec: `zoo.Spec`.
            trunk: String, as for the entry's `build`.
            size: `Size`, as `build` received it.
            adaptation: `Adaptation`, as `build` received it.
            sharing: As for the entry's `build`.
            dropout: Float in [0, 1), fraction of the features dropped.
            num_tokens: Integer, a fixed number of tokens, or `None`.
            marked: Boolean, whether a word may be marked: then there is an
                input `mark`; a pretrained trunk reads it where it can, for
                the zoo's own the entry adds it to the features.

        Raises:
            ValueError: If an argument is unknown, out of range or without
                effect on this trunk.
        """
        _check_trunk(trunk)
        self._trunk, self._dropout = trunk, dropout
        self._unroll = num_tokens is not None
        self._sharing = mtl_sharing.get(sharing)
        self._size = size
        self._depth = size.depth
        if size.depth is None:
            self._depth = entry.depths.get(trunk)
        self.pooled = None
        if pretrained.is_pretrained(trunk):
            entry.refuse_changed(
                f"the trunk {trunk!r}",
                **dataclasses.asdict(size),
                sharing=sharing,
            )
            self.inputs, self.features, self.present, self.pooled = (
                pretrained.build(
                    trunk,
                    trainable=adaptation.trainable,
                    lora_rank=adaptation.lora_rank,
                    dropout=adaptation.trunk_dropout,
                    num_tokens=num_tokens,
                    marked=marked,
                    sentence_layers=adaptation.sentence_layers,
                )
            )
            if adaptation.spelling_units is not None:
                self._add_spelling(adaptation.spelling_units, num_tokens)
        else:
            known = entry.overrides()
            without = {
                name: value
                for name, value in dataclasses.asdict(adaptation).items()
                # The zoo's own trunks have spelling units of their own.
                if name in known and name != "spelling_units"
            }
            entry.refuse_changed(f"the trunk {trunk!r}", **without)
            self.inputs, self.features, self.present = entry.words(
                spec, size.word_units, size.spelling_units, dropout, num_tokens
            )
            if marked:
                self.inputs["mark"] = token_entry.input_of("mark", num_tokens)

    def model(
        self, name: str, tasks, head, units: int | None = None
    ) -> MultiTaskModel:
        """Joins the trunk, shared as the entry was asked to, and the heads.

        Args:
            name: String, the model's name.
            tasks: Sequence of `Task`, in the order in which heads are built.
            head: Function of `(features, task)` that returns the task's output.
            units: Integer, channels of the zoo's own trunk. Defaults to those
                of the size.

        Returns:
            `MultiTaskModel`.
        """
        return MultiTaskModel(
            self.inputs,
            self._sharing.outputs(
                {"features": self.features, "present": self.present},
                tasks,
                mtl_sharing.Trunk(lambda t: self._features(t, units)),
                head,
            ),
            tasks=tasks,
            sharing=self._sharing,
            name=name,
        )

    def _add_spelling(self, units, num_tokens):
        """Adds what the characters of words say to a pretrained trunk's."""
        characters, spelling = token_entry.spelling(
            units, TokenSubwordPreprocessor.num_characters, num_tokens
        )
        self.inputs["characters"] = characters
        if self._dropout:
            spelling = layers.Dropout(self._dropout, name="spelling_dropout")(
                spelling
            )
        self.features = layers.Concatenate(name="trunk_and_spelling")(
            [self.features, spelling]
        )
        mean = SubwordMean(name="spelling_sentence")([spelling, self.present])
        self.pooled = layers.Concatenate(name="sentence_and_spelling")(
            [self.pooled, mean]
        )

    def _features(self, tensors, units):
        """Builds a trunk; a pretrained one has made its features already."""
        if pretrained.is_pretrained(self._trunk):
            return tensors["features"]
        return trunks.build(
            tensors["features"],
            tensors["present"],
            self._trunk,
            units or self._size.units,
            self._dropout,
            depth=self._depth,
            unroll=self._unroll,
        )


def _check_trunk(trunk) -> None:
    """Raises for a trunk that is neither the zoo's own nor pretrained."""
    if pretrained.is_pretrained(trunk):
        return
    known = [*trunks.list_trunks(), minilm.NAME, f"{hub.PREFIX}PRESET"]
    if not isinstance(trunk, str) or trunk not in trunks.list_trunks():
        raise ValueError(unknown("trunk", trunk, known))
