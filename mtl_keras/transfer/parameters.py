"""Copies the weights that fit from one model into another."""

import dataclasses

import keras

from mtl_keras import compat
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.transfer import layer_names


@dataclasses.dataclass(frozen=True)
class TransferReport:
    """What was copied into a model, and what was not and why.

    Attributes:
        source: String, the name of the model that the weights are from.
        taken: Tuple of strings, the layers that were copied, by their path in
            the target.
        new: Dict of string to string, each layer of the target that was not,
            and the reason.
        unused: Tuple of strings, the layers of the source that the target
            took nothing from.
        num_taken: Integer, how many numbers were copied.
        num_total: Integer, how many the target has.
    """

    source: str
    taken: tuple[str, ...]
    new: dict[str, str]
    unused: tuple[str, ...]
    num_taken: int
    num_total: int

    def __str__(self) -> str:
        lines = [
            f"From {self.source}: {self.num_taken:,} of {self.num_total:,} "
            f"numbers, {len(self.taken)} of {len(self.taken) + len(self.new)} "
            "layers",
        ]
        width = max(map(len, (*self.taken, *self.new)), default=0)
        lines += [f"  {path.ljust(width)}  taken" for path in self.taken]
        lines += [
            f"  {path.ljust(width)}  new: {reason}"
            for path, reason in self.new.items()
        ]
        if self.unused:
            lines.append(f"  not used: {', '.join(self.unused)}")
        return "\n".join(lines)


def parameters(source, target, *, tasks=None, rename=None) -> TransferReport:
    """Copies the weights of all layers that fit from one model to another.

    ```python
    report = mtl_keras.transfer.parameters(pretrained, model)
    print(report)
    ```

    A layer is copied whole, statistics such as those of batch normalization
    included, if the source has a layer of the same path whose variables have
    the same shapes. Of layers with automatic names, such as `dense_3`, those
    at the same place among the layers of their class in the trunk, or in the
    head of the same task, count as the same. A head whose task has other
    class names in the source is new, even if its shape fits.

    Compile the target afterwards, so that no optimizer holds state of the
    weights before. To train what was copied at a lower learning rate, see
    `fine_tune` and `optimizers.PerPart`.

    Args:
        source: `keras.Model`, whose weights are read.
        target: `keras.Model`, whose weights change.
        tasks: Sequence of strings, tasks whose heads must be copied too, or
            an error is raised. Defaults to `None`: those that fit are.
        rename: Dict of string to string, the path of a layer of the target to
            that of the layer of the source it shall be copied from, such as
            `{"encoder/dense_1": "trunk/dense"}`. Defaults to `None`.

    Returns:
        `TransferReport`.

    Raises:
        ValueError: If one is not a built Keras model, both are the same, a
            name in `rename` or `tasks` is unknown, a head in `tasks` does not
            fit, or no layer fits at all.
    """
    for argument, model in (("source", source), ("target", target)):
        _check(argument, model)
    if source is target:
        raise ValueError(
            "`parameters` copies from one model to another. Received: the "
            f"same model {source.name!r} as source and target"
        )
    old, new = layer_names.by_key(source), layer_names.by_key(target)
    origins = _origins(old, new, rename or {})
    owners = layer_names.owners_of(target)
    reasons = {
        key: _reason(old.get(origins[key]), named.layer)
        or _other_classes(named.layer, owners, source, target)
        for key, named in new.items()
    }
    _check_tasks(tasks, target, new, reasons, owners)
    fitting = [key for key, reason in reasons.items() if reason is None]
    if not fitting:
        raise ValueError(_nothing_fits(source, target, old, new, reasons))
    for key in fitting:
        _assign(old[origins[key]].layer, new[key].layer)
    used = {origins[key] for key in fitting}
    return TransferReport(
        source=source.name,
        taken=tuple(new[key].path for key in fitting),
        new={
            new[key].path: reason
            for key, reason in reasons.items()
            if reason is not None
        },
        unused=tuple(each.path for k, each in old.items() if k not in used),
        num_taken=sum(new[key].layer.count_params() for key in fitting),
        num_total=sum(each.layer.count_params() for each in new.values()),
    )


