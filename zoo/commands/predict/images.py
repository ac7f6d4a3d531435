"""Image files: found, given to a model, drawn with its outputs."""

from pathlib import Path

_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_BATCH_SIZE = 32


def find_images(names: list[str]) -> list[Path]:
    """Finds the image files that a command line names.

    Args:
        names: List of strings, each a file or a folder.

    Returns:
        List of `pathlib.Path`, those of a folder sorted by name.

    Raises:
        ValueError: If nothing is named, or a folder holds no image.
    """
    if not names:
        raise ValueError(
            "Expected image files or folders of them, or sentences, each in "
            "quotes. Received: none. For example: python -m tools.predict "
            "--model cls_det_box photo.png"
        )
    paths = []
    for name in names:
        path = Path(name)
        if not path.is_dir():
            paths.append(path)
            continue
        inside = sorted(
            file for file in path.iterdir() if file.suffix.lower() in _ENDINGS
        )
        if not inside:
            raise ValueError(
                f"The folder {name!r} holds no image: no file that ends in "
                f"{', '.join(_ENDINGS)}."
            )
        paths += inside
    # A file that is named twice is predicted once.
    return list(dict.fromkeys(paths))


def ask(model):
    """Makes the function from files' bytes to a model's outputs.

    Args:
        model: `MultiTaskModel` of the zoo that takes images.

    Returns:
        Function of a list of bytes that returns a dict of arrays: each task's
        output and what the postprocessor decodes.
    """
    import numpy as np
    import tensorflow as tf

    def outputs_of(files):
        prepared = [model.preprocessor(tf.constant(file)) for file in files]
        inputs, contexts = (
            {
                key: np.stack([np.asarray(each[key]) for each in part])
                for key in part[0]
            }
            for part in zip(*prepared, strict=True)
        )
        outputs = dict(model.predict(inputs, verbose=0))
        if model.postprocessor is not None:
            outputs.update(model.postprocessor(outputs, contexts))
        return {key: np.asarray(value) for key, value in outputs.items()}

    return outputs_of


def predict(ask, tasks: dict, paths: list[Path], output: Path) -> None:
    """Prints a line and draws a copy of each image.

    Args:
        ask: Function of a list of bytes that returns a dict of arrays.
        tasks: Dict of name to `Task`.
        paths: List of `pathlib.Path`, the image files.
        output: `pathlib.Path` of the folder for the drawn copies.

    Raises:
        ValueError: If files cannot be read, after all others are drawn.
    """
    errors = []
    for start in range(0, len(paths), _BATCH_SIZE):
        batch = paths[start : start + _BATCH_SIZE]
        errors += _predict(ask, tasks, batch, output)
    if len(errors) < len(paths):
        print(f"Drawn in {output}")
    if errors:
        raise ValueError("\n".join(map(str, errors)))


def _predict(ask, tasks, paths, output) -> list[ValueError]:
    """Draws a batch of images; returns the errors of unreadable files."""
    from mtl_keras import data, plots

    images, errors = {}, []
    for path in paths:
        try:
            images[path] = data.load_image(path)
        except ValueError as error:
            errors.append(error)
    if not images:
        return errors
    # The files' bytes, so that the outputs are those of the export.
    outputs = ask([path.read_bytes() for path in images])
    targets = set()
    for index, (path, image) in enumerate(images.items()):
        outputs_of_image = {key: value[index] for key, value in outputs.items()}
        print(f"{path}  {describe(outputs_of_image, tasks)}")
        target = output / f"{path.stem}.predicted.png"
        if target in targets:
            target = output / f"{path.name}.{index}.predicted.png"
        targets.add(target)
        plots.draw(image, tasks, outputs_of_image, target, enlarge=None)
    return errors


def describe(outputs: dict, tasks: dict) -> str:
    """Writes a model's outputs for one image as a line.

    Where the only presence task says no, the other outputs mean nothing and
    are left out.

    Args:
        outputs: Dict of arrays without a batch axis: the model's outputs, and
            what its postprocessor decodes.
        tasks: Dict of name to `Task`.

    Returns:
        String such as `det yes 0.99  cls 7 0.95  box 12 20 40 51`.
    """
    parts, gates = [], []
    for name, task in tasks.items():
        if task.kind == "presence":
            is_present = bool(outputs[f"{name}_present"])
            gates.append(is_present)
            probability = float(outputs[name].reshape(-1)[0])
            text = f"{name} {'yes' if is_present else 'no'} {probability:.2f}"
            parts.insert(len(gates) - 1, text)
        elif task.kind == "classification":
            # TensorFlow's strings are bytes.
            label = outputs[f"{name}_name"].decode()
            parts.append(f"{name} {label} {outputs[f'{name}_score']:.2f}")
        elif task.kind == "box":
            numbers = " ".join(f"{x:.0f}" for x in outputs[f"{name}_pixels"])
            parts.append(f"{name} {numbers}")
    if gates == [False]:
        parts = parts[:1]
    return "  ".join(parts)
