"""Dependency trees: the best one of arc scores, and how many arcs are right."""

import keras
import numpy as np

from mtl_keras.metrics.split_metric import SplitMetric, flat_weight

# Beyond any difference of log probabilities of a whole sentence.
_NEVER = -1e9
_LEAST = 1e-12


def decode(probabilities: np.ndarray) -> np.ndarray:
    """Finds the most probable tree with one root.

    The maximum spanning tree of the logarithms (Chu and Liu, 1965; Edmonds,
    1967), of those trees in which one word hangs on the root.

    Args:
        probabilities: Array of shape `(words, words + 1)`: of each word, the
            probability that its head is the root (column 0) or word 1, 2, ...

    Returns:
        Int array of shape `(words,)`, the head of each word, 0 being the root.
    """
    num_words = len(probabilities)
    probabilities = np.asarray(probabilities, float)[:, : num_words + 1]
    heads = probabilities.argmax(axis=1)
    if _is_tree(heads):
        return heads
    scores = np.log(np.maximum(probabilities, _LEAST))
    # Row and column 0 are the root; entry [d, h] is the arc from h to d.
    full = np.full((num_words + 1, num_words + 1), _NEVER)
    full[1:] = scores
    # Each arc from the root costs more than all others gain: there is one.
    full[1:, 0] -= 2 * num_words * -np.log(_LEAST)
    np.fill_diagonal(full, _NEVER)
    return _spanning_tree(full)[1:]


def draw(words, heads, *tags) -> str:
    """Draws a tree as text, a line for each word, from the first to the last.

    A word stands as far to the right as it is below the root, between its
    number and that of its head; in a projective tree a line joins the two.

    Args:
        words: Strings.
        heads: Integers, the number of each word's head, from 1; 0 is the
            root. They must be a tree.
        *tags: Lists of strings that are written beside the words.

    Returns:
        String of several lines.
    """
    heads = [int(head) for head in heads]
    depths = []
    for head in heads:
        depth = 0
        while head:
            head, depth = heads[head - 1], depth + 1
        depths.append(depth)
    cells = [[" "] * (2 * depth) for depth in depths]
    for number, depth in enumerate(depths, start=1):
        places = [d for d, head in enumerate(heads, start=1) if head == number]
        ends = [*places, number]
        for place in range(min(ends), max(ends) + 1):
            row = cells[place - 1]
            if place in places:
                is_first, is_last = place == min(ends), place == max(ends)
                row[2 * depth] = "┌" if is_first else "└" if is_last else "├"
                row[2 * depth + 1] = "╴"
            elif place != number and 2 * depth < len(row):
                row[2 * depth] = "│"
    columns = [
        [str(number) for number in range(1, len(heads) + 1)],
        ["".join(row) + word for row, word in zip(cells, words, strict=True)],
        [str(head) for head in heads],
        *map(list, tags),
    ]
    for column in columns:
        width = max(map(len, column))
        column[:] = [cell.ljust(width) for cell in column]
    rows = zip(*columns, strict=True)
    return "\n".join("  ".join(row).rstrip() for row in rows)


def _is_tree(heads) -> bool:
    if (heads == 0).sum() != 1:
        return False
    reached = np.arange(1, len(heads) + 1)
    parents = np.concatenate([[0], heads])
    # After as many steps as there are words all are at the root.
    for _ in range(len(heads).bit_length()):
        parents = parents[parents]
    return not parents[reached].any()


def _spanning_tree(scores):
    """Returns the head of each node; that of node 0, the root, is 0."""
    heads = scores.argmax(axis=1)
    heads[0] = 0
    cycle = _cycle(heads)
    if cycle is None:
        return heads
    in_cycle = np.zeros(len(scores), bool)
    in_cycle[cycle] = True
    # The cycle becomes one node, the last; the others keep their order.
    others = np.flatnonzero(~in_cycle)
    kept = scores[cycle, heads[cycle]]
    smaller = np.full((len(others) + 1, len(others) + 1), _NEVER)
    smaller[:-1, :-1] = scores[np.ix_(others, others)]
    # An arc into the cycle replaces one of its arcs.
    into = scores[np.ix_(cycle, others)] - kept[:, None]
    entered = into.argmax(axis=0)
    smaller[-1, :-1] = into.max(axis=0) + kept.sum()
    out = scores[np.ix_(others, cycle)]
    left = out.argmax(axis=1)
    smaller[:-1, -1] = out.max(axis=1)
    contracted = _spanning_tree(smaller)
    result = heads.copy()
    for place, node in enumerate(others):
        head = contracted[place]
        is_cycle = head == len(others)
        result[node] = cycle[left[place]] if is_cycle else others[head]
    outer = contracted[-1]
    result[cycle[entered[outer]]] = others[outer]
    result[0] = 0
    return result


