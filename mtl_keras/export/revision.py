"""The card and the revision that are stored with an exported model."""

import json
import pathlib

from mtl_keras import files
from mtl_keras.messages import listed

FILE = "revision.json"
# The key of the dict from a file of the export to its SHA-256.
SUMS = "files"
CARD_FILE = "card.json"


def text(model, outputs: dict, preprocessor, further: dict | None) -> str:
    """Describes the exported model as JSON.

    Args:
        model: Functional `keras.Model`.
        outputs: Dict with the task names as keys.
        preprocessor: The preprocessor of raw inputs, or `None`.
        further: Dict of further plain data, or `None`.

    Returns:
        String, a JSON object: `mtl_keras`, `keras` and `tensorflow` with their
        versions; `tasks` with their `kind` and `class_names` if the model knows
        them; `preprocessor`, its class name or null; an empty `files`, for
        `with_sums`; and the contents of `further`.

    Raises:
        ValueError: If `further` is not a dict of plain data, or has one of
            these keys.
    """
    import mtl_keras
    from mtl_keras import engine

    versions = engine.versions()
    del versions["python"]
    tasks = getattr(model, "tasks", {})
    revision = {
        "mtl_keras": mtl_keras.__version__,
        **versions,
        "tasks": {name: _task(tasks.get(name)) for name in sorted(outputs)},
        "preprocessor": (
            None if preprocessor is None else type(preprocessor).__name__
        ),
    }
    further = {} if further is None else further
    if not isinstance(further, dict):
        raise ValueError(
            "`revision` must be a dict of plain data. "
            f"Received: revision={further!r}"
        )
    revision[SUMS] = {}
    taken = sorted(set(further) & set(revision))
    if taken:
        raise ValueError(
            f"`revision` must not have the keys {listed(sorted(revision))}, "
            f"which are set by the export. Received: {listed(taken)}"
        )
    return _plain({**further, **revision}, "revision")


def with_sums(text: str, folder: pathlib.Path) -> str:
    """Adds the sums of an export's files to its description.

    Args:
        text: String, as `text` returned it.
        folder: `pathlib.Path` of the export.

    Returns:
        String, the same JSON object with `files`, a dict of relative path to
        sum.
    """
    revision = json.loads(text)
    revision[SUMS] = {
        path.relative_to(folder).as_posix(): files.sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return _plain(revision, "revision")


def check_sums(revision: dict, folder: pathlib.Path) -> None:
    """Checks the files of an export.

    Args:
        revision: Dict, the content of its `revision.json`. One of an earlier
            version has no sums, and nothing is checked.
        folder: `pathlib.Path` of the export.

    Raises:
        ValueError: If a file is missing or has changed.
    """
    sums = revision.get(SUMS) or {}
    if not isinstance(sums, dict):
        raise ValueError(
            f"Expected {SUMS!r} in {FILE} to be an object. Received: {sums!r}"
        )
    for name, expected in sums.items():
        path = folder / name
        received = files.sha256(path) if path.is_file() else "no file"
        if received != expected:
            raise ValueError(
                f"{str(path)!r} is lost or has changed. Expected sha256 "
                f"{str(expected)[:12]}... Received: {received[:12]}. Export "
                "it again."
            )


def card_text(card) -> str:
    """Reads a card and writes it as JSON.

    Args:
        card: Dict, or the path of a JSON file.

    Returns:
        String.

    Raises:
        ValueError: If it is anything else.
    """
    if not isinstance(card, dict):
        file = pathlib.Path(card)
        if not file.is_file():
            raise ValueError(
                "`card` must be a dict or the path of a JSON file. "
                f"Received: {str(file)!r}, which is not a file"
            )
        try:
            card = files.parse_json_object(file.read_bytes())
        except ValueError as error:
            raise ValueError(
                "`card` must be a dict or the path of a JSON file. "
                f"Received: {str(file)!r}, which is damaged: {error}"
            ) from error
    return _plain(card, "card")


def _task(task) -> dict:
    if task is None:
        return {}
    return {"kind": task.kind, "class_names": list(task.class_names)}


def _plain(content, name) -> str:
    try:
        return json.dumps(content, indent=2, sort_keys=True) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"`{name}` must contain plain data for JSON. Received: {error}"
        ) from error
