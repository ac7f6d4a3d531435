"""What a training costs: seconds of its steps, resident memory."""

import json
import pathlib
import statistics
import sys
import time

import keras

from mtl_keras.files import write_text

_STATUS = pathlib.Path("/proc/self/status")


class Cost(keras.callbacks.Callback):
    """Writes a training's cost to a file at each epoch's end.

    A resumed training adds to what the file holds: the epochs' seconds by
    number, and the highest memory of all its processes.

    Args:
        path: String or path of the JSON file.
    """

    def __init__(self, path):
        super().__init__()
        self._path = pathlib.Path(path)
        self._seconds = self._started = None

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        del epoch, logs
        self._seconds, self._started = None, time.monotonic()

    def on_test_begin(self, logs=None):
        """Stops the clock where validation begins."""
        del logs
        if self._started is not None and self._seconds is None:
            self._seconds = time.monotonic() - self._started

    def on_epoch_end(self, epoch, logs=None):
        """Writes the file."""
        del logs
        if self._seconds is None:
            self._seconds = time.monotonic() - self._started
        cost = {"train_seconds": {}, "peak_memory_bytes": 0}
        if self._path.exists():
            cost = json.loads(self._path.read_text(encoding="utf-8"))
        cost["train_seconds"][str(epoch)] = self._seconds
        cost["steps_per_epoch"] = self.params["steps"]
        cost["peak_memory_bytes"] = max(
            cost["peak_memory_bytes"], peak_memory()
        )
        text = json.dumps(cost, indent=2) + "\n"
        write_text(self._path, text)


def read(path) -> dict:
    """Reads what `Cost` has written.

    Args:
        path: String or path of the JSON file.

    Returns:
        Dict: `"seconds_per_step"`, the median over the epochs, and
        `"peak_memory_bytes"`.
    """
    cost = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    seconds = statistics.median(cost["train_seconds"].values())
    return {
        "seconds_per_step": seconds / cost["steps_per_epoch"],
        "peak_memory_bytes": cost["peak_memory_bytes"],
    }


def peak_memory() -> int:
    """Measures the highest resident memory of this process so far.

    Linux keeps it for each program (`VmHWM`). `getrusage`, which serves
    elsewhere, also counts what the parent held when it started this one.

    Returns:
        Integer, bytes.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kibibytes, but for macOS.
    return peak if sys.platform == "darwin" else 1024 * peak
