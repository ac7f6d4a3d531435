"""A process that serves an export with TensorFlow alone, for tests."""

import functools

from tests.answering_process import AnsweringProcess

# What a server does: TensorFlow alone, and every call by signature.
_SERVER = """
# Before Keras is hidden: TensorFlow Text defines layers of it.
for name in sys.argv[1:]:
    __import__(name)
# TensorFlow imports Keras where it finds it.
for name in ("keras", "keras_hub", "mtl_keras", "zoo"):
    sys.modules[name] = None
import tensorflow as tf

def answer(folder, calls):
    signatures = tf.saved_model.load(folder).signatures
    results = {}
    for key, inputs in calls.items():
        tensors = {k: tf.constant(value) for k, value in inputs.items()}
        outputs = signatures[key[0]](**tensors)
        results[key] = {k: value.numpy() for k, value in outputs.items()}
    return results
"""


@functools.cache
def _server(modules):
    return AnsweringProcess(_SERVER, *modules)


def serve(folder, calls, modules=()):
    """Calls signatures of an export in another process, which has no Keras.

    Args:
        folder: Path of the export.
        calls: Dict of `(signature, size)` to a dict of input name to array or
            list.
        modules: Strings, modules beside TensorFlow that the process imports.

    Returns:
        Dict with the same keys, each a dict of output name to array.
    """
    return _server(tuple(modules))(str(folder), calls)


def num_operations(signature):
    """Counts the operations of a loaded signature, called functions too."""
    definition = signature.graph.as_graph_def()
    functions = definition.library.function
    return len(definition.node) + sum(len(f.node_def) for f in functions)


def stored_shapes(folder):
    """Returns the shapes of the variables of an export, sorted."""
    import tensorflow as tf

    stored = tf.train.list_variables(str(folder / "variables" / "variables"))
    return sorted(
        tuple(shape) for name, shape in stored if "OBJECT_GRAPH" not in name
    )
