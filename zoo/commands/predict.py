"""Answers for pictures: `python -m tools.predict --model cls_det_box a.png`.

For a model that reads sentences, these are given instead of files. With
`--export` the answers are those of an exported SavedModel.
"""

from pathlib import Path

from absl import flags

from mtl_keras.messages import listed
from zoo.commands import SUMMARIES, app, exported, raw_inputs, selection
from zoo.commands import sentences as sentence_answers

_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_PICTURES = "ImagePreprocessor"
_BATCH_SIZE = 32


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "output",
        "predictions",
        "Folder for the pictures with what was found drawn on them.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "export",
        None,
        "Folder of an export, or of its versions: it alone answers, in the "
        "place of --model or --workdir.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Prints the answers for each picture, which it draws, or sentence."""
    # Said before a model is loaded, where no sentence can be meant.
    if not operands or any(Path(name).is_dir() for name in operands):
        find_pictures(operands)
    output = Path(values.output)
    if values.export is None:
        _ask_model(selection.read(values), operands, output)
        return
    for flag in ("data", "model", "weights", "workdir"):
        if values[flag].value is not None:
            raise ValueError(
                "An export needs no other model. Received: "
                f"--export={values.export} with --{flag}={values[flag].value}. "
                "Leave out one of them."
            )
    _ask_export(exported.Exported(values.export), operands, output)


def _ask_model(chosen, operands, output):
    from mtl_keras import data

    model = chosen.load()
    if isinstance(model.preprocessor, data.SentencePreprocessor):
        answer = sentence_answers.answer_with(model)
        sentence_answers.predict(answer, model.tasks, operands)
        return
    paths = find_pictures(operands)
    if model.preprocessor is None or not hasattr(
        model.preprocessor, "channels"
    ):
        raise ValueError(
            "predict answers for pictures and sentences. "
            f"Received: --model={chosen.name}, which takes "
            f"{listed(tensor.name for tensor in model.inputs)}"
        )
    _draw_all(_picture_answers(model), model.tasks, paths, output)


def _ask_export(found, operands, output):
    (name, *others) = found.inputs
    if found.preprocessor == raw_inputs.SENTENCES:
        sentence_answers.predict(
            lambda texts: found({name: texts}), found.tasks, operands
        )
        return
    if found.preprocessor != _PICTURES or others:
        raise ValueError(
            "predict answers for pictures and sentences. "
            f"Received: --export={found.path}, which takes "
            f"{listed(found.inputs)} by {found.preprocessor}"
        )
    paths = find_pictures(operands)
    _draw_all(lambda files: found({name: files}), found.tasks, paths, output)


def _draw_all(answer, tasks, paths, output):
    failed = []
    for start in range(0, len(paths), _BATCH_SIZE):
        part = paths[start : start + _BATCH_SIZE]
        failed += _predict(answer, tasks, part, output)
    if len(failed) < len(paths):
        print(f"Drawn in {output}")
    if failed:
        raise ValueError("\n".join(map(str, failed)))


def find_pictures(names: list[str]) -> list[Path]:
    """Finds the picture files that a command line names.

    Args:
        names: List of strings, each a file or a folder.

    Returns:
        List of `pathlib.Path`, those of a folder sorted by name.

    Raises:
        ValueError: If there is none, or a folder holds none.
    """
    if not names:
        raise ValueError(
            "Expected picture files or folders of them, or sentences, each in "
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
                f"The folder {name!r} holds no picture: no file that ends in "
                f"{', '.join(_ENDINGS)}."
            )
        paths += inside
    # A file that is named twice is answered once.
    return list(dict.fromkeys(paths))


def _picture_answers(model):
    """Makes the function that asks a model about files' bytes."""
    import numpy as np
    import tensorflow as tf

    def answer(files):
        made = [model.preprocessor(tf.constant(file)) for file in files]
        inputs, contexts = (
            {
                key: np.stack([np.asarray(one[key]) for one in part])
                for key in part[0]
            }
            for part in zip(*made, strict=True)
        )
        answers = dict(model.predict(inputs, verbose=0))
        if model.postprocessor is not None:
            answers.update(model.postprocessor(answers, contexts))
        return {key: np.asarray(value) for key, value in answers.items()}

    return answer


def _predict(answer, tasks, paths, output) -> list[ValueError]:
    """Answers for a few pictures; returns the errors of those that are none."""
    from mtl_keras import data, plots

    images, failed = {}, []
    for path in paths:
        try:
            images[path] = data.load_image(path)
        except ValueError as error:
            failed.append(error)
    if not images:
        return failed
    # The files' bytes, so that the answers are those of the export.
    answers = answer([path.read_bytes() for path in images])
    drawn = set()
    for index, (path, image) in enumerate(images.items()):
        found = {key: value[index] for key, value in answers.items()}
        print(f"{path}  {describe(found, tasks)}")
        target = output / f"{path.stem}.predicted.png"
        if target in drawn:
            target = output / f"{path.name}.{index}.predicted.png"
        drawn.add(target)
        plots.draw(image, tasks, found, target, enlarge=None)
    return failed


def describe(answer: dict, tasks: dict) -> str:
    """Writes what a model answers about one picture as a line.

    With exactly one presence task whose answer is no, there is nothing else
    to tell.

    Args:
        answer: Dict of arrays without a batch axis: the model's outputs, and
            the answers of its postprocessor.
        tasks: Dict of name to `Task`.

    Returns:
        String such as `det yes 0.99  cls 7 0.95  box 12 20 40 51`.
    """
    parts, gates = [], []
    for name, task in tasks.items():
        if task.kind == "presence":
            is_present = bool(answer[f"{name}_present"])
            gates.append(is_present)
            probability = float(answer[name].reshape(-1)[0])
            text = f"{name} {'yes' if is_present else 'no'} {probability:.2f}"
            parts.insert(len(gates) - 1, text)
        elif task.kind == "classification":
            # TensorFlow's strings are bytes.
            label = answer[f"{name}_name"].decode()
            parts.append(f"{name} {label} {answer[f'{name}_score']:.2f}")
        elif task.kind == "box":
            numbers = " ".join(f"{x:.0f}" for x in answer[f"{name}_pixels"])
            parts.append(f"{name} {numbers}")
    if gates == [False]:
        parts = parts[:1]
    return "  ".join(parts)


_COMMAND = app.Command(
    name="predict",
    summary=SUMMARIES["predict"],
    usage=(
        "--model=NAME | --workdir=FOLDER | --export=FOLDER [--weights=NAME] "
        "[--output=FOLDER] "
        "FILE_OR_FOLDER_OR_SENTENCE ..."
    ),
    define=define,
    run=run,
    operands="files",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
