"""What a plot draws: its figure, and where each text stands on it."""

import numpy as np
import pytest
from matplotlib.text import Text

from mtl_keras.plots import figure as paper


class Drawn:
    """The last figure that was saved.

    `texts` are pairs of a string and its extent in pixels.
    """

    figure = None

    def __init__(self):
        self.texts = []

    @property
    def axes(self):
        return self.figure.axes

    @property
    def strings(self):
        return [string for string, _ in self.texts]

    def check_texts(self):
        """Checks that all texts are inside the figure and apart."""
        low = np.array([extent.min for _, extent in self.texts])
        high = np.array([extent.max for _, extent in self.texts])
        outside = (low < -1) | (high > self.figure.bbox.size + 1)
        outside = np.flatnonzero(outside.any(axis=1))
        assert not len(outside), [self.strings[index] for index in outside]
        # An extent has room for ascenders and descenders above the letters.
        low, high = low + (2, 3), high - (2, 3)
        meet = ((low[:, None] < high) & (low < high[:, None])).all(axis=-1)
        meet = np.argwhere(np.triu(meet, 1))
        assert not len(meet), [[self.strings[i] for i in pair] for pair in meet]


@pytest.fixture
def drawn(monkeypatch):
    record = Drawn()
    save, draw = paper.save, Text.draw

    def recording_save(figure, path):
        record.figure = figure
        record.texts.clear()
        return save(figure, path)

    def recording_draw(text, renderer, *args, **options):
        if text.get_visible() and text.get_text().strip():
            # Not `get_window_extent`, which adds an annotation's arrow.
            extent = Text.get_window_extent(text, renderer)
            record.texts.append((text.get_text(), extent))
        return draw(text, renderer, *args, **options)

    monkeypatch.setattr(paper, "save", recording_save)
    monkeypatch.setattr(Text, "draw", recording_draw)
    return record
