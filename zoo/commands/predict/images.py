"""Image files: found, given to a model, drawn with its outputs."""

from pathlib import Path

from zoo.commands.predict import operands

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_BATCH_SIZE = 32
# The longest side of a drawn copy. Drawing 8,000 x 8,000 pixels took 60 s and
# 8.7 GB, and nobody can look at them.
_DRAWN_SIDE = 2048


def find_images(names: list[str]) -> list[Path]:
    """Finds the image files that a command line names; see `operands.find`."""
    return operands.find(names, ENDINGS, "image")


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

    Depths and normals are drawn in files of their own, `NAME.TASK.png`.

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

    images, sizes, scales, errors = {}, {}, {}, []
    for path in paths:
        try:
            # A batch of large images would not fit into memory.
            image = data.load_image(path)
            sizes[path] = image.shape[:2]
            images[path], scales[path] = reduced(image)
        except ValueError as error:
            errors.append(error)
    if not images:
        return errors
    # The files' bytes, so that the outputs are those of the export.
    outputs = ask([path.read_bytes() for path in images])
    targets = set()
    for index, (path, image) in enumerate(images.items()):
        outputs_of_image = {key: value[index] for key, value in outputs.items()}
        _cut_masks(outputs_of_image, tasks, sizes[path])
        print(f"{path}  {describe(outputs_of_image, tasks)}")
        target = output / f"{path.stem}.predicted.png"
        if target in targets:
            target = output / f"{path.name}.{index}.predicted.png"
        targets.add(target)
        drawn = dict(outputs_of_image)
        for name in tasks:
            if f"{name}_pixels" in drawn:
                drawn[f"{name}_pixels"] = drawn[f"{name}_pixels"] * scales[path]
            if f"{name}_classes" in drawn:
                classes = _sampled(drawn[f"{name}_classes"], image.shape)
                image = plots.tinted(image, classes)
        plots.draw(image, tasks, drawn, target, enlarge=None)
        for name, colours in _coloured(outputs_of_image, tasks, image.shape):
            file = target.name.replace(".predicted.png", f".{name}.png")
            plots.draw(colours, [], {}, output / file, enlarge=None)
    return errors


def _cut_masks(outputs, tasks, size) -> None:
    """Leaves of each map the image's pixels; a batch has the largest size."""
    height, width = size
    for name in tasks:
        for ending in ("classes", "distances", "directions"):
            key = f"{name}_{ending}"
            if key in outputs:
                outputs[key] = outputs[key][:height, :width]


def _coloured(outputs, tasks, shape):
    """Yields the names of tasks with numbers of each pixel, as colours."""
    from mtl_keras import plots

    for name in tasks:
        for ending, colours in (
            ("distances", plots.depth_colours),
            ("directions", plots.normal_colours),
        ):
            key = f"{name}_{ending}"
            if key in outputs:
                yield name, colours(_sampled(outputs[key], shape))


def _sampled(classes, shape):
    """Takes of a mask the pixels that stand for those of a reduced image."""
    block = -(-max(classes.shape[:2]) // max(shape[:2]))
    return classes[::block, ::block]


def reduced(image, side: int = _DRAWN_SIDE) -> tuple:
    """Reduces a large image to the mean of blocks of its pixels.

    Args:
        image: uint8 array of shape `(height, width, channels)`.
        side: Integer, the longest side that is left as it is.

    Returns:
        Pair of the image, its longest side at most `side`, and of an array
        `(x, y, x, y)` by which coordinates in pixels shrink.
    """
    import numpy as np

    height, width = image.shape[:2]
    block = -(-max(height, width) // side)
    if block == 1:
        return image, np.ones(4)
    # Blocks at the lower and right edge may be smaller.
    rows = np.arange(0, height, block)
    columns = np.arange(0, width, block)
    total = np.zeros((len(rows), len(columns), image.shape[2]), np.uint32)
    for row in range(block):
        for column in range(block):
            y = np.minimum(rows + row, height - 1)
            x = np.minimum(columns + column, width - 1)
            total += image[y[:, None], x]
    small = (total // block**2).astype(np.uint8)
    scale = np.array([len(columns) / width, len(rows) / height] * 2)
    return small, scale


def describe(outputs: dict, tasks: dict) -> str:
    """Writes a model's outputs for one image as a line.

    Where the only presence task says no, the other outputs mean nothing and
    are left out.

    Args:
        outputs: Dict of arrays without a batch axis: the model's outputs, and
            what its postprocessor decodes.
        tasks: Dict of name to `Task`.

    Returns:
        String such as `det yes 0.99  cls 7 0.95  box 12 20 40 51  mask pet
        34%  depth 1.2 to 4.7  normals 0.02 0.61 0.40  boxes apple 0.61 12 20 40
        51  counts 1 apple`: of a depth the nearest and the farthest pixel, of
        normals their mean.
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
        elif task.kind == "mask":
            parts.append(
                f"{name} {_fractions(outputs[f'{name}_classes'], task)}"
            )
        elif task.kind == "depth":
            parts.append(f"{name} {_range(outputs[f'{name}_distances'])}")
        elif task.kind == "normals":
            mean = outputs[f"{name}_directions"].mean(axis=(0, 1))
            parts.append(f"{name} {' '.join(f'{x:.2f}' for x in mean)}")
        elif task.kind == "detection":
            parts.append(f"{name} {_objects(outputs, name)}")
        elif task.kind == "count":
            parts.append(f"{name} {_counts(outputs[name], task)}")
        elif task.kind == "regression":
            parts.append(f"{name} {float(outputs[name].reshape(-1)[0]):.3g}")
    if gates == [False]:
        parts = parts[:1]
    return "  ".join(parts)


def _objects(outputs, name) -> str:
    """Lists the objects that are present, each with score and box."""
    texts = []
    for index in outputs[f"{name}_present"].nonzero()[0]:
        label = outputs[f"{name}_name"][index].decode()
        score = outputs[f"{name}_score"][index]
        box = " ".join(f"{x:.0f}" for x in outputs[f"{name}_pixels"][index])
        texts.append(f"{label} {score:.2f} {box}")
    return ", ".join(texts) or "none"


def _counts(numbers, task) -> str:
    """Lists the classes of which there is at least one, to the nearest."""
    names = task.class_names or range(len(numbers))
    rounded = [round(float(number)) for number in numbers]
    texts = [f"{n} {k}" for n, k in zip(rounded, names, strict=True) if n > 0]
    return ", ".join(texts) or "none"


def _fractions(classes, task) -> str:
    """Lists the classes of a mask but the first, with what they cover."""
    covered = [
        (name, (classes == number).mean())
        for number, name in enumerate(task.class_names)
        if number and (classes == number).any()
    ]
    text = ", ".join(f"{name} {fraction:.0%}" for name, fraction in covered)
    return text or task.class_names[0]


def _range(numbers) -> str:
    return f"{numbers.min():.3g} to {numbers.max():.3g}"
