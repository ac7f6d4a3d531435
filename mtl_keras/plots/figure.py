"""The paper that all pictures are drawn on: size, style, colours, saving."""

import contextlib
import functools
import os
import pathlib

INK = "#333333"
FAINT = "#767676"
RULE = "#D9D9D9"
# Paul Tol's muted scheme, without the colours too pale for a line on white:
# https://personal.sron.nl/~pault/ . They differ for the colour-blind too.
TASK_COLOURS = (
    "#4477AA",
    "#CC6677",
    "#117733",
    "#AA4499",
    "#8A8A2B",
    "#332288",
    "#2F8F80",
    "#882255",
)

# With 72 dots an inch a point is a pixel: sizes below are all in pixels.
_DOTS_PER_INCH = 72
_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
}


def checked_path(path) -> pathlib.Path:
    """Checks where a picture shall go.

    Args:
        path: String or path of a `.png` file; its folders are made later.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If the path is a folder, or is no `.png`.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise ValueError(
            "`path` must be the picture's file, not a folder. "
            f"Received: path='{path}'. Write path='{path / 'picture.png'}'."
        )
    if path.suffix.lower() != ".png":
        raise ValueError(
            "`path` must end with '.png', the only format written. "
            f"Received: path='{path}'. Write path='{path.with_suffix('.png')}'."
        )
    return path


@contextlib.contextmanager
def new_figure(width: int, height: int):
    """Makes an empty figure in the project's style, whatever the user's is.

    Args:
        width: Integer, pixels.
        height: Integer, pixels.

    Yields:
        `matplotlib.figure.Figure` with an Agg canvas. Draw and save inside
        the `with`: some settings of the style are read only when drawing.
    """
    # The object-oriented Agg path: no pyplot, hence no window, no display and
    # no figure that stays in memory.
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", _STYLE]):
        # Agg truncates to whole pixels: the excess keeps 113 from being 112.
        size = [(pixels + 1e-6) / _DOTS_PER_INCH for pixels in (width, height)]
        figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        yield figure


def pixel_axes(figure):
    """Covers a figure with axes in pixels from its top left corner.

    Args:
        figure: `matplotlib.figure.Figure` of `new_figure`.

    Returns:
        `matplotlib.axes.Axes`, invisible itself.
    """
    width, height = figure.bbox.size
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return axes


def save(figure, path: pathlib.Path) -> pathlib.Path:
    """Writes a figure as PNG, so that a kill leaves no half of a picture.

    Args:
        figure: `matplotlib.figure.Figure` of `new_figure`.
        path: Path of `checked_path`.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            # Without Matplotlib's version the same data give the same bytes.
            figure.canvas.print_png(file, metadata={"Software": None})
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Measures a line of text.

    Args:
        text: String.
        size: Float, font size in pixels.
        weight: String, `"normal"` or `"bold"`.

    Returns:
        Float, pixels.
    """
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return _ruler().get_text_width_height_descent(text, font, False)[0]


@functools.cache
def _ruler():
    # The one that draws: hinting makes its text wider than the outlines.
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, _DOTS_PER_INCH)


def shortened(
    text: str, width: float, size: float, weight: str = "normal"
) -> str:
    """Cuts a line of text to a width, with an ellipsis where it was cut.

    Args:
        text: String.
        width: Float, pixels.
        size: Float, font size in pixels.
        weight: String, `"normal"` or `"bold"`.

    Returns:
        String.
    """
    if text_width(text, size, weight) <= width:
        return text
    for length in range(len(text) - 1, 0, -1):
        cut = text[:length].rstrip() + "…"
        if text_width(cut, size, weight) <= width:
            return cut
    return "…"
