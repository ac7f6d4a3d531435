"""Outputs for images: `python -m tools.predict --model cls_det_box a.png`.

For a model that reads sentences, these are given instead of files; for one
that reads clips, GIF files or folders of frames. With `--export` the outputs
are those of an exported SavedModel.
"""

from pathlib import Path

from absl import flags

from mtl_keras.messages import listed
from zoo.commands import SUMMARIES, app, raw_inputs, selection
from zoo.commands.predict import clips, exported, images, sentences

_IMAGES, _CLIPS = "ImagePreprocessor", "ClipPreprocessor"


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "output",
        "predictions",
        "Folder for copies of the images with the outputs drawn on them.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "export",
        None,
        "Folder of an export, or of its versions, to be used in the place of "
        "--model or --workdir.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Prints the outputs for each image, which it draws, or sentence."""
    # Raises before a model is loaded, where no sentence can be meant.
    if not operands or any(Path(name).is_dir() for name in operands):
        images.find_images(operands)
    output = Path(values.output)
    if values.export is None:
        _use_model(selection.read(values), operands, output)
        return
    for flag in ("data", "model", "weights", "workdir"):
        if values[flag].value is not None:
            raise ValueError(
                "An export needs no other model. Received: "
                f"--export={values.export} with --{flag}={values[flag].value}. "
                "Leave out one of them."
            )
    _use_export(exported.Exported(values.export), operands, output)


def _use_model(chosen, operands, output):
    model = chosen.load()
    if type(model.preprocessor).__name__ in raw_inputs.SENTENCES:
        sentences.predict(sentences.ask(model), model.tasks, operands)
        return
    if type(model.preprocessor).__name__ == _CLIPS:
        paths = clips.find_clips(operands)
        clips.predict(clips.ask(model), model.tasks, paths, output)
        return
    if not hasattr(model.preprocessor, "channels"):
        names = listed(tensor.name for tensor in model.inputs)
        raise ValueError(_unsupported(f"--model={chosen.name}", names))
    paths = images.find_images(operands)
    images.predict(images.ask(model), model.tasks, paths, output)


def _use_export(export, operands, output):
    (name, *others) = export.inputs

    def ask(batch):
        return export({name: batch})

    if export.preprocessor in raw_inputs.SENTENCES:
        sentences.predict(ask, export.tasks, operands)
        return
    if export.preprocessor == _CLIPS:
        paths = clips.find_clips(operands)
        clips.predict(clips.ask_export(export), export.tasks, paths, output)
        return
    if export.preprocessor != _IMAGES or others:
        names = f"{listed(export.inputs)} by {export.preprocessor}"
        raise ValueError(_unsupported(f"--export={export.path}", names))
    images.predict(ask, export.tasks, images.find_images(operands), output)


def _unsupported(flag, inputs) -> str:
    return (
        f"predict takes images, clips and sentences. Received: {flag}, which "
        f"takes {inputs}"
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
