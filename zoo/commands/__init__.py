"""The tools: `mtl-keras NAME`, and in a clone `python -m tools.NAME`."""

import importlib
import sys

from mtl_keras.messages import unknown

SUMMARIES = {
    "balancers": "Describes every balancing method, on one page.",
    "benchmark": "Times a training step, or an export, beside plain Keras.",
    "card": "Writes a model's card from what runs have measured.",
    "compare": "Compares balancers and architectures with single tasks.",
    "descriptors": "Measures linear heads on HOG and SIFT, a classical trunk.",
    "ensemble": "Makes one model of several trainings, and measures its gain.",
    "evaluate": "Measures a trained model on a split.",
    "export": "Writes a trained model for serving: SavedModel, LiteRT or ONNX.",
    "inspect": "Looks at a folder of your own data before training.",
    "list_models": "Lists the models of the zoo, or prints their cards.",
    "merge": "Fine-tunes a model on each task alone and merges the results.",
    "predict": "Predicts for images, recordings, sentences and rows.",
    "relations": "Measures which tasks of a model belong together.",
    "report": "Writes a page of HTML about a trained model.",
    "sharing": "Describes every architecture of sharing, on one page.",
    "train": "Trains a model by its recipe, and resumes where it stopped.",
    "transfer": "Measures what transfer gains for a task with few labels.",
    "trunk": "Installs a pretrained trunk, such as MiniLM, for any model.",
    "tune": "Searches for a better recipe: weights, balancer, rates, width ...",
}


def main(argv: list[str] | None = None) -> int:
    """Runs the tool that the first argument names.

    Args:
        argv: List of strings, without the program's name. Defaults to the
            process's.

    Returns:
        Integer, the exit status: 0, 1 for an error, 2 for a wrong command.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0 if argv else 2
    name, *rest = argv
    if name not in SUMMARIES:
        print(f"error: {unknown('tool', name, SUMMARIES)}", file=sys.stderr)
        return 2
    return importlib.import_module(f"{__name__}.{name}").main(rest)


def _usage() -> str:
    width = max(map(len, SUMMARIES))
    lines = [f"  {name:<{width}}  {text}" for name, text in SUMMARIES.items()]
    return "\n".join(
        [
            "Usage: mtl-keras TOOL [flags]",
            "",
            *lines,
            "",
            "mtl-keras TOOL --help lists a tool's flags.",
        ]
    )
