"""The SHA-256 sums of a run's files, which its report holds."""

import pathlib

from mtl_keras import files

REPORT = "report.json"
_KEY = "sha256"
# What others read of a finished run. The export has sums of its own.
_FILES = ("best.weights.h5", "config.json", "metrics.jsonl", "model.weights.h5")


def sums(workdir) -> dict:
    """Computes the sums of a run's files.

    Args:
        workdir: String or path of the run's folder.

    Returns:
        Dict, file name to SHA-256, of the files that exist.
    """
    folder = pathlib.Path(workdir)
    return {
        name: files.sha256(folder / name)
        for name in _FILES
        if (folder / name).is_file()
    }


def known_sum(path) -> str | None:
    """Looks up the sum of a file in the report beside it.

    Args:
        path: String or path of a file, in a run's folder or elsewhere.

    Returns:
        String, or `None` where no report lists this file.

    Raises:
        ValueError: If there is a report and it is damaged.
    """
    path = pathlib.Path(path)
    report = path.parent / REPORT
    if path.name not in _FILES or not report.is_file():
        return None
    stored = files.read_json_object(
        report, "The command that started the run writes it again."
    ).get(_KEY, {})
    if not isinstance(stored, dict):
        raise ValueError(
            f"{str(report)!r} is damaged: {_KEY!r} must be an object. "
            f"Received: {stored!r}"
        )
    return stored.get(path.name)


def check(path) -> None:
    """Checks a file of a run against the sum in the report beside it.

    Args:
        path: String or path of the file.

    Raises:
        ValueError: If the report lists another sum.
    """
    expected = known_sum(path)
    if expected is None:
        return
    received = files.sha256(path)
    if received != expected:
        raise ValueError(changed(path, expected, received))


def changed(path, expected: str, received: str | None) -> str:
    """Writes the error for a file that differs from its sum.

    Args:
        path: String or path of the file.
        expected: String, the sum that was stored.
        received: String, the file's sum, or `None` where it is missing.

    Returns:
        String.
    """
    fault = "is missing"
    if received is not None:
        fault = f"has changed: its sha256 is {received[:12]}..."
    return (
        f"{str(path)!r} {fault}. Expected sha256 {expected[:12]}..., as the "
        "run wrote it. Restore the file, or train again in another workdir."
    )
