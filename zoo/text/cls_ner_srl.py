"""Class, parts of speech, entities and semantic roles of a sentence.

A shared trunk over words and their characters, which knows how far each word is
from the predicate; a head for each task. The roles' head also reads the
trunk's features of the predicate.
"""

from keras import layers

from mtl_keras import MultiTaskModel, checks
from mtl_keras.data import tokens
from zoo.datasets.ewt_joint import names as ewt_names
from zoo.datasets.folders.records import Damage
from zoo.text import pretrained, token_entry, trunks
from zoo.text.layers import AtMark, BesideTokens, NearMark, SentencePooling
from zoo.text.sentence import Adaptation, Sentence, Size
from zoo.text.token_entry import TokenEntry

_COUNTED_TOKENS = 24


class ClsNerSrl(TokenEntry):
    """Class, parts of speech, entities and semantic roles of a sentence."""

    data = {"ewt_joint": "zoo.datasets.ewt_joint:Builder"}
    kinds = {
        "cls": "classification",
        "pos": "tagging",
        "ner": "tagging",
        "srl": "tagging",
    }
    classes = {
        "ewt_joint": {
            "cls": ewt_names.GENRES,
            "pos": ewt_names.PARTS_OF_SPEECH,
            "ner": ewt_names.ENTITY_TAGS,
            "srl": ewt_names.ROLE_TAGS,
        }
    }
    # More than in other entries: the class of a sentence is soon overfitted.
    hidden_words = 0.25
    answers = {
        "cls": "where the sentence is from: answers, email, newsgroup ...",
        "pos": "the part of speech of each word",
        "ner": "persons, places and organisations",
        "srl": "who does what to whom, where, when: the roles of a predicate",
    }
    summary = (
        "Four tasks on one sentence of separate words: its kind of text, the "
        "parts of speech, the entities, and the semantic roles of the "
        "predicate, the word written as >>bark<<."
    )
    notes = (
        "An example is a sentence and one of its predicates. The class of a "
        "sentence counts once, with its first predicate. So do parts of speech "
        "and entities in the validation and test figures; in training they "
        "count with each.",
        "Roles are scored by spans, without the predicate itself (V, C-V). "
        "Roles that the training split has fewer than 20 times are one kind, "
        "OTHER.",
        "The splits are the treebank's, by document. Short sentences such as "
        "'Thanks !' are in more than one of them.",
        "The entities of the training split are those of UNER's first commit, "
        "which are noisier than those of the test split.",
        "One seed. 95% intervals, by 1,000 bootstrap draws of the test "
        "examples: class .613 to .655, parts of speech .949 to .956, entities "
        "F1 .633 to .696, roles F1 .684 to .705. Over MiniLM, everything "
        "trained, by its recipe cls_ner_srl_minilm: .700 to .738, .960 to "
        ".966, .756 to .803, .762 to .781.",
        "With all steps of the recipe, one seed, the four together are .5% "
        "above single tasks on average, with a quarter of their parameters: "
        "class +2.6%, parts of speech -.1%, entities' F1 -3.3%, roles' F1 "
        "+2.0%.",
        "The table of balancers: 3 epochs of 40% of the training split, one "
        "seed. In so few steps sharing is 2.9% below single tasks with the "
        "recipe's weights and 4.5% with cagrad: cagrad and uncertainty learn "
        "the entities first, the recipe the roles, and each leaves the others "
        "behind.",
        "The class is overfitted: its accuracy is .84 in training and .60 in "
        "validation (.598 with 15% of the words hidden in training, in the "
        "place of 25%). Read from the words' own features too, it fell below "
        ".57 within six epochs. With 192 units, 96 from the "
        "characters and 8 epochs the test figures were .631, .942, .642, "
        ".675.",
        "The data and these weights: CC BY-SA 4.0 (share-alike).",
    )

    def check_example(self, example) -> None:
        """Raises for a sentence of a folder with several predicates.

        Args:
            example: `zoo.datasets.folders.Example`.

        Raises:
            Damage: If more than one token is marked.
        """
        words = example.inputs["tokens"]
        marked = [word for word in words if tokens.unmarked(word) != word]
        if len(marked) > 1:
            raise Damage(
                "Expected one predicate, a token written as >>bark<<, at most; "
                "write the sentence once for each. Received: "
                + " ".join(marked),
                example.place.line,
            )

    def build(
        self,
        spec,
        *,
        trunk: str = "conv",
        units: int | None = None,
        depth: int | None = None,
        word_units: int = 100,
        spelling_units: int | None = None,
        dropout: float = 0.3,
        hidden: int = 96,
        crf: bool | None = None,
        valid_tags: bool = False,
        num_tokens: int | None = None,
        trainable: str = "all",
        lora_rank: int = 8,
        sharing="hard",
        trunk_dropout: float | None = None,
        sentence_layers: str = "last",
    ) -> MultiTaskModel:
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            trunk: String: `"conv"`, gated dilated convolutions; `"bilstm"`; or
                `"transformer"`, a small one (see `zoo.text.trunks`); or
                pretrained, `"minilm"` or `"hub:PRESET_OR_FOLDER"` (see
                `zoo.text.pretrained`): then the sizes of the zoo's own trunks
                are left out.
            units: Integer, channels of the trunk, a multiple of 4. Defaults to
                `None`: 192 of `"bilstm"`, 160 of others.
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
            crf: Boolean, whether neighbouring tags of entities and roles are
                decoded together, by a `ChainCRF`. Defaults to `None`: with
                `"bilstm"`, which has loops over the words anyway.
            valid_tags: Boolean, whether `crf` predicts only tags that form
                spans: an `I-PER` after a `B-PER` or another `I-PER`.
            num_tokens: Integer, a fixed number of tokens, for which loops are
                unrolled. Defaults to `None`: any number.
            trainable: `"all"`, `"lora"` or `"none"`, what is trained of a
                pretrained trunk.
            lora_rank: Integer of at least 1, for `trainable="lora"`.
            sharing: Architecture that shares the zoo's own trunk, such as
                `"mmoe"` or `{"name": "mmoe", "num_experts": 2}`.
            trunk_dropout: Float in [0, 1), what a pretrained trunk drops in
                training. Defaults to that of its pretraining.
            sentence_layers: String, the layers of a pretrained trunk from
                which the class is read: the `"last"`, or `"all"`.

        Returns:
            `MultiTaskModel`. Inputs: `words` and `mark`, int32 `(batch,
            tokens)`, and `characters`, int32 `(batch, tokens, 14)`, as
            `mtl_keras.data.TokenPreprocessor` makes them; of a pretrained
            trunk those of `TokenSubwordPreprocessor`.
            Outputs: `cls`, probabilities `(batch, classes)`; `pos`, `ner` and
            `srl`, those of the tags `(batch, tokens, tags)`, meaningless at
            the padding.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        is_bilstm = trunk == "bilstm"
        channels = units
        if units is None:
            channels = 192 if is_bilstm else 160
        token_entry.check_sizes(
            units=channels,
            depth=depth,
            word_units=word_units,
            spelling_units=spelling_units,
            hidden=hidden,
            num_tokens=num_tokens,
        )
        crf = is_bilstm if crf is None else checks.boolean("crf", crf)
        checks.boolean("valid_tags", valid_tags)
        checks.fraction("dropout", dropout, below_one=True)
        own_spelling, spelling = token_entry.spelling_units_of(
            trunk, spelling_units
        )
        tasks = self.tasks(spec)
        near = NearMark(_DISTANCE_UNITS, name="near")
        sentence = Sentence(
            self,
            spec,
            trunk,
            Size(units, depth, word_units, own_spelling),
            Adaptation(
                trainable, lora_rank, trunk_dropout, spelling, sentence_layers
            ),
            sharing=sharing,
            dropout=dropout,
            num_tokens=num_tokens,
            marked=True,
        )
        mark = sentence.inputs["mark"]
        # A pretrained trunk may know which word the predicate is, but not how
        # far from it each word is.
        knows_distance = sentence.pooled is None
        if knows_distance:
            sentence.features = layers.Concatenate(name="features")(
                [sentence.features, near(mark)]
            )

        def head(x, task):
            if task.kind == "classification":
                pooled = sentence.pooled
                if pooled is None:
                    pool = SentencePooling(name=f"{task.name}_pool")
                    pooled = pool([x, sentence.present])
                return task.head.build(pooled, task, dropout=dropout)
            if task.name == "srl":
                predicate = AtMark(name="srl_predicate")([x, mark])
                x = BesideTokens(name="srl_beside")([x, predicate])
                if not knows_distance:
                    x = layers.Concatenate(name="srl_near")([x, near(mark)])
            return task.head.build(
                x,
                task,
                hidden=hidden,
                dropout=dropout,
                crf=crf and task.name != "pos",
                valid_tags=valid_tags and task.name != "pos",
                present=sentence.present,
            )

        return sentence.model("cls_ner_srl", tasks, head, channels)

    def countable(self, spec) -> MultiTaskModel:
        """Builds the model for 24 words and without a loop.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `MultiTaskModel` with the default arguments.
        """
        return self.build(spec, num_tokens=_COUNTED_TOKENS)

    def example(self, spec):
        """Makes the function from a data set's example to input and labels.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a dict of tensors that returns a pair: a dict with the
            sentence as `text`, its predicate marked, and a dict of labels.
        """
        import tensorflow as tf

        def split(element):
            tokens = element["tokens"]
            place = tf.range(tf.size(tokens))
            marked = tf.strings.join([">>", tokens, "<<"])
            tokens = tf.where(place == element["predicate"], marked, tokens)
            text = tf.strings.reduce_join(tokens, separator=" ")
            return {"text": text}, {name: element[name] for name in self.kinds}

        return split

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
        if space == "small" or pretrained.is_pretrained(defaults["trunk"]):
            return overrides
        overrides["trunk"] = hp.Choice(
            "trunk", trunks.list_trunks(), default=defaults["trunk"]
        )
        units = defaults["units"] or 160
        overrides["units"] = hp.Choice(
            "units", sorted({96, 128, 192, 256, units}), default=units
        )
        crf = defaults["crf"]
        if crf is None:
            crf = defaults["trunk"] == "bilstm"
        overrides["crf"] = hp.Boolean("crf", default=crf)
        overrides["valid_tags"] = overrides["crf"] and defaults["valid_tags"]
        return overrides


# Numbers for the distance of a word from the predicate.
_DISTANCE_UNITS = 24
