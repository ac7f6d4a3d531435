"""Sentences: given to a model, and its outputs printed."""


def predict(
    ask,
    tasks: dict,
    sentences: list[str],
    kind: str = "",
    *,
    marked: bool = False,
) -> None:
    """Prints a model's outputs for each sentence.

    Args:
        ask: Function of a list of strings that returns a dict of arrays, the
            model's outputs and what its `SpanDecoder` decodes.
        tasks: Dict of name to `Task`.
        sentences: List of strings.
        kind: String, the name of the preprocessor's class.
        marked: Boolean, whether `>>bark<<` is a marked word, of which a
            sentence has one at most.

    Raises:
        ValueError: If there is no sentence, one has no words, or two marked
            ones.
    """
    from mtl_keras.data import text, tokens

    # Punctuation is a word where white space alone separates words.
    split = str.split if kind.startswith("Token") else text.tokens
    if not sentences:
        raise ValueError(
            "Expected sentences, each in quotes. Received: none. For example: "
            "python -m tools.predict --model intent_slot "
            '"play some jazz on spotify"'
        )
    for sentence in sentences:
        if not split(sentence):
            raise ValueError(
                "Expected a sentence with at least one word. "
                f"Received: {sentence!r}"
            )
        marks = [w for w in sentence.split() if tokens.unmarked(w) != w]
        if marked and len(marks) > 1:
            raise ValueError(
                "Expected one predicate, a word written as >>bark<<, at most; "
                "give the sentence once for each. "
                f"Received: {' '.join(marks)} in {sentence!r}"
            )
    outputs = ask(sentences)
    for index, sentence in enumerate(sentences):
        row = {key: value[index] for key, value in outputs.items()}
        print("\n    ".join([sentence, *describe(row, tasks)]))


def ask(model):
    """Makes the function from sentences to a model's outputs.

    Args:
        model: `MultiTaskModel` of the zoo that takes sentences.

    Returns:
        Function of a list of strings that returns a dict of arrays.
    """
    import numpy as np
    import tensorflow as tf

    def outputs_of(sentences):
        inputs, context = model.preprocessor(tf.constant(sentences))
        outputs = dict(
            model.predict(inputs, batch_size=len(sentences), verbose=0)
        )
        outputs |= model.postprocessor(outputs, context)
        return {key: np.asarray(value) for key, value in outputs.items()}

    return outputs_of


def describe(outputs: dict, tasks: dict) -> list[str]:
    """Writes a model's outputs for one sentence as lines.

    Args:
        outputs: Dict of arrays without a batch axis, as a `SpanDecoder`
            decodes them.
        tasks: Dict of name to `Task`.

    Returns:
        List of strings such as `intent  PlayMusic 0.99`, `slot  genre: jazz`
        and `pos  Dogs/NOUN bark/VERB`, and the lines of a tree.
    """
    from mtl_keras.data.spans import is_scheme

    width = max(map(len, tasks))
    lines = []
    for name, task in tasks.items():
        title = name.ljust(width)
        if task.kind == "classification":
            label = outputs[f"{name}_name"].decode()
            lines.append(f"{title}  {label} {outputs[f'{name}_score']:.2f}")
        elif f"{name}_tree" in outputs:
            tree = outputs[f"{name}_tree"].decode().split("\n")
            lines += [name, *(f"  {line}" for line in tree)]
        elif task.kind == "tagging":
            spans = zip(
                outputs[f"{name}_names"], outputs[f"{name}_texts"], strict=True
            )
            pairs = [(k.decode(), text.decode()) for k, text in spans if k]
            if is_scheme(task.class_names):
                lines += [f"{title}  {kind}: {text}" for kind, text in pairs]
            elif pairs:
                words = " ".join(f"{text}/{kind}" for kind, text in pairs)
                lines.append(f"{title}  {words}")
            if not pairs:
                lines.append(f"{title}  none")
    return lines
