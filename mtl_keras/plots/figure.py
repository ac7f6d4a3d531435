"""Figures in the project's style: size, colours, layout, saving."""

import contextlib
import functools
import pathlib

from mtl_keras import files

INK = "#333333"
FAINT = "#6E6E6E"
RULE = "#D9D9D9"
# Paul Tol's muted scheme (https://personal.sron.nl/~pault/), darkened until
# text in each colour has a contrast of 4.5 on white (WCAG 2), and shifted until
# the two closest are twice as far apart for colour-blind readers.
TASK_COLOURS = (
    "#4477AA",
    "#C24259",
    "#00601A",
    "#8A4083",
    "#857214",
    "#1C0F80",
    "#4F7F66",
    "#6A0F4A",
)

# At 72 dots per inch a point is a pixel: all sizes are in pixels.
_DOTS_PER_INCH = 72
_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": INK,
    "text.parse_math": False,
    "axes.axisbelow": True,
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 14,
    "figure.constrained_layout.h_pad": 10 / 72,
    "figure.constrained_layout.w_pad": 10 / 72,
    "figure.titlesize": 16,
    "figure.titleweight": "bold",
    "grid.color": "#EEEEEE",
    "legend.borderaxespad": 0.8,
    "legend.frameon": False,
    "legend.handlelength": 2.3,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
}


def checked_path(path) -> pathlib.Path:
    """Checks a figure's path.

    Raises:
        ValueError: If it is a folder or does not end with `.png`.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise ValueError(
            "`path` must be a file, not a folder. "
            f"Received: path='{path}'. Write path='{path / 'figure.png'}'."
        )
    if path.suffix.lower() != ".png":
        raise ValueError(
            "`path` must end with '.png', the only format written. "
            f"Received: path='{path}'. Write path='{path.with_suffix('.png')}'."
        )
    return path


@contextlib.contextmanager
def new_figure(width: int, height: int, *, layout: str = "constrained"):
    """Makes an empty figure in the project's style, whatever the user's is.

    Args:
        width: Integer, pixels.
        height: Integer, pixels.
        layout: String, Matplotlib's layout engine, or `"none"`.

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
        figure = Figure(size, _DOTS_PER_INCH, facecolor="white", layout=layout)
        FigureCanvasAgg(figure)
        yield figure


def write_title(figure, title: str | None, note: str | None = None) -> None:
    """Writes a title above the axes and an explanation below them.

    Args:
        figure: Figure of `new_figure` with a layout engine.
        title: String, cut to the figure's width, or `None`.
        note: String, wrapped at the figure's width, or `None`.
    """
    width = figure.bbox.width
    left = 16 / width
    if title:
        title = shortened(title, width - 32, 16, "bold")
        figure.suptitle(title, x=left, ha="left")
    if note:
        figure.supxlabel(
            note, x=left, ha="left", size=11, color=FAINT, wrap=True
        )


def pixel_axes(figure):
    """Covers a figure without layout with axes in pixels from its top left."""
    width, height = figure.bbox.size
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(autoscale_on=False, xlim=(0, width), ylim=(height, 0))
    return axes


def save(figure, path: pathlib.Path) -> pathlib.Path:
    """Writes a figure to a path of `checked_path`; returns the path."""
    # Without Matplotlib's version the same data give the same bytes.
    files.write_atomically(
        path,
        lambda file: figure.canvas.print_png(file, metadata={"Software": None}),
    )
    return path


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Returns the width of a line of text in pixels."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return _renderer().get_text_width_height_descent(text, font, False)[0]


@functools.cache
def _renderer():
    # The renderer that draws: its hinting makes text wider than the outlines.
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, _DOTS_PER_INCH)


def shortened(
    text: str, width: float, size: float, weight: str = "normal"
) -> str:
    """Cuts a line of text to a width in pixels, with an ellipsis if cut."""
    if text_width(text, size, weight) <= width:
        return text
    while text and text_width(text + "…", size, weight) > width:
        text = text[:-1].rstrip()
    return text + "…"
