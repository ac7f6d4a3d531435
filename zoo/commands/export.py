"""Writes a model for serving: `python -m tools.export --model cls_det_box`."""

import dataclasses
import json
from pathlib import Path

from absl import flags

import zoo
from mtl_keras import files
from mtl_keras.messages import listed, unknown
from zoo import weights
from zoo.commands import SUMMARIES, app, raw_inputs, selection

_FORMATS = ("saved_model", "litert", "onnx")
_ENDINGS = {"litert": ".tflite", "onnx": ".onnx"}
_BATCH_SIZE = 32


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "output",
        None,
        "Folder to write. Where its last part is a number, the version for "
        "TensorFlow Serving, that very folder; else its next version, "
        "OUTPUT/N. Without it WORKDIR/export/1, or export/MODEL/1. LiteRT and "
        "ONNX files lie beside, as MODEL-N.tflite and MODEL-N.onnx.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replaces an export that is there already.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "formats",
        ["saved_model"],
        "What to write: saved_model, litert, onnx, or several of these.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "float16",
        False,
        "Stores the weights of the LiteRT file in 16 bits.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "batch_size",
        None,
        "The only number of examples that the LiteRT file takes at once. "
        "Without it any, which a CRF's loop does not allow there.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "warmup",
        None,
        "Writes warm-up requests for TensorFlow Serving, made of the examples "
        "on the command line. Without it, where there are such and the "
        "package tensorflow-serving-api is installed.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "split",
        None,
        "Split of the data, such as test[:512], to measure LiteRT and ONNX "
        "files on, beside the model. Without it only the differences on the "
        "examples are measured.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Exports, measures what was converted, and says where all of it is."""
    formats = _check(values, operands)
    chosen = selection.read(values)
    target = _target(values, chosen.name)
    if "saved_model" in formats:
        _check_free(target.folder / target.version, values.overwrite)
    model = chosen.load()
    raw, dense = None, None
    if operands:
        raw, dense = _examples(model, chosen.name, operands)
    if "saved_model" in formats:
        _write_saved_model(values, chosen, model, target, raw)
    for name in formats:
        if name != "saved_model":
            _convert(name, values, chosen, model, target, dense)


@dataclasses.dataclass(frozen=True)
class Target:
    """Where an export goes.

    Attributes:
        folder: Path of the folder of all versions.
        version: String, a number.
    """

    folder: Path
    version: str

    def file(self, model: str, name: str, *, float16: bool) -> Path:
        """Returns the path of a converted file."""
        half = "-float16" if float16 and name == "litert" else ""
        return self.folder / f"{model}{half}-{self.version}{_ENDINGS[name]}"


def _check(values, operands) -> list[str]:
    """Checks the flags before anything slow is imported."""
    formats = list(dict.fromkeys(values.formats))
    for name in formats:
        if name not in _FORMATS:
            raise ValueError(
                unknown("format of --formats", name, _FORMATS, values.formats)
            )
    if not formats:
        raise ValueError(
            f"Expected at least one format of {listed(_FORMATS)}. Received: "
            "--formats with none."
        )
    converted = sorted(set(formats) - {"saved_model"})
    for flag, is_given, needed in (
        ("--float16", values.float16, "litert"),
        ("--batch_size", values.batch_size is not None, "litert"),
        ("--warmup", values.warmup, "saved_model"),
    ):
        if is_given and needed not in formats:
            raise ValueError(
                f"{flag} is of the format {needed}. Received: {flag} with "
                f"--formats={','.join(formats)}. Add {needed}, or leave "
                f"{flag} out."
            )
    if values.split is not None and not converted:
        raise ValueError(
            "--split is for measuring LiteRT and ONNX files. Received: "
            f"--split={values.split} with --formats={','.join(formats)}. A "
            "SavedModel gives the model's own outputs; `python -m "
            "tools.evaluate` measures these."
        )
    if values.warmup and not operands:
        raise ValueError(
            "--warmup needs examples, files or sentences in quotes. Received: "
            "none."
        )
    return formats


def _target(values, name) -> Target:
    if values.output is not None:
        output = Path(values.output)
    elif values.workdir is not None:
        output = Path(values.workdir) / "export" / "1"
    else:
        output = Path("export") / name / "1"
    if output.name.isdecimal():
        return Target(output.parent, output.name)
    if values.overwrite:
        raise ValueError(
            "--overwrite replaces one version. Received: --overwrite with "
            f"--output={output}, where a new version is made each time. Leave "
            f"out --overwrite, or name the version: --output={output / '1'}"
        )

    from mtl_keras import export

    path = export.next_version(output)
    return Target(path.parent, path.name)


def _check_free(path, overwrite) -> None:
    """Refuses an earlier export before the model is loaded."""
    if not overwrite and path.is_dir() and any(path.iterdir()):
        raise ValueError(
            f"Expected a new folder. Received: {str(path)!r}, an earlier "
            "export. Name another by --output, or replace this one by "
            "--overwrite."
        )


def _examples(model, name, operands):
    """Returns the operands as raw and as dense inputs."""
    preprocessor = model.preprocessor
    if preprocessor is None:
        raise ValueError(
            "Examples are read by a model's preprocessor. Received: examples "
            f"for {name!r}, which has none."
        )
    specs = preprocessor.input_signature()
    raw = raw_inputs.read(specs, type(preprocessor).__name__, operands)
    return raw, raw_inputs.prepare(preprocessor, raw)


def _write_saved_model(values, chosen, model, target, raw):
    from mtl_keras import export
    from mtl_keras.export import warmup

    wants_warmup = values.warmup
    if wants_warmup is None:
        wants_warmup = raw is not None and warmup.is_installed()
    path = export.saved_model(
        model,
        target.folder / target.version,
        preprocessor=model.preprocessor,
        postprocessor=model.postprocessor,
        card=dict(chosen.card),
        revision=_revision(chosen),
        examples=raw if wants_warmup else None,
        overwrite=values.overwrite,
    )
    print(f"Exported {chosen.name} to {path}", flush=True)


def _revision(chosen) -> dict:
    stored = weights.find(zoo.info(chosen.name), chosen.weights)
    return {
        "model": chosen.name,
        "data": chosen.data,
        "overrides": chosen.overrides,
        "weights": {
            "name": stored.name or stored.path.name,
            "sha256": files.sha256(stored.path),
        },
    }


def _convert(name, values, chosen, model, target, dense):
    from mtl_keras import export

    path = target.file(chosen.name, name, float16=values.float16)
    options = {"overwrite": values.overwrite}
    if name == "litert":
        options |= {"float16": values.float16, "batch_size": values.batch_size}
    getattr(export, name)(model, path, **options)
    size = path.stat().st_size
    print(f"Exported {chosen.name} to {path}, {size:,} bytes", flush=True)
    examples = dense
    if values.split is not None:
        examples = chosen.dataset(values.split, _BATCH_SIZE, values.data_dir)
    if examples is None:
        print("Not measured: give --split, or examples as for predict.")
        return
    agreement = export.compare(model, path, examples)
    print(agreement.table(), flush=True)
    figures = {**_revision(chosen), "split": values.split}
    figures |= agreement.as_dict()
    text = json.dumps(figures, indent=2) + "\n"
    path.with_name(f"{path.name}.json").write_text(text, encoding="utf-8")


_COMMAND = app.Command(
    name="export",
    summary=SUMMARIES["export"],
    usage=(
        "--model=NAME | --workdir=FOLDER [--formats=saved_model,litert,onnx] "
        "[--output=FOLDER] [flags] [FILE_OR_SENTENCE ...]"
    ),
    define=define,
    run=run,
    operands="files",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
