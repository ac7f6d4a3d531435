"""Exports a model as a TensorFlow SavedModel: one signature a task.

What is written needs TensorFlow only: neither this package nor Keras.
"""

import json
import os
import pathlib
import shutil
import tempfile

from mtl_keras.suggest import listed

_DEFAULT = "serving_default"
_DENSE = "_dense"
_SERVING_DENSE = "serving_dense"
# Attributes of the object that TensorFlow saves; an endpoint is one as well.
_RESERVED = (
    "non_trainable_variables",
    "signatures",
    "trainable_variables",
    "variables",
)
_CARD = ("assets.extra", "card.json")


def saved_model(
    model,
    path,
    preprocessor=None,
    postprocessor=None,
    card=None,
    *,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model for serving.

    The signature `serving_default` answers all tasks, and a signature named
    after a task answers that one and computes no other head. With a
    preprocessor they read raw inputs (for `ImagePreprocessor` the bytes of
    image files, argument `image`), and `serving_dense` and `<task>_dense` read
    the model's own inputs; without one there are only the first, which read
    the model's own inputs. Any batch size fits.

    Outputs are the model's, by task name, and what the postprocessor adds.
    The variables are stored once.

    Args:
        model: Functional `keras.Model`, such as a `MultiTaskModel`, whose
            outputs are one flat dict of task name to tensor.
        path: String or `pathlib.Path` of the folder to make. TensorFlow
            Serving expects a number as its last part. It appears at once and
            whole, or not at all.
        preprocessor: Function of a dict of raw inputs that returns
            `(inputs, context)` and has a method `input_signature()`, such as
            `data.ImagePreprocessor`. Defaults to `None`.
        postprocessor: Function of `(outputs, context)` that returns a dict of
            further outputs, such as `data.AnswerDecoder`; `context` is `None`
            for dense inputs. Defaults to `None`.
        card: Dict, or the path of a JSON file, written to
            `assets.extra/card.json`. Defaults to `None`.
        overwrite: Boolean. Whether an earlier export at `path` is replaced.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        ValueError: If the backend is not TensorFlow, the model is not built
            or has no flat dict of outputs, the names of two signatures are
            the same, the path is taken, or the card is no JSON.
    """
    path = pathlib.Path(path)
    _check_backend()
    outputs = _outputs(model)
    _check_names(outputs, with_raw=preprocessor is not None)
    _check_processors(preprocessor, postprocessor)
    _check_path(path, overwrite)
    card = None if card is None else _card_text(card)
    archive = _archive(model, outputs, preprocessor, postprocessor)

    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside `path`, so that a rename moves it; a name that no server reads.
    folder = tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent)
    whole, earlier = pathlib.Path(folder, "new"), pathlib.Path(folder, "old")
    try:
        archive.write_out(str(whole), verbose=False)
        if card is not None:
            whole.joinpath(_CARD[0]).mkdir(exist_ok=True)
            whole.joinpath(*_CARD).write_text(card, encoding="utf-8")
        if path.exists():
            os.rename(path, earlier)
        os.rename(whole, path)
    finally:
        if earlier.exists() and not path.exists():
            os.rename(earlier, path)
        shutil.rmtree(folder)
    return path


def _archive(model, outputs, preprocessor, postprocessor):
    """Makes an archive with one endpoint a signature."""
    import keras

    archive = keras.export.ExportArchive()
    for resource in _resources(model, preprocessor, postprocessor):
        archive.track(resource)
    parts = {_DEFAULT: outputs}
    parts |= {name: {name: tensor} for name, tensor in outputs.items()}
    for name, answers in parts.items():
        # A model of its own, or the other heads stay in the graph. It is cut
        # at the model's inputs, so Keras copies no node (KERAS_NOTES).
        part = keras.Model(model.inputs, answers)
        dense = _dense_endpoint(part, postprocessor)
        signature = [_dense_signature(part)]
        if preprocessor is None:
            archive.add_endpoint(name, dense, signature)
            continue
        raw = _raw_endpoint(part, preprocessor, postprocessor)
        archive.add_endpoint(name, raw, [dict(preprocessor.input_signature())])
        archive.add_endpoint(_dense_name(name), dense, signature)
    return archive


def _resources(model, *processors):
    """Finds what may hold lookup tables, which an archive has to be told.

    It finds the variables itself; `track` on a layer that has some would
    store these a second time (Keras 3.15).
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


def _dense_name(name):
    return _SERVING_DENSE if name == _DEFAULT else name + _DENSE


def _dense_signature(model):
    import tensorflow as tf

    return {
        tensor.name: tf.TensorSpec(
            (None, *tensor.shape[1:]), tensor.dtype, name=tensor.name
        )
        for tensor in model.inputs
    }


def _dense_endpoint(model, postprocessor):
    def answer(inputs):
        return _answers(model, inputs, postprocessor, None)

    return answer


def _raw_endpoint(model, preprocessor, postprocessor):
    def answer(raw):
        inputs, context = preprocessor(raw)
        return _answers(model, inputs, postprocessor, context)

    return answer


def _answers(model, inputs, postprocessor, context):
    """Computes a part's outputs, by task name, and the further ones."""
    names = [tensor.name for tensor in model.inputs]
    if not isinstance(inputs, dict):
        inputs = {names[0]: inputs} if len(names) == 1 else {}
    if len(names) == len(inputs) == 1:
        # One picture for one input: their names need not agree.
        features = list(inputs.values())
    elif set(names) <= set(inputs):
        features = [inputs[name] for name in names]
    else:
        raise ValueError(
            f"The preprocessor must give the model's inputs {listed(names)}. "
            f"Received: inputs named {listed(inputs)}"
        )
    outputs = dict(model(features, training=False))
    if postprocessor is None:
        return outputs
    further = postprocessor(outputs, context)
    clash = sorted(set(further) & set(outputs))
    if clash:
        raise ValueError(
            "The postprocessor must not give outputs of the model's names. "
            f"Received: {listed(clash)} from both. Rename the task."
        )
    return {**outputs, **further}


def _outputs(model) -> dict:
    """Returns a model's outputs as a dict of task name to symbolic tensor."""
    import keras

    if not isinstance(model, keras.Model):
        raise ValueError(
            "`model` must be a keras.Model, such as a MultiTaskModel. "
            f"Received: model={model!r} of type {type(model).__name__}"
        )
    tensors = getattr(model, "outputs", None)
    if not tensors:
        raise ValueError(
            "`model` must be a functional model, built from inputs to a dict "
            "of outputs. "
            f"Received: {model.name!r} of type {type(model).__name__}, which "
            "has no symbolic outputs. Write MultiTaskModel(inputs, {task: "
            "tensor})."
        )
    structure = model.compute_output_spec(model.inputs)
    if not isinstance(structure, dict) or not all(
        isinstance(part, keras.KerasTensor) for part in structure.values()
    ):
        raise ValueError(
            "The outputs of `model` must be one flat dict of task name to "
            "tensor. "
            f"Received: {keras.tree.map_structure(_brief, structure)}. "
            "Write MultiTaskModel(inputs, {task: tensor})."
        )
    return dict(keras.tree.pack_sequence_as(structure, tensors))


def _brief(tensor):
    return f"tensor of shape {tensor.shape}"


def _check_backend():
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            "A SavedModel is exported with the TensorFlow backend. "
            f"Received: the backend {backend!r}. Save the model as .keras, and "
            "load and export it where KERAS_BACKEND=tensorflow."
        )


