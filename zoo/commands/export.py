"""Writes a SavedModel: `python -m tools.export --model cls_det_box`."""

from pathlib import Path

from absl import flags

import zoo
from zoo.commands import SUMMARIES, app, selection


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "output",
        None,
        "Folder to write. TensorFlow Serving wants its last part to be a "
        "number, the version. Without it WORKDIR/export/1, or export/MODEL/1.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replaces an export that is there already.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Exports and says where to."""
    del operands
    chosen = selection.read(values)
    if values.output is not None:
        output = Path(values.output)
    elif values.workdir is not None:
        output = Path(values.workdir) / "export" / "1"
    else:
        output = Path("export") / chosen.name / "1"
    model = chosen.load()

    from mtl_keras import export

    path = export.saved_model(
        model,
        output,
        preprocessor=model.preprocessor,
        postprocessor=model.postprocessor,
        card=dict(zoo.info(chosen.name)),
        overwrite=values.overwrite,
    )
    print(f"Exported {chosen.name} to {path}")


_COMMAND = app.Command(
    name="export",
    summary=SUMMARIES["export"],
    usage="--model=NAME | --workdir=FOLDER [--output=FOLDER] [--overwrite]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
