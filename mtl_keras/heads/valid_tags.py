"""Which sequences of tags mark spans, by the rules of BIO and BIOES."""

import numpy as np

from mtl_keras.metrics.spans import TagSet


def mark_spans(class_names) -> bool:
    """Tells whether tags mark spans by BIO (IOB2) or BIOES.

    Args:
        class_names: Sequence of strings, or `None`.

    Returns:
        Boolean. False where an `I-kind` has no `B-kind`: then it may start a
        span.
    """
    if not class_names:
        return False
    try:
        TagSet(class_names)
    except ValueError:
        return False
    inner = {name[2:] for name in class_names if name[0] in "IE"}
    return inner <= {name[2:] for name in class_names if name[0] == "B"}


def find_invalid(class_names) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds what the rules exclude.

    Inside a span, an `I` or an `E` follows a `B` or an `I` of its kind. If
    there are tags `E` or `S`, a `B` or an `I` is followed by such an `I` or
    `E`.

    Args:
        class_names: Sequence of strings, tags.

    Returns:
        Three arrays of booleans, true for what is invalid: a tag at the start
        of a sentence, of shape `(tags,)`; a pair of neighbours, of shape
        `(tags, tags)`, the earlier tag first; a tag at the end, `(tags,)`.

    Raises:
        ValueError: If a name is not a tag.
    """
    tags = TagSet(class_names)
    prefixes = np.array([name[0] for name in class_names])
    continues = np.isin(prefixes, ["I", "E"])
    is_open = np.isin(prefixes, ["B", "I"])
    joined = is_open[:, None] & continues[None, :]
    joined &= tags.kinds[:, None] == tags.kinds[None, :]
    invalid = continues[None, :] & ~joined
    if not np.isin(prefixes, ["E", "S"]).any():
        return continues, invalid, np.zeros(len(prefixes), bool)
    return continues, invalid | (is_open[:, None] & ~joined), is_open
