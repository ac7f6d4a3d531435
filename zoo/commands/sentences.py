"""Answers for sentences, as `predict` prints them."""


def predict(answer, tasks: dict, sentences: list[str]) -> None:
    """Prints what a model answers about sentences, each by itself.

    Args:
        answer: Function of a list of strings that returns a dict of arrays,
            the model's outputs and the answers of its `SpanDecoder`.
        tasks: Dict of name to `Task`.
        sentences: List of strings.

    Raises:
        ValueError: If there is none, or one holds no word.
    """
    from mtl_keras.data.text import tokens

    if not sentences:
        raise ValueError(
            "Expected sentences, each in quotes. Received: none. For example: "
            "python -m tools.predict --model intent_slot "
            '"play some jazz on spotify"'
        )
    for sentence in sentences:
        if not tokens(sentence):
            raise ValueError(
                "Expected a sentence with at least one word. "
                f"Received: {sentence!r}"
            )
    answers = answer(sentences)
    for index, sentence in enumerate(sentences):
        found = {key: value[index] for key, value in answers.items()}
        print("\n    ".join([sentence, *describe(found, tasks)]))


def answer_with(model):
    """Makes the function that asks a model about sentences.

    Args:
        model: `MultiTaskModel` of the zoo that takes sentences.

    Returns:
        Function of a list of strings that returns a dict of arrays.
    """
    import numpy as np
    import tensorflow as tf

    def answer(sentences):
        inputs, context = model.preprocessor(tf.constant(sentences))
        outputs = model.predict(inputs, batch_size=len(sentences), verbose=0)
        answers = {**outputs, **model.postprocessor(outputs, context)}
        return {key: np.asarray(value) for key, value in answers.items()}

    return answer


def describe(answer: dict, tasks: dict) -> list[str]:
    """Writes what a model answers about one sentence as lines.

    Args:
        answer: Dict of arrays without a batch axis, the answers of a
            `SpanDecoder`.
        tasks: Dict of name to `Task`.

    Returns:
        List of strings such as `intent  PlayMusic 0.99` and `slot  genre:
        jazz`.
    """
    width = max(map(len, tasks))
    lines = []
    for name, task in tasks.items():
        title = name.ljust(width)
        if task.kind == "classification":
            label = answer[f"{name}_name"].decode()
            lines.append(f"{title}  {label} {answer[f'{name}_score']:.2f}")
        elif task.kind == "tagging":
            found = zip(
                answer[f"{name}_names"], answer[f"{name}_texts"], strict=True
            )
            lines += [
                f"{title}  {kind.decode()}: {text.decode()}"
                for kind, text in found
                if kind
            ] or [f"{title}  none"]
    return lines
