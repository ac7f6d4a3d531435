"""Makes one model of several trainings: `python -m tools.ensemble`."""

import json
from pathlib import Path

from absl import flags

from mtl_keras.messages import listed, unknown
from zoo.commands import SUMMARIES, app, selection

_METHODS = ("average", "vote", "stack", "joint")


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_list(
        "members",
        [],
        "Folders of finished trainings of the same tasks, such as of other "
        "seeds; for the method joint, of tasks of their own.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "methods",
        ["average"],
        f"Any of {','.join(_METHODS)}.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "split", "test", "Split of the data to measure on.", flag_values=values
    )
    flags.DEFINE_integer(
        "bootstrap",
        1000,
        "Bootstrap draws of the intervals.",
        lower_bound=2,
        flag_values=values,
    )
    flags.DEFINE_float(
        "regularization",
        1.0,
        "Of the second level of stack; higher for few validation examples.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "treatment_seeds",
        0,
        "In place of members: trains models of three labels of SUPPORT2's "
        "patients with as many seeds, and measures the joint model.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )
    flags.DEFINE_string(
        "output",
        None,
        "Folder for METHOD.keras, one a method, and for table.json. Defaults "
        "to none.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "export",
        False,
        "Also writes a SavedModel for serving, METHOD/1, to --output.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Combines, measures and prints."""
    del operands
    if values.export and not values.output:
        raise ValueError(
            "--export needs --output, the folder to write to. Received: none"
        )
    if values.treatment_seeds:
        _measure_treatment(values)
        return
    methods = list(dict.fromkeys(values.methods))
    for method in methods:
        if method not in _METHODS:
            raise ValueError(unknown("method", method, _METHODS))
    if "joint" in methods and len(methods) > 1:
        raise ValueError(
            "The method joint has members of tasks of their own, and is "
            f"measured alone. Received: --methods={','.join(methods)}"
        )
    if len(values.members) < 2:
        raise ValueError(
            "Expected --members, at least two folders of finished trainings, "
            f"divided by commas. Received: {listed(values.members)}"
        )
    chosen = [selection.from_workdir(Path(m)) for m in values.members]
    models = [each.load() for each in chosen]
    # Imports a backend.
    from zoo import ensembles

    parts = ensembles.Splits(chosen, values.data_dir)
    if methods == ["joint"]:
        made, content = ensembles.joint(
            models, parts, values.split, values.bootstrap
        )
        lines = ensembles.joint_lines(content)
    else:
        made, content = ensembles.combined(
            models,
            parts,
            methods,
            values.split,
            values.bootstrap,
            values.regularization,
        )
        lines = ensembles.lines(content)
    heading = f"{chosen[0].name} on {chosen[0].data}, {values.split} split"
    print("\n".join([f"{heading}, {len(models)} members", "", *lines]))
    if values.output:
        folder = Path(values.output)
        folder.mkdir(parents=True, exist_ok=True)
        for name, model in made.items():
            model.save(folder / f"{name}.keras")
            print(folder / f"{name}.keras")
            if values.export:
                print(_export(model, folder / name / "1"))
        text = json.dumps(content, indent=2) + "\n"
        (folder / "table.json").write_text(text, encoding="utf-8")


def _export(model, path) -> Path:
    from mtl_keras import export

    return export.saved_model(
        model,
        path,
        preprocessor=getattr(model, "preprocessor", None),
        postprocessor=getattr(model, "postprocessor", None),
        overwrite=True,
    )


def _measure_treatment(values) -> None:
    from zoo import ensembles, treatment

    content = treatment.measured(
        values.data_dir, values.treatment_seeds, values.bootstrap
    )
    strengths = ", ".join(f"{s:.2f}" for s in content["strengths"])
    print(f"{content['num_examples']} patients of the test split")
    print(f"strengths fitted: {strengths}\n")
    print("\n".join(ensembles.joint_lines(content)))


_COMMAND = app.Command(
    name="ensemble",
    summary=SUMMARIES["ensemble"],
    usage="--members=FOLDER,FOLDER [--methods=average,vote,stack] [flags]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
