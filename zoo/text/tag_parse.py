"""Parts of speech, features and the dependency tree of a sentence.

A shared trunk over words and their characters; a head for each kind of tag, and
two biaffine heads (Dozat and Manning, ICLR 2017): which word each word hangs
on, and by which relation.
"""

from mtl_keras import MultiTaskModel, Task, checks
from mtl_keras import data as mtl_data
from zoo.datasets import tree_faults
from zoo.datasets.ewt_joint import names as ewt_names
from zoo.datasets.ewt_joint.sentences import word_features
from zoo.datasets.folders.records import Damage
from zoo.text import pretrained, token_entry, trunks
from zoo.text.biaffine import BiaffineArcs, BiaffineRelations
from zoo.text.sentence import Adaptation, Sentence, Size
from zoo.text.token_entry import TokenEntry
from zoo.text.trees import AttachmentScore, TreeDecoder

# The treebank's longest sentence has 159 words.
_LIMIT = 160
_HEADS = tuple(map(str, range(_LIMIT + 1)))
_IS_HEAD = frozenset(_HEADS)
_COUNTED_TOKENS = 24


class TagParse(TokenEntry):
    """Parts of speech, features and the dependency tree of a sentence."""

    data = {"ewt_joint": "zoo.datasets.ewt_joint:Sentences"}
    kinds = {
        "pos": "tagging",
        "feats": "tagging",
        "head": "tagging",
        "rel": "tagging",
    }
    classes = {
        "ewt_joint": {
            "pos": ewt_names.PARTS_OF_SPEECH,
            "feats": word_features(),
            "head": _HEADS,
            "rel": ewt_names.RELATIONS,
        }
    }
    folder_classes = {"head": _HEADS}
    search_dropout = 0.6
    search_values = {
        "trunk": tuple(trunks.list_trunks()),
        "units": (96, 160, 256),
        "arc_units": (96, 160, 256),
    }
    answers = {
        "pos": "the part of speech of each word",
        "feats": "number, tense, person ... of each word, as one class",
        "head": "the number of the word that each word hangs on, 0: the root",
        "rel": "the relation of each word to its head: subject, object ...",
    }
    summary = (
        "Four tasks on one sentence of separate words: parts of speech, "
        "morphological features, and the dependency tree, as the head of each "
        "word and its relation."
    )
    notes = (
        "UAS and LAS are of trees decoded by Chu-Liu/Edmonds with one root. "
        "All words count, punctuation too, as in the evaluation of CoNLL 2018; "
        "the words are given, and relations are compared with their subtypes.",
        "Features are right where all of a word's are. Combinations that the "
        "training split does not have are one class, OTHER.",
        "A sentence has at most 160 words.",
        "In an export each word has its most probable head; a tree is decoded "
        "outside of it, by `decode` of zoo/text/trees.py. Decoding changes 8% "
        "of the test sentences, and UAS from .8493 to .8495.",
        "One seed. 95% intervals, by 1,000 bootstrap draws of the test "
        "sentences: parts of speech .941 to .948, features .948 to .955, UAS "
        ".841 to .859, LAS .801 to .820. Over MiniLM, everything trained, by "
        "its recipe tag_parse_minilm: .960 to .966, .967 to .973, .893 to "
        ".907, .866 to .881.",
        "Compared after 5 of the recipe's 14 epochs: sharing is 0.95% above "
        "single tasks with equal weights, by the heads and the relations, "
        "with three tenths of the parameters. cagrad at the features leaves "
        "the heads unlearned: there the gradients of the arcs' probabilities, "
        "which the relations read, outweigh all others and saturate them. "
        "Where the relations do not train the arcs, it learns them.",
        "The weights are stored as float16, which changes no metric within "
        "four digits.",
        "The splits are the treebank's, by document.",
        "The data and these weights: CC BY-SA 4.0 (share-alike).",
    )

    def task(self, name: str, spec) -> Task:
        """Makes one task; heads are scored by the decoded tree too.

        Args:
            name: String, one of `spec.tasks`.
            spec: `zoo.Spec`.

        Returns:
            `Task`.
        """
        classes = spec.classes[name]
        scores = ["accuracy"]
        if name == "head":
            scores.append(AttachmentScore())
            if "rel" in spec:
                scores.append(AttachmentScore("rel"))
        return Task(name, self.kinds[name], class_names=classes, metrics=scores)

    def check_example(self, example) -> None:
        """Raises for a sentence of a folder whose heads are no tree.

        Args:
            example: `zoo.datasets.folders.Example`.

        Raises:
            Damage: If the sentence has more than 160 words, a head that is
                none of its words, no root, several roots or a cycle.
        """
        num_words = len(example.inputs["tokens"])
        if num_words > _LIMIT:
            raise Damage(
                f"Expected at most {_LIMIT} words. Received: {num_words}",
                example.place.line,
            )
        heads = example.labels.get("head")
        if heads is None:
            return
        if not _IS_HEAD.issuperset(heads):
            # Reported as an unknown class.
            return
        fault = tree_faults.first([int(head) for head in heads])
        if fault is not None:
            raise Damage(
                f"Expected {fault.expected}. Received: {fault.received}",
                example.place_of("head", fault.index).line,
            )

    def build(
        self,
        spec,
        *,
        trunk: str = "conv",
        units: int = 160,
        depth: int | None = None,
        word_units: int = 100,
        spelling_units: int | None = None,
        dropout: float = 0.3,
        hidden: int = 96,
        arc_units: int = 160,
        relation_units: int = 64,
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
                are left out.
            units: Integer, channels of the trunk, a multiple of 4.
            depth: Integer, the number of the trunk's blocks. Defaults to
                `None`: 5 of `"conv"`, 2 of `"bilstm"`, 2 of `"transformer"`.
            word_units: Integer, size of a word's embedding.
            spelling_units: Integer, features from a word's characters.
                Defaults to `None`: 96 of the zoo's own trunks, none beside a
                pretrained one, which then does not see upper case if its
                tokenizer drops it.
            dropout: Float in [0, 1), fraction of features dropped in training:
                of the words', of each block's and of each head's.
            hidden: Integer, units of the hidden layer of the tags' heads.
            arc_units: Integer, size of the vectors that arcs are scored by.
            relation_units: Integer, size of those of the relations.
            num_tokens: Integer, a fixed number of tokens, for which loops are
                unrolled. Defaults to `None`: any number up to 160.
            trainable: `"all"`, `"lora"` or `"none"`, what is trained of a
                pretrained trunk.
            lora_rank: Integer of at least 1, for `trainable="lora"`.
            sharing: Architecture that shares the zoo's own trunk, such as
                `"mmoe"` or `{"name": "mmoe", "num_experts": 2}`.
            trunk_dropout: Float in [0, 1), what a pretrained trunk drops in
                training. Defaults to that of its pretraining.

        Returns:
            `MultiTaskModel`. Inputs: `words`, int32 `(batch, tokens)`, and
            `characters`, int32 `(batch, tokens, 14)`; of a pretrained trunk
            those of `TokenSubwordPreprocessor`. Outputs: probabilities `(batch,
            tokens, classes)`, meaningless at the padding; the classes of
            `head` are the root and the words 1 to 160.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        token_entry.check_sizes(
            units=units,
            depth=depth,
            word_units=word_units,
            spelling_units=spelling_units,
            hidden=hidden,
            arc_units=arc_units,
            relation_units=relation_units,
            num_tokens=num_tokens,
        )
        checks.fraction("dropout", dropout, below_one=True)
        own_spelling, spelling = token_entry.spelling_units_of(
            trunk, spelling_units
        )
        if spec.classes.get("head", _HEADS) != _HEADS:
            raise ValueError(
                "The classes of 'head' are the numbers of the words, '0' to "
                f"'{_LIMIT}'. Expected `classes` without 'head'. Received: "
                f"{len(spec.classes['head'])} classes"
            )
        # The heads first: the relations read them.
        tasks = tuple(sorted(self.tasks(spec), key=lambda t: t.name == "rel"))
        sentence = Sentence(
            self,
            spec,
            trunk,
            Size(units, depth, word_units, own_spelling),
            Adaptation(trainable, lora_rank, trunk_dropout, spelling),
            sharing=sharing,
            dropout=dropout,
            num_tokens=num_tokens,
        )
        arcs = []

        def arcs_of(x):
            if not arcs:
                layer = BiaffineArcs(_LIMIT, arc_units, dropout, name="head")
                arcs.append(layer([x, sentence.present]))
            return arcs[0]

        def head(x, task):
            if task.name == "head":
                return arcs_of(x)
            if task.name == "rel":
                return BiaffineRelations(
                    task.num_classes, relation_units, dropout, name="rel"
                )([x, arcs_of(x)])
            return task.head.build(x, task, hidden=hidden, dropout=dropout)

        return sentence.model("tag_parse", tasks, head)

    def countable(self, spec) -> MultiTaskModel:
        """Builds the model for 24 words.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `MultiTaskModel` with the default arguments.
        """
        return self.build(spec, num_tokens=_COUNTED_TOKENS)

    def preprocessor(
        self, spec, *, trunk: str = "conv", spelling_units: int | None = None
    ):
        """Makes the graph from sentences to the model's inputs.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.
            spelling_units: Integer or `None`, as for `build`.

        Returns:
            `mtl_keras.data.TokenPreprocessor` without marks, for at most 160
            tokens; of a pretrained trunk a `TokenSubwordPreprocessor`.
        """
        if pretrained.is_pretrained(trunk):
            return pretrained.preprocessor(
                trunk,
                marked=False,
                max_tokens=_LIMIT,
                word_length=(
                    None if spelling_units is None else token_entry.WORD_LENGTH
                ),
            )
        return mtl_data.TokenPreprocessor(
            spec.assets["words"],
            token_entry.WORD_LENGTH,
            max_tokens=_LIMIT,
            marked=False,
        )

    def postprocessor(self, spec):
        """Makes what turns outputs to names of tags and heads.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `zoo.text.trees.TreeDecoder`.
        """
        return TreeDecoder(self.tasks(spec))

    def example(self, spec):
        """Makes the function from a data set's example to input and labels.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a dict of tensors that returns a pair: a dict with the
            sentence as `text`, and a dict of labels.
        """
        import tensorflow as tf

        def split(element):
            text = tf.strings.reduce_join(element["tokens"], separator=" ")
            return {"text": text}, {name: element[name] for name in self.kinds}

        return split
