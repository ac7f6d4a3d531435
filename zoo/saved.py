"""A model in one folder: what `zoo.save` writes and `zoo.load` reads."""

import hashlib
import json
import os
from pathlib import Path

from mtl_keras import files
from mtl_keras.messages import listed
from zoo import registry
from zoo.card import Card
from zoo.entry import Spec
from zoo.weights import Weights

DESCRIPTION = "model.json"
WEIGHTS = "model.weights.h5"
_LIGHT = "model.light.npz"
_ASSETS = "assets.json"
CARD = "card.json"
_FORMAT = 1
_FIELDS = (
    "model",
    "data",
    "tasks",
    "classes",
    "overrides",
    "weights",
    "files",
)


def is_saved(name: str | Path) -> bool:
    """Tells the path of a saved folder from a model's name.

    Args:
        name: String or path: the argument `name` of `zoo.load`.

    Returns:
        Bool. A name of the zoo wins over a folder of the same name.
    """
    if isinstance(name, Path):
        return True
    if name in registry.list_models():
        return False
    return os.sep in name or Path(name).is_dir()


def save(model, folder: str | Path, *, light: bool = False) -> Path:
    """Writes a model of the zoo to a folder that `zoo.load` reads.

    The folder holds `model.json` (entry, data, tasks, classes, overrides and
    the sums of the other files), `assets.json` (what the preprocessor knows of
    the training examples, such as its vocabulary), `model.weights.h5` and
    `card.json`. It needs no file beside it, but a pretrained trunk must be
    installed where it is loaded.

    Args:
        model: `MultiTaskModel`, made by `zoo.load`.
        folder: String or path; made if needed. A model that was saved there
            is replaced.
        light: Boolean, whether only the difference to the pretrained trunk is
            saved: heads, adapters and whatever else was trained. Defaults to
            `False`.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        ValueError: If the model was not made by `zoo.load`, or has an override
            that is not JSON, such as a trunk of your own; or if it is to be
            light and no part of its trunk is that of the base.
    """
    folder = Path(folder)
    _origin(model)
    folder.mkdir(parents=True, exist_ok=True)
    # Without the description the folder is no saved model: no kill leaves a
    # description of other weights.
    (folder / DESCRIPTION).unlink(missing_ok=True)
    if light:
        facts = save_light(model, folder / _LIGHT)
        (folder / WEIGHTS).unlink(missing_ok=True)
        _describe(model, folder, _LIGHT, facts)
        return folder
    partial = folder / f".partial.{WEIGHTS}"
    model.save_weights(partial)
    partial.replace(folder / WEIGHTS)
    describe(model, folder)
    return folder


def save_light(model, path: str | Path) -> dict:
    """Writes what a model differs in from its pretrained trunk to a file.

    Args:
        model: `MultiTaskModel`, made by `zoo.load` over a pretrained trunk.
        path: String or path that ends in `.light.npz`.

    Returns:
        Dict with `"base"`, the trunk's name, and `"base_sha256"`.

    Raises:
        ValueError: As for `save`.
    """
    from zoo import building, light_weights

    name, spec, overrides = _origin(model)
    base = building.build_model(registry.find(name).entry, spec, overrides)
    total = light_weights.save(model, base, path)
    return {"base": overrides.get("trunk"), "base_sha256": total}


def describe(model, folder: str | Path) -> None:
    """Writes all of a saved folder but the weights, which are there already.

    Args:
        model: `MultiTaskModel`, made by `zoo.load`.
        folder: String or path of the folder with `model.weights.h5`.

    Raises:
        ValueError: As for `save`.
    """
    _describe(model, Path(folder), WEIGHTS, {})


def _describe(model, folder, weights_file, facts) -> None:
    name, spec, overrides = _origin(model)
    assets = dict(spec.assets)
    decisions = getattr(model.postprocessor, "decisions", None)
    if decisions:
        assets["decisions"] = decisions
    files.write_text(folder / _ASSETS, _as_text(assets))
    files.write_text(folder / CARD, _as_text(_card(model, name, spec)))
    content = {
        "format": _FORMAT,
        "model": name,
        "data": spec.data,
        "tasks": list(spec.tasks),
        "inner": list(spec.inner),
        "classes": {task: list(names) for task, names in spec.classes.items()},
        "overrides": overrides,
        **({"reading": dict(spec.reading)} if spec.reading else {}),
        "weights": weights_file,
        **facts,
        "files": {
            file: files.sha256(folder / file)
            for file in (weights_file, _ASSETS, CARD)
        },
    }
    content["sha256"] = _sum(content)
    files.write_text(folder / DESCRIPTION, _as_text(content))


