"""How often predictions hold, beside how certain the model is of them."""

import pathlib
from collections.abc import Mapping

import numpy as np

from mtl_keras.plots import figure as paper

_PANEL = 420


def reliability(
    curves: Mapping[str, Mapping[str, object]], path, title: str | None = None
) -> pathlib.Path:
    """Draws reliability curves, a panel for each task.

    A calibrated model is on the diagonal: of the predictions with a
    probability of 0.7, seven in ten hold. The size of a point is the number
    of its examples.

    Args:
        curves: Dict of task to a dict of title, such as `"before"`, to
            `mtl_keras.calibration.Reliability`.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the panels. Defaults to none.

    Returns:
        Path of the figure.

    Raises:
        ValueError: If there is no curve, or the path is a folder or not a
            `.png`.
    """
    path = paper.checked_path(path)
    if not curves or not all(curves.values()):
        raise ValueError(
            "`curves` must hold at least one curve for each task. "
            f"Received: {curves!r}"
        )
    height = 430 + (36 if title else 0)
    with paper.new_figure(_PANEL * len(curves), height) as figure:
        for axes, (task, of_task) in zip(
            figure.subplots(1, len(curves), squeeze=False)[0],
            curves.items(),
            strict=True,
        ):
            axes.plot([0, 1], [0, 1], color=paper.RULE, linestyle="--")
            for (name, curve), colour in zip(
                of_task.items(), paper.TASK_COLOURS, strict=False
            ):
                filled = curve.counts > 0
                sizes = curve.counts[filled] / curve.counts.max()
                label = f"{name}: error {curve.error:.3f}"
                axes.plot(
                    curve.confidence[filled],
                    curve.accuracy[filled],
                    color=colour,
                    label=label,
                )
                axes.scatter(
                    curve.confidence[filled],
                    curve.accuracy[filled],
                    s=12 + 100 * np.asarray(sizes),
                    color=colour,
                    alpha=0.6,
                    linewidths=0,
                )
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
            axes.set_title(task, weight="bold", pad=10)
            axes.set_xlabel("probability")
            axes.set_ylabel("fraction that holds")
            axes.grid()
            axes.legend(loc="lower right")
        paper.write_title(figure, title)
        return paper.save(figure, path)
