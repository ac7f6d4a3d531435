"""Weights over a pretrained trunk: what differs from the base, and its sum.

A light file holds the variables that training changed or added (heads, LoRA
adapters); all others are those of the base, which the trunk itself loads. The
base is identified by a sum of these variables, so that it does not matter
where its file came from.
"""

import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

from mtl_keras import files
from mtl_keras.messages import listed

ENDING = ".light.npz"


def save(model, base, path: str | Path) -> str:
    """Writes the variables in which a model differs from its base.

    Args:
        model: `MultiTaskModel` over a pretrained trunk.
        base: `MultiTaskModel`, the same model as it is built, with the
            pretrained trunk untouched.
        path: String or path that ends in `.light.npz`.

    Returns:
        String, the sha256 of the base: of all variables that are left out.

    Raises:
        ValueError: If the models differ in their variables, or no variable of
            the trunk is that of the base.
    """
    if not str(path).endswith(ENDING):
        raise ValueError(
            f"Light weights are in a file that ends in {ENDING!r}. "
            f"Received: {str(path)!r}"
        )
    values, original = variables(model), variables(base)
    if {k: v.shape for k, v in values.items()} != {
        k: v.shape for k, v in original.items()
    }:
        raise ValueError(
            "`base` must be the same model with an untouched trunk. Received: "
            f"{len(values)} and {len(original)} variables that differ"
        )
    trunk = _names_in_trunk(model)
    changed, unchanged = {}, {}
    for name, variable in values.items():
        value = keras.ops.convert_to_numpy(variable)
        is_base = name in trunk and np.array_equal(
            value, keras.ops.convert_to_numpy(original[name])
        )
        (unchanged if is_base else changed)[name] = value
    if not unchanged:
        raise ValueError(
            "No variable of the trunk is that of the base, so nothing is saved "
            "by leaving it out. Use zoo.save or model.save_weights."
        )
    content = io.BytesIO()
    np.savez_compressed(content, **changed)
    files.write_atomically(path, lambda file: file.write(content.getvalue()))
    return _sum(unchanged)


def load(model, path: str | Path, base: str, base_sha256: str, title: str):
    """Loads light weights into a model whose trunk is the base.

    Args:
        model: `MultiTaskModel`, built with its pretrained trunk.
        path: String or path of a file that `save` wrote.
        base: String, the name of the trunk, for errors.
        base_sha256: String, what `save` returned.
        title: String, how errors name the weights.

    Raises:
        ValueError: If the file is damaged or of another model, or the base
            is another one.
    """
    try:
        # NumPy leaves a damaged file open that it has opened itself.
        with (
            open(path, "rb") as content,
            np.load(content, allow_pickle=False) as archive,
        ):
            changed = {name: archive[name] for name in archive.files}
    except (
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{title} are damaged, or the file is not one of light weights: "
            f"{str(path)!r} ({error})"
        ) from error
    values = variables(model)
    wrong = [
        name
        for name, value in changed.items()
        if name not in values or tuple(values[name].shape) != value.shape
    ]
    trunk = _names_in_trunk(model)
    missing = [n for n in values if n not in changed and n not in trunk]
    if wrong or missing:
        raise ValueError(
            f"{title} do not fit this model: {listed((wrong + missing)[:3])} "
            f"of {len(wrong) + len(missing)} variables differ. Load them with "
            "the same tasks, classes and overrides as in training."
        )
    unchanged = {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in values.items()
        if name not in changed
    }
    received = _sum(unchanged)
    if received != base_sha256:
        raise ValueError(
            f"{title} are for another base. Expected the trunk {base!r} with "
            f"sha256 {base_sha256}. Received: a trunk with sha256 {received}"
        )
    for name, value in changed.items():
        values[name].assign(value)


def variables(model) -> dict:
    """Maps names that another build of the model has too to its variables.

    Args:
        model: `MultiTaskModel`.

    Returns:
        Dict, `"layer/variable"` or `"layer/number/variable"` to the variable.
    """
    named = {}
    for layer in model.layers:
        for number, variable in enumerate(layer.weights):
            # The number: a backbone has many variables of one name.
            named[f"{layer.name}/{number}/{variable.name}"] = variable
    return named


def _names_in_trunk(model) -> set[str]:
    """Names the variables of the backbone, without adapters."""
    backbones = {
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.Model) or hasattr(layer, "adapt")
    }
    return {
        name
        for name in variables(model)
        if name.split("/")[0] in backbones and "/lora_" not in name
    }


def _sum(values: dict) -> str:
    """Computes a sum of variables, whatever file they came from."""
    total = hashlib.sha256()
    # LoRA moves a kernel to another place among its layer's variables, so the
    # order is that of the contents.
    for digest in sorted(
        hashlib.sha256(
            f"{value.dtype} {value.shape}".encode()
            + np.ascontiguousarray(value).tobytes()
        ).digest()
        for value in values.values()
    ):
        total.update(digest)
    return total.hexdigest()
