"""What a run leaves behind to be read: its metrics by epoch and its result."""

import dataclasses
import json
import math
import os
import pathlib

from mtl_keras.files import parse_json_object, write_text


class MetricsFile:
    """JSON lines, one an epoch, without a gap or a double line.

    Args:
        path: String or path of the file.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def append(self, line: dict) -> None:
        """Adds an epoch's line and flushes it to the disk."""
        text = json.dumps(plain(line)) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[dict]:
        """Returns the complete lines; a truncated last line is ignored.

        Raises:
            ValueError: If a line is not an epoch's.
        """
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        texts = content.splitlines()
        lines = []
        for number, text in enumerate(texts, start=1):
            try:
                line = parse_json_object(text)
                if not isinstance(line.get("epoch"), int):
                    raise ValueError("it has no 'epoch', an integer")
                lines.append(line)
            except ValueError as error:
                # Only a last line without an end can be truncated: the process
                # was killed while it wrote, and the epoch will be run again.
                if number == len(texts) and not content.endswith(b"\n"):
                    break
                raise ValueError(
                    f"Line {number} of {str(self.path)!r} is damaged: {error}. "
                    "Expected JSON lines, one an epoch. Choose another "
                    f"workdir. Received: {text[:80]!r}"
                ) from error
        return lines

    def keep(self, num_epochs: int) -> int:
        """Drops the lines of epochs that will be run again.

        Args:
            num_epochs: Integer, epochs that the checkpoint holds.

        Returns:
            Integer, how many of these epochs have no line.
        """
        finished = [line for line in self.read() if line["epoch"] < num_epochs]
        text = "".join(json.dumps(line) + "\n" for line in finished)
        write_text(self.path, text)
        return num_epochs - len({line["epoch"] for line in finished})


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of a run.

    Args:
        model: String, the model's name.
        data: String or `None`, the data's name.
        seed: Integer.
        split: String, the split that was measured.
        metrics: Dict of floats by log key.
        epochs: Integer, epochs trained.
        seconds: Float, wall-clock seconds of training, all runs together.
        num_parameters: Integer.
        versions: Dict of strings by package.
        command: String or `None`, the command that made it.
        sha256: Dict, name of a file beside the report to its sum.
    """

    model: str
    data: str | None
    seed: int
    split: str
    metrics: dict
    epochs: int
    seconds: float
    num_parameters: int
    versions: dict
    command: str | None = None
    sha256: dict = dataclasses.field(default_factory=dict)

    def table(self) -> str:
        """Writes the metrics as a table, one line a task."""
        rows = [
            (key, "-" if value is None else f"{value:.4f}")
            for key, value in sorted(self.metrics.items())
        ]
        width = max((len(key) for key, _ in rows), default=0)
        lines = [f"{self.model} on {self.data}, {self.split} split"]
        lines += [f"  {key:<{width}}  {value:>9}" for key, value in rows]
        return "\n".join(lines)

    def save(self, path) -> None:
        """Writes the report as JSON."""
        text = json.dumps(plain(dataclasses.asdict(self)), indent=2) + "\n"
        write_text(path, text)


def plain(value):
    """Returns a value that JSON can hold: no arrays, NaN as `None`.

    Args:
        value: Number, string, `None`, or dicts and lists of these.

    Returns:
        The same of Python's own types.
    """
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "item"):
        value = value.item()
    # JSON has no NaN and no infinity; a metric that is not defined is null.
    is_number = not isinstance(value, float) or math.isfinite(value)
    return value if is_number else None