def _check_names(tasks, with_raw):
    signatures = {task: {task} for task in [_DEFAULT, *tasks]}
    own = f"{_DEFAULT!r}"
    if with_raw:
        own += f", {_SERVING_DENSE!r} and '<task>{_DENSE}'"
        for task, names in signatures.items():
            names.add(_dense_name(task))
    for task in tasks:
        others = set(_RESERVED).union(
            *(names for other, names in signatures.items() if other != task)
        )
        if task == _DEFAULT or task[0] == "_" or signatures[task] & others:
            raise ValueError(
                f"Each task gives its name to a signature, beside {own}; "
                f"{listed(_RESERVED)} and names that begin with '_' are "
                f"TensorFlow's own. Received: the task {task!r} among "
                f"{listed(tasks)}. Rename it."
            )


def _check_processors(preprocessor, postprocessor):
    if preprocessor is not None and not (
        callable(preprocessor) and hasattr(preprocessor, "input_signature")
    ):
        raise ValueError(
            "`preprocessor` must be callable and have a method "
            "`input_signature()` that returns {name: tf.TensorSpec}. "
            f"Received: preprocessor={preprocessor!r}"
        )
    if postprocessor is not None and not callable(postprocessor):
        raise ValueError(
            "`postprocessor` must be a function of (outputs, context). "
            f"Received: postprocessor={postprocessor!r}"
        )


def _check_path(path, overwrite):
    if not path.exists():
        return
    if not path.is_dir():
        raise ValueError(
            f"`path` must be a folder to make. Received: {str(path)!r}, which "
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


def _card_text(card) -> str:
    if not isinstance(card, dict):
        file = pathlib.Path(card)
        if not file.is_file():
            raise ValueError(
                "`card` must be a dict or the path of a JSON file. "
                f"Received: {str(file)!r}, which is no file"
            )
        try:
            card = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                "`card` must be a dict or the path of a JSON file. "
                f"Received: {str(file)!r}, which is no JSON: {error}"
            ) from error
    try:
        return json.dumps(card, indent=2, sort_keys=True) + "\n"
    except TypeError as error:
        raise ValueError(
            f"`card` must hold plain data that JSON knows. Received: {error}"
        ) from error
