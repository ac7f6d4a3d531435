"""Marks on an image: boxes, their colours, tags."""

from mtl_keras.plots import figure as paper

# Okabe and Ito (2008): colour-blind readers can tell them apart.
_BOX_COLOURS = {True: "#009E73", False: "#D55E00", None: "#3A8FD6"}
# Of classes, likewise, dark enough for white text.
_CLASS_COLOURS = ("#3A8FD6", "#D55E00", "#009E73", "#A8548B", "#8A6D00")
# The same, darker, for text on white.
_TEXT_COLOURS = {True: "#00704F", False: "#B54400", None: paper.INK}
_SIGNS = {True: "✓ ", False: "✗ ", None: ""}
TRUE_COLOUR = "#FFFFFF"
_SMALLEST_FONT = 6


def box_colour(is_right: bool | None) -> str:
    """Returns the colour of a predicted box."""
    return _BOX_COLOURS[is_right]


def class_colour(number: int) -> str:
    """Returns the colour of a class; they repeat after five."""
    return _CLASS_COLOURS[number % len(_CLASS_COLOURS)]


def style_of(remark) -> tuple[str, str, str]:
    """Returns how a remark is written.

    Args:
        remark: `annotations.Remark`.

    Returns:
        Three strings: the sign before the text, the colour, the font's weight.
    """
    # Details are marked only where they are wrong.
    is_plain = remark.is_right and not remark.is_main
    verdict = None if is_plain else remark.is_right
    is_detail = verdict is None and not remark.is_main
    colour = paper.FAINT if is_detail else _TEXT_COLOURS[verdict]
    return _SIGNS[verdict], colour, "bold" if remark.is_main else "normal"


def draw_image(axes, image, extent) -> None:
    """Draws an image, with hard edges where it is enlarged.

    Args:
        axes: Axes of `figure.pixel_axes`.
        image: Array of shape `(height, width, 3)`, uint8.
        extent: Four floats, its left, top, right and bottom in pixels.
    """
    left, top, right, bottom = extent
    is_enlarged = right - left >= image.shape[1]
    axes.imshow(
        image,
        extent=(left, right, bottom, top),
        interpolation="nearest" if is_enlarged else "antialiased",
        aspect="auto",
    )


def draw_box(axes, box, extent, colour: str, *, is_true: bool, width: float):
    """Draws a box on an image.

    Args:
        axes: Axes of `figure.pixel_axes`.
        box: Array `x1, y1, x2, y2`, fractions of the image.
        extent: Four floats, the image's left, top, right and bottom in pixels.
        colour: String.
        is_true: Boolean, whether the box is a label, hence dashed.
        width: Float, the line's width in pixels.
    """
    from matplotlib.patches import Rectangle

    # A box that exceeds the image ends at the image's edge.
    x1, y1, x2, y2 = _inside(box, extent, width / 2)
    dashes = (0, (2.4, 2.0)) if is_true else "-"
    # The dark line below keeps it visible on an image of its own colour.
    ground = {"edgecolor": "#000000", "alpha": 0.55}
    ground["linewidth"] = width if is_true else width + 2
    line = {"edgecolor": colour, "linewidth": width, "linestyle": dashes}
    for style in (ground, line):
        patch = Rectangle(
            (x1, y1), x2 - x1, y2 - y1, fill=False, joinstyle="miter", **style
        )
        patch.set_snap(True)
        axes.add_patch(patch)


def _inside(box, extent, margin):
    left, top, right, bottom = extent
    sides = zip(box, (left, top) * 2, (right, bottom) * 2, strict=True)
    return [
        min(max(low + fraction * (high - low), low + margin), high - margin)
        for fraction, low, high in sides
    ]


def draw_tag(axes, text: str, extent, box, colour: str, font: float, line):
    """Writes white on colour, above a box or in an image's corner.

    Args:
        axes: Axes of `figure.pixel_axes`.
        text: String; if wider than the image it is made smaller, then cut.
        extent: Four floats, the image's left, top, right and bottom in pixels.
        box: Array `x1, y1, x2, y2`, fractions of the image, or `None` for the
            corner.
        colour: String, the background's colour.
        font: Float, the font's size in pixels.
        line: Float, the width of the box's line in pixels.
    """
    from matplotlib.patches import Rectangle

    room = extent[2] - extent[0]
    width = paper.text_width(text, font, "bold")
    if width + 0.8 * font > room:
        font = max(_SMALLEST_FONT, font * room / (width + 0.9 * font))
        text = paper.shortened(text, room - 0.8 * font, font, "bold")
        width = paper.text_width(text, font, "bold")
    width, height = width + 0.8 * font, 1.5 * font
    left, top = extent[:2]
    if box is not None:
        left, top = _tag_place(box, extent, width, height, line)
    axes.add_patch(Rectangle((left, top), width, height, color=colour, lw=0))
    axes.text(
        left + 0.4 * font,
        top + height / 2,
        text,
        size=font,
        color="white",
        weight="bold",
        va="center_baseline",
    )


def _tag_place(box, extent, width, height, line):
    left, top, right, bottom = extent
    x1, y1, x2, y2 = _inside(box, extent, line / 2)
    x1, y1, y2 = min(x1, x2), min(y1, y2), max(y1, y2)
    x = min(max(left, x1 - line / 2), right - width)
    # Above the box; else below it; else inside, at its upper edge.
    y = y1 - line / 2 - height
    if y < top:
        y = y2 + line / 2
    if y + height > bottom:
        y = min(max(top, y1 + line / 2), bottom - height)
    return x, y