def _cycle(heads):
    """Returns the nodes of one cycle, or `None`."""
    state = np.zeros(len(heads), int)
    state[0] = -1
    for start in range(1, len(heads)):
        node, path = start, []
        while state[node] == 0:
            state[node] = start
            path.append(node)
            node = heads[node]
        if state[node] == start and node in path:
            return np.array(path[path.index(node) :])
    return None


@keras.saving.register_keras_serializable(package="zoo")
class AttachmentScore(SplitMetric):
    """Fraction of words with the right head in the decoded tree.

    As in the evaluation of CoNLL 2018 (Zeman et al., 2018) all words count,
    punctuation too; the words are given. With `relation` the word's relation
    must be right as well (LAS), otherwise the head alone (UAS). Sentences are
    decoded by `decode`. Words without a label are left out.

    Args:
        relation: String, the task with the relations. Defaults to `None`.
        name: String. Defaults to `"las"` with `relation`, else to `"uas"`.
    """

    def __init__(self, relation: str | None = None, name: str | None = None):
        super().__init__(name or ("uas" if relation is None else "las"))
        self.relation = relation

    def reads(self, task_name: str) -> tuple[str, ...]:
        """Lists the tasks of heads and, for LAS, relations."""
        if self.relation is None:
            return (task_name,)
        return (task_name, self.relation)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the fraction; see `SplitMetric.result`."""
        self.check(task_name, y_true, y_pred, weight)
        label = np.asarray(y_true[task_name])
        counts = flat_weight(weight[task_name], label.shape)
        counts = counts.reshape(label.shape) > 0
        if not counts.any():
            return float("nan")
        predicted = np.asarray(y_pred[task_name])
        if np.isnan(predicted).any():
            return float("nan")
        is_right = np.zeros(label.shape, bool)
        for row in np.flatnonzero(counts.any(axis=1)):
            num_words = int(np.flatnonzero(counts[row])[-1]) + 1
            heads = decode(predicted[row, :num_words])
            is_right[row, :num_words] = heads == label[row, :num_words]
        if self.relation is not None:
            relation = np.asarray(y_pred[self.relation]).argmax(axis=-1)
            is_right &= relation == np.asarray(y_true[self.relation])
        return float(is_right[counts].mean())

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "relation": self.relation}


@keras.saving.register_keras_serializable(package="zoo")
class TreeDecoder:
    """Decodes tags and heads of words; heads form a tree where they can.

    Called with arrays or eager tensors, as by `tools.predict`, the heads are
    those of `decode`: one tree with one root; it is drawn as well, as the
    string `head_tree` of each sentence. Within a graph, as in an export, each
    word has its most probable head.

    Args:
        tasks: As for `mtl_keras.data.SpanDecoder`.
        head: String, the task with the heads. Defaults to `"head"`.
        beside: Sequence of strings, tasks whose tags are drawn beside each
            word. Defaults to `("pos", "rel")`.
    """

    def __init__(self, tasks, head: str = "head", beside=("pos", "rel")):
        from mtl_keras.data import SpanDecoder

        self._tags = SpanDecoder(tasks)
        self._head, self._beside = head, tuple(beside)

    def __call__(self, outputs, context=None) -> dict:
        """Decodes the outputs of a batch; see `SpanDecoder`."""
        import tensorflow as tf

        has_words = self._head in outputs and context is not None
        if not has_words or not tf.executing_eagerly():
            return self._tags(outputs, context)
        trees = self._trees(outputs, context)
        decoded = self._tags({**outputs, self._head: trees}, context)
        drawings = [
            self._drawing(decoded, row, heads[: (starts >= 0).sum()])
            for row, (heads, starts) in enumerate(
                zip(
                    trees.argmax(axis=-1),
                    np.asarray(context["starts"]),
                    strict=True,
                )
            )
        ]
        return {**decoded, f"{self._head}_tree": tf.constant(drawings)}

    def _trees(self, outputs, context):
        probabilities = np.array(outputs[self._head])
        for row, starts in enumerate(np.asarray(context["starts"])):
            num_words = int((starts >= 0).sum())
            heads = decode(probabilities[row, :num_words])
            probabilities[row] = 0
            probabilities[row, np.arange(num_words), heads] = 1
        return probabilities

    def _drawing(self, decoded, row, heads):
        def strings(key):
            texts = decoded[key][row].numpy()[: len(heads)]
            return [text.decode() for text in texts]

        tags = [
            strings(f"{task}_names")
            for task in self._beside
            if f"{task}_names" in decoded
        ]
        words = strings(f"{self._head}_texts")
        return draw(words, heads, *tags)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor, as plain data."""
        config = {**self._tags.get_config(), "head": self._head}
        return {**config, "beside": list(self._beside)}

    @classmethod
    def from_config(cls, config: dict) -> "TreeDecoder":
        """Makes the decoder that `get_config` described."""
        return cls(**config)
