"""A server: TensorFlow alone, memory bounded, one call after the other.

`python hostile_server.py CALLS ANSWERS`: CALLS is a pickle of pairs, the folder
of a SavedModel and dicts of arguments for its `serving_default`, the first of
them valid. ANSWERS becomes a pickle of what came back, a list a folder, and of
how much memory it took.
"""

import os
import pickle
import resource
import sys

# More than that, beside what TensorFlow takes to start, and malloc fails.
_ROOM = 1 << 30


def main(calls, answers):
    # TensorFlow imports Keras where it finds it.
    sys.modules["keras"] = sys.modules["mtl_keras"] = None
    import tensorflow as tf

    with open(calls, "rb") as file:
        calls = pickle.load(file)
    servers = []
    for folder, rows in calls:
        model = tf.saved_model.load(folder)
        signature = model.signatures["serving_default"]
        # What a first call makes belongs to the start.
        signature(**tensors(rows[0]))
        servers.append((model, signature, rows))
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))
    results, before = [], peak()
    for place, (_, signature, rows) in enumerate(servers):
        results.append([])
        for number, row in enumerate(rows):
            print(place, number, flush=True)
            results[-1].append(called(signature, row))
    with open(answers, "wb") as file:
        pickle.dump({"results": results, "grown": peak() - before}, file)


def called(signature, call):
    try:
        outputs = signature(**tensors(call))
        return "answer", {k: v.numpy() for k, v in outputs.items()}
    except Exception as error:
        return type(error).__name__, str(error)


def tensors(call):
    """Strings are object arrays, since NumPy's own drop zeros at the end."""
    import tensorflow as tf

    return {
        name: tf.constant(values.tolist(), tf.string, values.shape)
        if values.dtype == object
        else tf.constant(values)
        for name, values in call.items()
    }


def peak():
    # Not `ru_maxrss`: it starts at that of the process that started this one,
    # and where that is larger it would not grow.
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


main(*sys.argv[1:])