def _origin(model) -> tuple:
    origin = getattr(model, "origin", None)
    if origin is None:
        raise ValueError(
            "Expected a model that zoo.load made. Received: "
            f"{type(model).__name__} {model.name!r}. Use model.save('x.keras')."
        )
    name, _, overrides = origin
    for key, value in overrides.items():
        try:
            json.dumps(value)
        except TypeError as error:
            raise ValueError(
                f"The override {key!r} cannot be written as JSON, so the model "
                f"of {name!r} cannot be built again. Received: {value!r}. Use "
                "model.save('x.keras')."
            ) from error
    return origin


def decisions(folder: str | Path) -> dict:
    """Reads the temperatures and thresholds of a saved folder.

    Args:
        folder: String or path.

    Returns:
        Dict, as of `mtl_keras.calibration.choose`; empty without any.
    """
    path = Path(folder) / _ASSETS
    if not path.is_file():
        return {}
    return files.read_json_object(path).get("decisions", {})


def read(folder: str | Path) -> Weights:
    """Reads a saved folder; its weights are checked when they are loaded.

    Args:
        folder: String or path.

    Returns:
        `Weights` with the `model` and the `spec` they are of.

    Raises:
        ValueError: If a part is missing or damaged.
    """
    folder = Path(folder)
    content = _description(folder)
    for name, expected in content["files"].items():
        path = folder / name
        if not path.is_file():
            raise ValueError(
                f"The saved model {str(folder)!r} lacks {name!r}. Expected a "
                f"file with sha256 {expected}. Received: no file. Save the "
                "model again."
            )
        received = files.sha256(path)
        if received != expected:
            raise ValueError(
                f"{name!r} of the saved model {str(folder)!r} is damaged. "
                f"Expected sha256 {expected}. Received: sha256 {received}, "
                f"{path.stat().st_size} bytes. Save the model again."
            )
    assets = json.loads((folder / _ASSETS).read_text(encoding="utf-8"))
    spec = Spec(
        content["data"],
        tuple(content["tasks"]),
        {task: tuple(names) for task, names in content["classes"].items()},
        assets,
        tuple(content.get("inner", ())),
        content.get("reading", {}),
    )
    return Weights(
        folder / content["weights"],
        data=spec.data,
        overrides=content["overrides"],
        sha256=content["files"][content["weights"]],
        model=content["model"],
        spec=spec,
        base=content.get("base"),
        base_sha256=content.get("base_sha256"),
    )


def _description(folder) -> dict:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise ValueError(
            f"{str(folder)!r} is not the folder of a saved model: there is no "
            f"{DESCRIPTION}. Expected a folder that zoo.save wrote, or one of "
            f"{listed(registry.list_models())}. Received: {str(folder)!r}"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{str(path)!r} is damaged: {error}. Save the model again."
        ) from error
    if not isinstance(content, dict) or any(f not in content for f in _FIELDS):
        raise ValueError(
            f"{str(path)!r} must be a JSON object with {listed(_FIELDS)}. "
            "Save the model again."
        )
    if content.get("format") != _FORMAT:
        raise ValueError(
            f"{str(path)!r} has the format {content.get('format')!r}. Expected "
            f"{_FORMAT}. Install the version of mtl_keras that wrote it."
        )
    expected = content.get("sha256")
    received = _sum({k: v for k, v in content.items() if k != "sha256"})
    if received != expected:
        raise ValueError(
            f"{str(path)!r} is damaged. Expected a content with sha256 "
            f"{expected}. Received: sha256 {received}. Save the model again."
        )
    return content


def _card(model, name, spec) -> dict:
    card = dict(registry.info(name))
    known = card["data"].get(spec.data, {})
    kept = ("summary", "module", "inputs")
    content = {
        "name": name,
        **{key: card[key] for key in kept if key in card},
        "tasks": {
            task.name: {
                "kind": task.kind,
                **(
                    {"class_names": list(task.class_names)}
                    if task.class_names
                    else {}
                ),
            }
            for task in model.tasks.values()
        },
        "data": {spec.data: known},
        "num_parameters": model.count_params(),
    }
    return dict(Card(content))


def _as_text(content) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _sum(content: dict) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
