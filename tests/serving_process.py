"""A process that serves an export with TensorFlow alone, for tests."""

import pickle
import subprocess
import sys

# What a server does: TensorFlow alone, and every call by signature.
_SERVER = """
import sys
folder, calls, answers, *modules = sys.argv[1:]
# Before Keras is hidden: TensorFlow Text defines layers of it.
for name in modules:
    __import__(name)
# TensorFlow imports Keras where it finds it.
for name in ("keras", "keras_hub", "mtl_keras", "zoo"):
    sys.modules[name] = None
import pickle
import tensorflow as tf

signatures = tf.saved_model.load(folder).signatures
with open(calls, "rb") as file:
    calls = pickle.load(file)
results = {}
for key, inputs in calls.items():
    name, size = key
    tensors = {k: tf.constant(value) for k, value in inputs.items()}
    found = signatures[name](**tensors)
    results[key] = {k: value.numpy() for k, value in found.items()}
with open(answers, "wb") as file:
    pickle.dump(results, file)
"""


def serve(folder, tmp_path, calls, modules=()):
    """Calls signatures of an export in a process of its own.

    Args:
        folder: Path of the export.
        tmp_path: Path of a folder for the process's files.
        calls: Dict of `(signature, size)` to a dict of input name to array or
            list.
        modules: Strings, modules beside TensorFlow that the process imports.

    Returns:
        Dict with the same keys, each a dict of output name to array.
    """
    given, answered = tmp_path / "calls.pickle", tmp_path / "answers.pickle"
    given.write_bytes(pickle.dumps(calls))
    subprocess.run(
        [sys.executable, "-c", _SERVER, folder, given, answered, *modules],
        check=True,
        cwd=tmp_path,
    )
    return pickle.loads(answered.read_bytes())


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
