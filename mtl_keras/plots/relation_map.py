"""Relations between tasks: a map of the matrix, and a tree over the tasks."""

import pathlib

import numpy as np

from mtl_keras.plots import figure as paper

_WIDTH, _SIDE = 1000, 400
_MOST_NAME = 190
_MOST_WRITTEN_TASKS = 12
# Blue to red through white: colour-blind readers can tell them apart.
_COLOURS = "RdBu"


def relations(relations, path, title: str | None = None) -> pathlib.Path:
    """Draws a matrix of relations beside the tree of its tasks.

    The tree joins the two groups of tasks with the highest mean relation
    first (average linkage of SciPy, over the mean of both directions); the
    map has the tasks in the tree's order. Where a relation is undefined, the
    map alone is drawn, in the order given.

    Args:
        relations: `mtl_keras.relations.Relations` of two or more tasks.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the map. Defaults to none.

    Returns:
        Path of the figure, 1000 pixels wide.

    Raises:
        ValueError: If there are fewer than two tasks, or the path is a folder
            or not a `.png`.
    """
    path = paper.checked_path(path)
    if len(getattr(relations, "names", ())) < 2:
        raise ValueError(
            "Expected mtl_keras.relations.Relations of two or more tasks. "
            f"Received: {relations!r}"
        )
    tree = None
    if not relations.undefined():
        tree, order = linkage(relations)
        relations = relations.only([relations.names[k] for k in order])
    names, count = relations.names, len(relations.names)
    size = min(13, max(7, 0.8 * _SIDE / count))
    shown = [paper.shortened(name, _MOST_NAME, size) for name in names]
    longest = max(paper.text_width(name, size) for name in shown)
    height = _SIDE + 80 + round(longest) + 36 * bool(title)
    with paper.new_figure(_WIDTH, height) as figure:
        paper.write_title(figure, title)
        columns = 1 if tree is None else 2
        axes = figure.subplots(
            1, columns, squeeze=False, width_ratios=[1.5, 1][:columns]
        )[0]
        scale = _scale(relations)
        unit = "" if scale == 1 else f" × {scale:,}"
        axes[0].set_title(f"{relations.measure}{unit}", weight="bold", pad=10)
        _draw_map(figure, axes[0], relations, scale)
        look = {"fontsize": size, "color": paper.INK}
        axes[0].set_yticks(range(count), shown, **look)
        axes[0].set_xticks(range(count), shown, rotation=90, **look)
        if tree is not None:
            axes[1].set_title("tree", weight="bold", pad=10)
            _draw_tree(axes[1], tree, relations, scale)
        figure.canvas.draw()
        # Only now is the size of a cell known.
        cell = min(axes[0].bbox.size) / count
        for text in axes[0].texts:
            text.set_size(min(13, 0.26 * cell))
        return paper.save(figure, path)


def linkage(relations) -> tuple[np.ndarray, list[int]]:
    """Joins tasks by average linkage.

    Args:
        relations: `Relations` without undefined pairs.

    Returns:
        Tuple of SciPy's linkage matrix, with distances of 1 (of affinities:
        a little above the highest one) minus a pair's mean relation, and the
        order of the leaves.
    """
    from scipy.cluster import hierarchy
    from scipy.spatial import distance

    strengths = np.array(relations.strengths())
    np.fill_diagonal(strengths, 0.0)
    mean = (strengths + strengths.T) / 2
    distances = _top(relations) - mean
    np.fill_diagonal(distances, 0.0)
    tree = hierarchy.linkage(
        distance.squareform(distances, checks=False), "average"
    )
    return tree, [int(k) for k in hierarchy.leaves_list(tree)]


def _top(relations) -> float:
    """Returns the relation at which the tree's distance is 0."""
    if not _is_unbounded(relations):
        return 1.0
    strengths = np.array(relations.strengths())
    is_other = ~np.eye(len(strengths), dtype=bool)
    mean = ((strengths + strengths.T) / 2)[is_other]
    # A little above the nearest pair, whose branches would have no length.
    return float(mean.max() + max(0.1 * np.ptp(mean), 0.01 * abs(mean.max())))


def _is_unbounded(relations) -> bool:
    """Tells whether a task's relation to another can be above 1, or tiny."""
    return relations.measure == "affinity" or _largest(relations) > 1.0


def _largest(relations) -> float:
    is_other = ~np.eye(len(relations.names), dtype=bool)
    values = np.abs(relations.matrix[is_other])
    return float(values[np.isfinite(values)].max(initial=0.0))


def _scale(relations) -> int:
    """Returns the power of ten that makes small relations readable."""
    largest = _largest(relations)
    if not _is_unbounded(relations) or not 0 < largest < 0.1:
        return 1
    return 10 ** int(np.ceil(-np.log10(largest)))


def _draw_map(figure, axes, relations, unit):
    matrix, count = unit * relations.matrix, len(relations.names)
    limit = 1.0
    if _is_unbounded(relations):
        limit = unit * _largest(relations) or 1.0
    axes.set_facecolor("#EFEFEF")
    image = axes.imshow(
        matrix, cmap=_COLOURS, vmin=-limit, vmax=limit, aspect="auto"
    )
    scale = figure.colorbar(image, ax=axes, fraction=0.06, aspect=34)
    scale.outline.set_visible(False)
    scale.ax.tick_params(length=0)
    axes.spines[:].set_visible(False)
    edges = np.arange(count + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=min(2, 25 / count))
    axes.tick_params(which="both", length=0)
    if not np.array_equal(matrix, matrix.T, equal_nan=True):
        axes.set_ylabel("effect of")
        axes.set_xlabel("on")
    if count > _MOST_WRITTEN_TASKS:
        return
    for i, j in np.argwhere(np.isfinite(matrix)):
        value = round(float(matrix[i, j]), 2) + 0.0
        axes.text(
            j,
            i,
            f"{value:.2f}".replace("-", "−"),
            ha="center",
            va="center_baseline",
            color="white" if abs(value) > 0.6 * limit else paper.INK,
        )


def _draw_tree(axes, tree, relations, unit):
    from scipy.cluster import hierarchy

    drawn = hierarchy.dendrogram(tree, no_plot=True)
    # SciPy puts leaf k at 10 k + 5.
    top = unit * _top(relations)
    for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        axes.plot(
            [top - unit * height for height in heights],
            [(place - 5) / 10 for place in places],
            color=paper.TASK_COLOURS[0],
            linewidth=1.6,
        )
    count = len(relations.names)
    axes.set_ylim(count - 0.5, -0.5)
    low = top - unit * tree[:, 2].max()
    margin = 0.05 * max(top - low, 1e-12)
    # The leaves are at the left, beside the rows of the map.
    axes.set_xlim(top + margin, low - margin)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=5)
    axes.spines[["left"]].set_visible(False)
    axes.set_xlabel("mean relation at which they are joined")
    axes.grid(axis="x")
