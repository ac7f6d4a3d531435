"""The names of a model's inputs and outputs in an ONNX graph."""

from collections.abc import Iterable

from mtl_keras.messages import listed


def check(inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Checks that no input has the name of an output.

    Args:
        inputs: Iterable of strings.
        outputs: Iterable of strings.

    Raises:
        ValueError: If one has: an ONNX graph names each tensor once.
    """
    clashes = sorted(set(inputs) & set(outputs))
    if clashes:
        raise ValueError(
            "An ONNX file needs different names for inputs and outputs. "
            f"Received: {listed(clashes)} as both. Rename the input or the "
            "task."
        )


def rename(graph, names: dict) -> None:
    """Renames tensors of a graph, in place.

    Args:
        graph: `onnx.GraphProto`.
        names: Dict, old name to new one. A tensor inside the graph that has
            one of the new names gets another.
    """
    all_names = set(_tensor_names(graph)) | set(names.values())
    mapping = dict(names)
    for new in names.values():
        free = new
        while free in all_names:
            free += "_inner"
        mapping.setdefault(new, free)
        all_names.add(free)
    _apply(graph, mapping)


def _tensor_names(graph):
    for node in graph.node:
        yield from (*node.input, *node.output)
        for part in _subgraphs(node):
            yield from _tensor_names(part)
    for value in _values(graph):
        yield value.name


def _apply(graph, mapping):
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [mapping.get(name, name) for name in names]
        # A loop's body reads tensors of the graph around it.
        for part in _subgraphs(node):
            _apply(part, mapping)
    for value in _values(graph):
        value.name = mapping.get(value.name, value.name)


def _values(graph):
    return [
        *graph.input,
        *graph.output,
        *graph.initializer,
        *graph.value_info,
    ]


def _subgraphs(node):
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
