"""Small backbones with random weights, in folders that KerasHub reads."""

import keras

WORDS = ("play", "jazz", "some", "gnom", "##ic", "don", "t", "##s", "caf")
MARKS = ("!", ",", ".", "'", "(", ")", '"', "?", ":")
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *MARKS)


def bert_tokenizer():
    import keras_hub

    return keras_hub.models.BertTokenizer(
        list(VOCABULARY), lowercase=True, strip_accents=False
    )


def bert_backbone(seed=0, max_sequence_length=16, num_layers=1):
    import keras_hub

    keras.utils.set_random_seed(seed)
    return keras_hub.models.BertBackbone(
        vocabulary_size=len(VOCABULARY),
        num_layers=num_layers,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        dropout=0.0,
        max_sequence_length=max_sequence_length,
    )


def save_bert(folder, seed=0, max_sequence_length=16, num_layers=1):
    """Writes a preset of a small BERT; returns the trunk's name."""
    backbone = bert_backbone(seed, max_sequence_length, num_layers)
    backbone.save_to_preset(str(folder))
    bert_tokenizer().save_to_preset(str(folder))
    return f"hub:{folder}"
