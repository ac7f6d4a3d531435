"""Shapes that rays can hit: rectangles, boxes, spheres, cylinders, cones.

The world has y up, in metres. Points and directions are arrays of shape
`(3, num_rays)`, or `(3, 1)` for one point. Each shape has two methods: `hit`
returns how many times its direction each ray travels until it meets the shape,
infinite where it never does; `normals` returns unit normals at points on the
shape, of either sign.
"""

import dataclasses

import numpy as np

# Nearer hits are of the surface that a shadow ray starts on.
_NEAR = 1e-6


@dataclasses.dataclass(frozen=True)
class Rectangle:
    """A flat rectangle.

    Attributes:
        corner: Array of shape `(3,)`.
        along: Array of shape `(3,)`, the unit direction of its first side.
        across: Array of shape `(3,)`, that of its second side.
        size: Pair of floats, the lengths of the sides.
    """

    corner: np.ndarray
    along: np.ndarray
    across: np.ndarray
    size: tuple[float, float]

    def hit(self, origin, direction):
        """Finds the distances; see the module."""
        normal = np.cross(self.along, self.across)
        to_corner = self.corner[:, None] - origin
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (normal @ to_corner) / (normal @ direction)
            reached = distance * direction - to_corner
            first, second = self.along @ reached, self.across @ reached
        is_hit = (
            (distance > _NEAR)
            & (first >= 0)
            & (first <= self.size[0])
            & (second >= 0)
            & (second <= self.size[1])
        )
        return np.where(is_hit, distance, np.inf)

    def normals(self, points):
        """Finds the normals; see the module."""
        normal = np.cross(self.along, self.across)
        return np.broadcast_to(normal[:, None], points.shape)


@dataclasses.dataclass(frozen=True)
class Box:
    """A box on the floor, turned about the vertical.

    Attributes:
        centre: Array of shape `(3,)`.
        half: Array of shape `(3,)`, half of its width, height and length.
        turn: Float, the angle in radians.
    """

    centre: np.ndarray
    half: np.ndarray
    turn: float

    def hit(self, origin, direction):
        """Finds the distances; see the module."""
        start = self._turned(origin - self.centre[:, None])
        step = self._turned(direction)
        half = self.half[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (-half - start) / step, (half - start) / step
        enters = np.minimum(first, second).max(axis=0)
        leaves = np.maximum(first, second).min(axis=0)
        is_hit = (enters < leaves) & (enters > _NEAR)
        return np.where(is_hit, enters, np.inf)

    def normals(self, points):
        """Finds the normals; see the module."""
        local = self._turned(points - self.centre[:, None])
        side = np.abs(local / self.half[:, None]).argmax(axis=0)
        columns = np.arange(len(side))
        normal = np.zeros_like(local)
        normal[side, columns] = np.sign(local[side, columns])
        return _about_vertical(-self.turn, normal)

    def _turned(self, vectors):
        return _about_vertical(self.turn, vectors)


@dataclasses.dataclass(frozen=True)
class Sphere:
    """A sphere.

    Attributes:
        centre: Array of shape `(3,)`.
        radius: Float.
    """

    centre: np.ndarray
    radius: float

    def hit(self, origin, direction):
        """Finds the distances; see the module."""
        start = origin - self.centre[:, None]
        return _nearest_root(
            (direction**2).sum(axis=0),
            (start * direction).sum(axis=0),
            (start**2).sum(axis=0) - self.radius**2,
            lambda distance: True,
        )

    def normals(self, points):
        """Finds the normals; see the module."""
        return (points - self.centre[:, None]) / self.radius


@dataclasses.dataclass(frozen=True)
class Cylinder:
    """An upright cylinder on the floor, closed above.

    Attributes:
        base: Array of shape `(3,)`, the centre of its lower end.
        radius: Float.
        height: Float.
    """

    base: np.ndarray
    radius: float
    height: float

    def hit(self, origin, direction):
        """Finds the distances; see the module."""
        start = origin - self.base[:, None]
        flat = [0, 2]
        side = _nearest_root(
            (direction[flat] ** 2).sum(axis=0),
            (start[flat] * direction[flat]).sum(axis=0),
            (start[flat] ** 2).sum(axis=0) - self.radius**2,
            lambda t: _is_between(start[1] + t * direction[1], self.height),
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            lid = (self.height - start[1]) / direction[1]
            reached = start[flat] + lid * direction[flat]
        is_hit = (lid > _NEAR) & ((reached**2).sum(axis=0) <= self.radius**2)
        return np.minimum(side, np.where(is_hit, lid, np.inf))

    def normals(self, points):
        """Finds the normals; see the module."""
        local = points - self.base[:, None]
        is_lid = local[1] > self.height - 1e-5
        round_part = local * np.array([1.0, 0.0, 1.0])[:, None] / self.radius
        up = np.array([0.0, 1.0, 0.0])[:, None]
        return np.where(is_lid, up, round_part)


@dataclasses.dataclass(frozen=True)
class Cone:
    """An upright cone on the floor.

    Attributes:
        base: Array of shape `(3,)`, the centre of its lower end.
        radius: Float, of its lower end.
        height: Float.
    """

    base: np.ndarray
    radius: float
    height: float

    def hit(self, origin, direction):
        """Finds the distances; see the module."""
        tip = self.base + np.array([0.0, self.height, 0.0])
        start = origin - tip[:, None]
        slope = np.array([1.0, -((self.radius / self.height) ** 2), 1.0])
        return _nearest_root(
            slope @ direction**2,
            slope @ (start * direction),
            slope @ start**2,
            lambda t: _is_between(
                start[1] + t * direction[1] + self.height, self.height
            ),
        )

    def normals(self, points):
        """Finds the normals; see the module."""
        local = points - self.base[:, None]
        flat = np.sqrt(local[0] ** 2 + local[2] ** 2) + 1e-12
        length = np.hypot(self.radius, self.height)
        outward, upward = self.height / length, self.radius / length
        return np.stack(
            [
                local[0] / flat * outward,
                np.full_like(flat, upward),
                local[2] / flat * outward,
            ]
        )


def _about_vertical(angle, vectors):
    """Turns vectors of shape `(3, num)` about the y axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = vectors
    return np.stack([cos * x - sin * z, y, sin * x + cos * z])


def _is_between(height, high):
    return (height >= 0) & (height <= high)


def _nearest_root(a, b, c, is_legal):
    """Solves `a t^2 + 2 b t + c = 0` for the least legal t above 0."""
    discriminant = b**2 - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(discriminant)
        candidates = np.stack([(-b - root) / a, (-b + root) / a])
    nearest = np.full(candidates.shape[1], np.inf)
    for distance in candidates:
        with np.errstate(invalid="ignore"):
            is_hit = (distance > _NEAR) & is_legal(distance)
        nearest = np.where(is_hit & (distance < nearest), distance, nearest)
    return nearest
