"""Textures of surfaces: colours and patterns that say nothing of the class."""

import dataclasses

import numpy as np

PATTERNS = ("plain", "checker", "stripes", "waves", "dots")


@dataclasses.dataclass(frozen=True)
class Texture:
    """A pattern of two colours in space.

    Attributes:
        pattern: String, one of `PATTERNS`.
        colours: Array of shape `(2, 3)`, reflected fractions of red, green
            and blue.
        axes: Array of shape `(3, 3)`, the pattern's directions.
        period: Float in metres.
    """

    pattern: str
    colours: np.ndarray
    axes: np.ndarray
    period: float

    def colour(self, points):
        """Looks up the colours of points.

        Args:
            points: Array of shape `(3, num_points)` in metres.

        Returns:
            Array of shape `(3, num_points)` in [0, 1].
        """
        mix = self._mix(self.axes @ points / self.period)
        low, high = self.colours[:, :, None]
        return low + (high - low) * mix

    def _mix(self, place):
        if self.pattern == "plain":
            return np.zeros(place.shape[1])
        if self.pattern == "checker":
            return np.floor(place).sum(axis=0) % 2
        if self.pattern == "stripes":
            return np.floor(place[0]) % 2
        if self.pattern == "waves":
            wave = np.sin(2 * np.pi * place).sum(axis=0)
            wave = wave + np.sin(4.4 * place[::-1] + place).sum(axis=0)
            return np.clip(0.5 + wave / 6, 0, 1)
        centred = place - np.floor(place) - 0.5
        return ((centred**2).sum(axis=0) < 0.12).astype(float)


def draw(count: int, random: np.random.Generator) -> list[Texture]:
    """Draws textures.

    Args:
        count: Integer.
        random: `numpy.random.Generator`.

    Returns:
        List of `Texture`.
    """
    return [_one(random) for _ in range(count)]


def _one(random) -> Texture:
    pattern = PATTERNS[random.integers(len(PATTERNS))]
    first = random.uniform(0.1, 0.95, 3)
    # The second colour may be near the first one, or far.
    weight = random.uniform(0.15, 0.8)
    second = (1 - weight) * first + weight * random.uniform(0.05, 1.0, 3)
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    period = np.exp(random.uniform(np.log(0.12), np.log(0.9)))
    return Texture(pattern, np.stack([first, second]), axes, float(period))