def _check(argument, model):
    if not isinstance(model, keras.Model):
        hint = " Load it first." if isinstance(model, str) else ""
        raise ValueError(
            f"`{argument}` must be a Keras model.{hint} "
            f"Received: {argument}={model!r}"
        )
    if not model.built:
        raise ValueError(
            f"`{argument}` has no weights yet. Expected a built model; call "
            f"it once. Received: {argument}={model.name!r}"
        )


def _origins(old, new, rename) -> dict:
    """Returns, for each key of the target, the key of the source."""
    if not isinstance(rename, dict):
        raise ValueError(
            "`rename` must be a dict of a target's layer to a source's. "
            f"Received: rename={rename!r}"
        )
    origins = {key: key for key in new}
    for side, names, keys in (
        ("target", rename.keys(), new),
        ("source", rename.values(), old),
    ):
        known = [named.path for named in keys.values()]
        for name in names:
            if name not in known:
                raise ValueError(
                    f"`rename` names the layer {name!r}, which the {side} "
                    f"does not have. Expected one of {listed(known[:8])}."
                    f"{did_you_mean(name, known)} Received: rename={rename}"
                )
    of_source = {named.path: key for key, named in old.items()}
    of_target = {named.path: key for key, named in new.items()}
    origins.update((of_target[t], of_source[s]) for t, s in rename.items())
    return origins


def _reason(origin, layer) -> str | None:
    """Says why a layer does not fit, `None` if it does."""
    if origin is None:
        return "the source has no layer of this name"
    theirs, ours = origin.layer.weights, layer.weights
    shapes = [[tuple(v.shape) for v in group] for group in (theirs, ours)]
    if shapes[0] != shapes[1]:
        return (
            f"shapes {_shapes(shapes[1])}, the source has {_shapes(shapes[0])}"
        )
    for one, other in zip(theirs, ours, strict=True):
        if _kind(one.dtype) != _kind(other.dtype):
            return f"dtype {other.dtype}, the source has {one.dtype}"
    return None


def _kind(dtype) -> str:
    name = keras.backend.standardize_dtype(dtype)
    # Floating point weights of any precision are cast.
    return "float" if "float" in name and "float8" not in name else name


def _shapes(shapes) -> str:
    return " ".join("x".join(map(str, s)) or "scalar" for s in shapes)


def _other_classes(layer, owners, source, target) -> str | None:
    task = layer_names.owner_of(layer, owners)
    theirs = getattr(source, "tasks", None) or {}
    ours = getattr(target, "tasks", None) or {}
    if task not in theirs or task not in ours:
        return None
    for field in ("class_names", "names"):
        old, new = getattr(theirs[task], field), getattr(ours[task], field)
        if old and new and old != new:
            return f"the task {task!r} has other classes in the source"
    return None


def _check_tasks(tasks, target, new, reasons, owners):
    if tasks is None:
        return
    known = sorted(getattr(target, "tasks", None) or {})
    if not isinstance(tasks, list | tuple):
        raise ValueError(
            "`tasks` must be a sequence of task names. "
            f"Received: tasks={tasks!r}"
        )
    for task in tasks:
        if task not in known:
            raise ValueError(
                f"Unknown task {task!r}. Expected some of {listed(known)}."
                f"{did_you_mean(task, known)} Received: tasks={list(tasks)}"
            )
        for key, named in new.items():
            is_own = layer_names.owner_of(named.layer, owners) == task
            if is_own and reasons[key] is not None:
                raise ValueError(
                    f"The head of task {task!r} cannot be copied: layer "
                    f"{named.path!r}: {reasons[key]}. Leave it "
                    f"out of `tasks` to train a new head. Received: "
                    f"tasks={list(tasks)}"
                )


def _nothing_fits(source, target, old, new, reasons) -> str:
    example = ""
    for key in list(new)[:1]:
        example = f", {new[key].path!r} for instance: {reasons[key]}"
    theirs, ours = (
        listed([named.path for named in list(layers.values())[:3]])
        for layers in (old, new)
    )
    return (
        f"No layer of {target.name!r} fits one of {source.name!r}{example}. "
        "Expected layers of the same names and shapes, or `rename`. "
        f"Received: a source with {theirs}, a target with {ours}"
    )


def _assign(source, target):
    for variable, receiver in zip(source.weights, target.weights, strict=True):
        receiver.assign(variable)
    # On JAX both hold one array now, which a step of either would consume.
    compat.own_buffers(target.weights)
    if hasattr(target, "finalize_state"):
        target.finalize_state()
