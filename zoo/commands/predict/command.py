"""Outputs for images: `python -m tools.predict --model cls_det_box a.png`.

A model of recordings takes wav files, one of clips GIF files or folders of
frames, one of tables CSV files; sentences and SMILES strings are given
themselves. With `--export` the outputs are those of a SavedModel.
"""

from pathlib import Path

from absl import flags

from mtl_keras.messages import listed
from zoo.commands import SUMMARIES, app, raw_inputs, selection
from zoo.commands.predict import (
    clips,
    exported,
    images,
    molecules,
    operands,
    recordings,
    rows,
    sentences,
)

_IMAGES, _CLIPS = "ImagePreprocessor", "ClipPreprocessor"
_RECORDINGS = "AudioPreprocessor"


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "output",
        "predictions",
        "Folder for copies of the images, or spectrograms of the recordings, "
        "with the outputs drawn on them.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "export",
        None,
        "Folder of an export, or of its versions, to be used in the place of "
        "--model or --workdir.",
        flag_values=values,
    )


def run(values: flags.FlagValues, names: list[str]) -> None:
    """Prints the outputs for each image or recording, drawn, or sentence."""
    operands.check(names)
    # Raises before a model is loaded, where no sentence can be meant.
    if any(Path(name).is_dir() for name in names):
        endings = [*images.ENDINGS, *recordings.ENDINGS]
        operands.find(names, endings, "image and no recording")
    output = Path(values.output)
    if values.export is None:
        _use_model(selection.read(values), names, output)
        return
    for flag in ("data", "model", "weights", "workdir"):
        if values[flag].value is not None:
            raise ValueError(
                "An export needs no other model. Received: "
                f"--export={values.export} with --{flag}={values[flag].value}. "
                "Leave out one of them."
            )
    _use_export(exported.Exported(values.export), names, output)


def _use_model(chosen, names, output):
    model = chosen.load()
    kind = type(model.preprocessor).__name__
    if kind in raw_inputs.SENTENCES:
        ask = sentences.ask(model)
        marked = getattr(model.preprocessor, "marked", False)
        sentences.predict(ask, model.tasks, names, kind, marked=marked)
        return
    if kind == _RECORDINGS:
        paths = recordings.find_recordings(names)
        ask, reader = recordings.ask(model), model.preprocessor
        recordings.predict(ask, model.tasks, paths, output, reader)
        return
    if kind in molecules.PREPROCESSORS:
        molecules.predict(model, names)
        return
    if kind in rows.PREPROCESSORS:
        specs = model.preprocessor.input_signature()
        rows.predict(rows.ask(model), model.tasks, specs, names)
        return
    if kind == _CLIPS:
        paths = clips.find_clips(names)
        clips.predict(clips.ask(model), model.tasks, paths, output)
        return
    if not hasattr(model.preprocessor, "channels"):
        inputs = listed(tensor.name for tensor in model.inputs)
        raise ValueError(_unsupported(f"--model={chosen.name}", inputs))
    paths = images.find_images(names)
    images.predict(images.ask(model), model.tasks, paths, output)


def _use_export(export, names, output):
    (name, *others) = export.inputs

    def ask(batch):
        return export({name: batch})

    if export.preprocessor in raw_inputs.SENTENCES:
        kind = export.preprocessor
        sentences.predict(ask, export.tasks, names, kind)
        return
    if export.preprocessor == _RECORDINGS and not others:
        paths = recordings.find_recordings(names)
        recordings.predict(ask, export.tasks, paths, output)
        return
    if export.preprocessor in rows.PREPROCESSORS:
        rows.predict(export, export.tasks, export.inputs, names)
        return
    if export.preprocessor == _CLIPS:
        paths = clips.find_clips(names)
        clips.predict(clips.ask_export(export), export.tasks, paths, output)
        return
    if export.preprocessor != _IMAGES or others:
        inputs = f"{listed(export.inputs)} by {export.preprocessor}"
        raise ValueError(_unsupported(f"--export={export.path}", inputs))
    images.predict(ask, export.tasks, images.find_images(names), output)


def _unsupported(flag, inputs) -> str:
    return (
        "predict takes images, clips, molecules, recordings, sentences and "
        "tables. "
        f"Received: {flag}, which takes {inputs}"
    )


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
