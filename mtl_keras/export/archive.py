"""Exports a model as a TensorFlow SavedModel with one signature per task.

The export needs only TensorFlow, neither this package nor Keras.
"""

import os
import pathlib
import re
import shutil

from mtl_keras import files, finite
from mtl_keras.export import revision as facts
from mtl_keras.export import signatures, task_outputs, warmup

_EXTRA = "assets.extra"


def saved_model(
    model,
    path,
    preprocessor=None,
    postprocessor=None,
    card=None,
    *,
    revision: dict | None = None,
    examples: dict | None = None,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model for serving.

    The signature `serving_default` returns the outputs of all tasks; one named
    after a task returns that task's and computes no other head. With a
    preprocessor these read raw inputs (for `ImagePreprocessor` the bytes of
    image files, argument `image`), and `serving_dense` and `<task>_dense` read
    the model's own inputs. Without a preprocessor there are only the first
    ones, which read the model's own inputs. Any batch size works.

    Outputs are the model's, by task name, and those of the postprocessor. The
    variables are stored once.

    The folder `assets.extra` contains `revision.json` (this package's version,
    the tasks, the files' sha256, and the contents of `revision`), the card, and
    the warm-up requests that TensorFlow Serving runs before it accepts others.

    Args:
        model: Functional `keras.Model`, such as a `MultiTaskModel`, whose
            outputs are one flat dict of task name to tensor.
        path: String or `pathlib.Path` of the folder to create. TensorFlow
            Serving expects a number as its last part, as returned by
            `next_version(folder)`. It is renamed into place when complete.
        preprocessor: Function of a dict of raw inputs that returns
            `(inputs, context)` and has a method `input_signature()`, such as
            `data.ImagePreprocessor`. Defaults to `None`.
        postprocessor: Function of `(outputs, context)` that returns a dict of
            further outputs, such as `data.AnswerDecoder`; `context` is `None`
            for dense inputs. Defaults to `None`.
        card: Dict, or the path of a JSON file, written to
            `assets.extra/card.json`. Defaults to `None`.
        revision: Dict of plain data about the weights, such as their `sha256`
            and `data`. Defaults to `None`.
        examples: Dict of raw input name to a batch, such as
            `{"text": ["play some jazz"]}`, for one warm-up request per
            signature; without a preprocessor, a batch of the model's own
            inputs. Needs the extra `serving`. Defaults to `None`.
        overwrite: Boolean. Whether an earlier export at `path` is replaced.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        ValueError: If the backend is not TensorFlow, the model is not built,
            its weights hold NaN or infinity, or its outputs are not a flat
            dict; if two signatures have the same name, the path exists or is
            being written by another process, the card or revision is not
            JSON, or the examples do not fit or their package is missing.
    """
    path = pathlib.Path(path)
    task_outputs.check_backend("A SavedModel")
    outputs = task_outputs.task_outputs(model)
    finite.check_model(model, "An export")
    task_outputs.check_input_names(model)
    all_signatures = signatures.signatures(
        model,
        outputs,
        _checked_preprocessor(preprocessor),
        _checked_postprocessor(postprocessor),
    )
    _check_path(path, overwrite)
    extra = {facts.FILE: facts.text(model, outputs, preprocessor, revision)}
    if card is not None:
        extra[facts.CARD_FILE] = facts.card_text(card)
    requests = None
    if examples is not None:
        name = path.resolve().parent.name
        requests = warmup.requests(all_signatures, examples, preprocessor, name)
    archive = _archive(model, all_signatures, preprocessor, postprocessor)

    path.parent.mkdir(parents=True, exist_ok=True)
    with files.lock(path.with_name(f".{path.name}.lock"), f"{str(path)!r}"):
        _recover(path)
        # It may have been written since the first check.
        _check_path(path, overwrite)
        _write(path, archive, extra, requests)
    return path


def _write(path, archive, extra, requests):
    # On the same file system as `path`, under a name that servers ignore.
    folder = path.with_name(f".{path.name}.partial")
    new, earlier = folder / "new", folder / "old"
    folder.mkdir()
    try:
        archive.write_out(str(new), verbose=False)
        extra[facts.FILE] = facts.with_sums(extra[facts.FILE], new)
        extra_folder = new / _EXTRA
        extra_folder.mkdir(exist_ok=True)
        for name, text in extra.items():
            extra_folder.joinpath(name).write_text(text, encoding="utf-8")
        if requests is not None:
            warmup.write(extra_folder / warmup.FILE, requests)
        if path.exists():
            os.rename(path, earlier)
        os.rename(new, path)
    finally:
        if earlier.exists() and not path.exists():
            os.rename(earlier, path)
        shutil.rmtree(folder)


def _recover(path):
    """Undoes what a killed export has left; no other one is at work."""
    # Earlier versions ended the name with eight random characters.
    name = re.compile(rf"\.{re.escape(path.name)}\.(partial|[a-z0-9_]{{8}})")
    for folder in list(path.parent.iterdir()):
        if not name.fullmatch(folder.name) or not folder.is_dir():
            continue
        if not {child.name for child in folder.iterdir()} <= {"new", "old"}:
            continue
        earlier = folder / "old"
        if earlier.exists() and not path.exists():
            os.rename(earlier, path)
        shutil.rmtree(folder)


def _archive(model, all_signatures, preprocessor, postprocessor):
    """Returns an archive with one endpoint per signature."""
    import keras

    archive = keras.export.ExportArchive()
    for resource in _resources(model, preprocessor, postprocessor):
        archive.track(resource)
    for signature in all_signatures:
        archive.add_endpoint(
            signature.name, signature.function, [signature.inputs]
        )
    return archive


def _resources(model, *processors):
    """Yields objects that may hold lookup tables, which an archive must track.

    The archive finds variables by itself; `track` on a layer with variables
    would store these a second time (Keras 3.15).
    """
    import keras
    import tensorflow as tf

    layers = list(model.layers)
    while layers:
        layer = layers.pop()
        layers += getattr(layer, "layers", [])
        if not layer.variables:
            yield layer
    for processor in processors:
        if isinstance(processor, (keras.layers.Layer, tf.Module)):
            yield processor


def _checked_preprocessor(preprocessor):
    if preprocessor is not None and not (
        callable(preprocessor) and hasattr(preprocessor, "input_signature")
    ):
        raise ValueError(
            "`preprocessor` must be callable and have a method "
            "`input_signature()` that returns {name: tf.TensorSpec}. "
            f"Received: preprocessor={preprocessor!r}"
        )
    return preprocessor


def _checked_postprocessor(postprocessor):
    if postprocessor is not None and not callable(postprocessor):
        raise ValueError(
            "`postprocessor` must be a function of (outputs, context). "
            f"Received: postprocessor={postprocessor!r}"
        )
    return postprocessor


def _check_path(path, overwrite):
    if not path.exists():
        return
    if not path.is_dir():
        raise ValueError(
            f"`path` must be a new folder. Received: {str(path)!r}, which "
            "is a file. Choose another path."
        )
    if not any(path.iterdir()):
        return
    if not overwrite:
        raise ValueError(
            f"`path` must not exist yet. Received: {str(path)!r}, which is "
            "not empty. Choose another path, or pass overwrite=True to "
            "replace an earlier export."
        )
    if not path.joinpath("saved_model.pb").is_file():
        raise ValueError(
            "overwrite=True replaces an earlier export only. "
            f"Received: {str(path)!r}, which holds no 'saved_model.pb'. Choose "
            "another path."
        )
