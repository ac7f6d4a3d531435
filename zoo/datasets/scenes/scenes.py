"""Composes rooms at random and casts the rays of a camera into them."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from zoo.datasets.scenes import shapes, textures
from zoo.datasets.scenes.names import CLASSES, MISSING

HEIGHT, WIDTH = 64, 80
# Metres; what is farther away, as the sky, has no labels.
FARTHEST = 10.0
# Pixels from the centre of projection: the camera sees 48 by 58 degrees.
FOCAL = HEIGHT / 2 / np.tan(np.radians(24.0))
SEEDS = {"train": 1, "validation": 2, "test": 3}
NUM_TEXTURES = {"train": 800, "validation": 200, "test": 200}
# Each pixel's colour is the mean of this many rays, squared.
_RAYS = 2
_FLOOR = 40.0
_TRIES = 40


@dataclasses.dataclass(frozen=True)
class Scene:
    """An image and its labels.

    Attributes:
        image: uint8 array of shape `(64, 80, 3)`.
        segmentation: uint8 array of shape `(64, 80)`, rows of
            `names.CLASSES`, 255 where the label is missing.
        depth: float32 array of shape `(64, 80)`, the distance from the
            camera's plane in metres; NaN where it is missing.
        normals: float32 array of shape `(64, 80, 3)`, unit vectors in the
            camera's coordinates: x to the right, y up, z towards the camera.
            NaN where they are missing.
    """

    image: np.ndarray
    segmentation: np.ndarray
    depth: np.ndarray
    normals: np.ndarray


@dataclasses.dataclass(frozen=True)
class Thing:
    """Something in a scene.

    Attributes:
        name: String, one of `names.CLASSES`.
        shape: One of `shapes`.
        texture: `textures.Texture`.
    """

    name: str
    shape: object
    texture: textures.Texture


@dataclasses.dataclass(frozen=True)
class Camera:
    """Where the camera is and where it looks.

    Attributes:
        place: Array of shape `(3,)`.
        right: Array of shape `(3,)`, a unit direction of the world, as are
            `up` and `forward`.
        up: Array of shape `(3,)`.
        forward: Array of shape `(3,)`.
    """

    place: np.ndarray
    right: np.ndarray
    up: np.ndarray
    forward: np.ndarray

    def rays(self, per_side: int = 1) -> np.ndarray:
        """Makes the directions of rays, whose length forward is 1.

        Args:
            per_side: Integer, a pixel has this many rays, squared.

        Returns:
            Array of shape `(3, num_rays)`, row by row of the image.
        """
        rows = (np.arange(HEIGHT * per_side) + 0.5) / per_side
        columns = (np.arange(WIDTH * per_side) + 0.5) / per_side
        y = -(rows - HEIGHT / 2) / FOCAL
        x = (columns - WIDTH / 2) / FOCAL
        y, x = (each.reshape(-1) for each in np.meshgrid(y, x, indexing="ij"))
        return (
            self.right[:, None] * x
            + self.up[:, None] * y
            + self.forward[:, None]
        )


@dataclasses.dataclass(frozen=True)
class Light:
    """A light that is far away, and that of the sky.

    Attributes:
        direction: Array of shape `(3,)`, the unit direction towards it.
        colour: Array of shape `(3,)`.
        ambient: Float, the fraction of the light from everywhere.
        sky: Array of shape `(2, 3)`, the sky's colours below and above.
    """

    direction: np.ndarray
    colour: np.ndarray
    ambient: float
    sky: np.ndarray


class Composer:
    """Makes the scenes of a split; each depends on its number alone.

    Args:
        split: String, one of `SEEDS`. Each split has textures of its own.
    """

    def __init__(self, split: str):
        self._seed = SEEDS[split]
        self.textures = textures.draw(
            NUM_TEXTURES[split], np.random.default_rng([self._seed])
        )

    def scenes(self, count: int) -> Iterator[Scene]:
        """Makes the first scenes.

        Args:
            count: Integer.

        Yields:
            `Scene`.
        """
        for number in range(count):
            yield self.scene(number)

    def scene(self, number: int) -> Scene:
        """Makes a scene.

        Args:
            number: Integer, from 0.

        Returns:
            `Scene`.
        """
        random = np.random.default_rng([self._seed, number])
        camera, yaw = _camera(random)
        things = self._things(yaw, random)
        light = _light(random)
        segmentation, depth, normals = labels(things, camera)
        colours = picture(things, camera, light)
        colours = colours * random.uniform(0.85, 1.15)
        # Brighter in the dark, as cameras are, and with their noise.
        colours = np.clip(colours, 0, 1) ** (1 / 1.6)
        colours += random.normal(0, 0.012, colours.shape)
        image = np.round(255 * np.clip(colours, 0, 1)).astype(np.uint8)
        return Scene(image, segmentation, depth, normals)

    def _things(self, yaw, random) -> list[Thing]:
        def texture():
            return self.textures[random.integers(len(self.textures))]

        left, right = -random.uniform(1.5, 4.5), random.uniform(1.5, 4.5)
        back, height = random.uniform(4.0, 8.5), random.uniform(1.0, 3.2)
        things = [Thing("floor", _floor(), texture())]
        walls = {
            "back": _wall([left, back], [right, back], height),
            "left": _wall([left, -2.0], [left, back], height),
            "right": _wall([right, -2.0], [right, back], height),
        }
        # Painted alike or each otherwise.
        paint = texture() if random.random() < 0.5 else None
        for shape in walls.values():
            if random.random() < 0.7:
                things.append(Thing("wall", shape, paint or texture()))
        places = []
        for _ in range(random.integers(3, 7)):
            size = random.uniform(0.5, 1.2)
            place = _place(yaw, size, (left, right, back), places, random)
            if place is not None:
                places.append((*place, size))
                name = CLASSES[random.integers(2, len(CLASSES))]
                shape = _object(name, place, size, random)
                things.append(Thing(name, shape, texture()))
        return things


def labels(things, camera) -> tuple:
    """Finds what each pixel's centre shows.

    Args:
        things: List of `Thing`.
        camera: `Camera`.

    Returns:
        Tuple of the arrays `segmentation`, `depth` and `normals` of a `Scene`.
    """
    rays = camera.rays()
    nearest, depth = _first_hits(things, camera.place[:, None], rays)
    is_seen = depth <= FARTHEST
    normals = _normals(things, nearest, camera.place[:, None], rays, depth)
    to_camera = np.stack([camera.right, camera.up, -camera.forward])
    normals = to_camera @ normals
    numbers = np.array([CLASSES.index(thing.name) for thing in things])
    segmentation = np.where(is_seen, numbers[nearest], MISSING)
    depth = np.where(is_seen, depth, np.nan)
    normals = np.where(is_seen, normals, np.nan)
    shape = (HEIGHT, WIDTH)
    return (
        segmentation.astype(np.uint8).reshape(shape),
        depth.astype(np.float32).reshape(shape),
        normals.T.astype(np.float32).reshape(*shape, 3),
    )


def picture(things, camera, light) -> np.ndarray:
    """Finds the colour of each pixel: textures, light and shadows.

    Args:
        things: List of `Thing`.
        camera: `Camera`.
        light: `Light`.

    Returns:
        Array of shape `(64, 80, 3)`, the light that each pixel receives.
    """
    rays = camera.rays(_RAYS)
    origin = camera.place[:, None]
    nearest, distance = _first_hits(things, origin, rays)
    is_hit = np.isfinite(distance)
    normals = _normals(things, nearest, origin, rays, distance)
    points = origin + np.where(is_hit, distance, 0.0) * rays
    upward = np.clip(rays[1] / np.sqrt((rays**2).sum(axis=0)), 0, 1)
    low, high = light.sky[:, :, None]
    colours = low + (high - low) * np.sqrt(upward)
    for number, thing in enumerate(things):
        here = np.flatnonzero(is_hit & (nearest == number))
        colours[:, here] = thing.texture.colour(points[:, here])
    direction = light.direction[:, None]
    facing = np.maximum((normals * direction).sum(axis=0), 0.0)
    lit = np.flatnonzero(is_hit & (facing > 0))
    # Off the surface, or rounding would put it into its own shadow.
    start = points[:, lit] + 1e-4 * normals[:, lit]
    toward = np.broadcast_to(direction, start.shape)
    blocked = np.isfinite(_first_hits(things, start, toward)[1])
    facing[lit[blocked]] = 0.0
    shade = light.ambient + (1 - light.ambient) * facing
    brightness = np.where(is_hit, shade, 1.0) * np.where(
        is_hit, light.colour[:, None], 1.0
    )
    pixels = (colours * brightness).T
    pixels = pixels.reshape(HEIGHT, _RAYS, WIDTH, _RAYS, 3)
    return pixels.mean(axis=(1, 3))


def _first_hits(things, origin, rays) -> tuple:
    distances = np.stack([thing.shape.hit(origin, rays) for thing in things])
    nearest = distances.argmin(axis=0)
    return nearest, distances[nearest, np.arange(distances.shape[1])]


def _normals(things, nearest, origin, rays, distance):
    """Finds the unit normals towards the camera, 0 where nothing is hit."""
    normals = np.zeros(rays.shape)
    for number, thing in enumerate(things):
        here = np.flatnonzero(np.isfinite(distance) & (nearest == number))
        points = origin + distance[here] * rays[:, here]
        normals[:, here] = thing.shape.normals(points)
    is_away = (normals * rays).sum(axis=0) > 0
    return np.where(is_away, -normals, normals)


def _camera(random) -> tuple[Camera, float]:
    yaw = np.radians(random.uniform(-20, 20))
    pitch = np.radians(random.uniform(4, 28))
    roll = np.radians(random.uniform(-4, 4))
    flat = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
    vertical = np.array([0.0, 1.0, 0.0])
    forward = np.cos(pitch) * flat - np.sin(pitch) * vertical
    up = np.sin(pitch) * flat + np.cos(pitch) * vertical
    turned = np.cos(roll) * right + np.sin(roll) * up
    up = np.cos(roll) * up - np.sin(roll) * right
    place = np.array([0.0, random.uniform(1.0, 1.9), 0.0])
    return Camera(place, turned, up, forward), yaw


def _light(random) -> Light:
    height = np.radians(random.uniform(30, 75))
    # From anywhere but straight ahead, where all would be in shadow.
    side = np.radians(random.uniform(-140, 140)) + np.pi
    direction = np.array(
        [
            np.cos(height) * np.sin(side),
            np.sin(height),
            np.cos(height) * np.cos(side),
        ]
    )
    colour = 1.15 + random.uniform(-0.15, 0.15, 3)
    sky = random.uniform(0.3, 1.0, (2, 3))
    return Light(direction, colour, random.uniform(0.25, 0.5), sky)


def _floor():
    corner = np.array([-_FLOOR / 2, 0.0, -_FLOOR / 2])
    return shapes.Rectangle(
        corner,
        np.array([1.0, 0.0, 0.0]),
        np.array([0.0, 0.0, 1.0]),
        (_FLOOR, _FLOOR),
    )


def _wall(start, end, height):
    start = np.array([start[0], 0.0, start[1]])
    end = np.array([end[0], 0.0, end[1]])
    length = np.linalg.norm(end - start)
    vertical = np.array([0.0, 1.0, 0.0])
    return shapes.Rectangle(
        start, (end - start) / length, vertical, (length, height)
    )


def _place(yaw, size, room, places, random):
    """Finds a free place on the floor that the camera sees, or `None`."""
    left, right, back = room
    for _ in range(_TRIES):
        angle = yaw + np.radians(random.uniform(-25, 25))
        distance = random.uniform(1.8, 5.5)
        x, z = distance * np.sin(angle), distance * np.cos(angle)
        is_inside = left + size < x < right - size and z < back - size
        if is_inside and all(
            np.hypot(x - other_x, z - other_z) > 0.75 * (size + other)
            for other_x, other_z, other in places
        ):
            return x, z
    return None


def _object(name, place, size, random):
    """Makes a shape whose footprint has a radius of at most 0.75 `size`."""
    base = np.array([place[0], 0.0, place[1]])
    up = np.array([0.0, 1.0, 0.0])
    turn = random.uniform(0, np.pi)
    if name == "box":
        half = size * random.uniform([0.25, 0.2, 0.25], [0.5, 0.75, 0.5])
        return shapes.Box(base + up * half[1], half, turn)
    if name == "sphere":
        radius = size * random.uniform(0.4, 0.65)
        return shapes.Sphere(base + up * radius, radius)
    if name in ("cylinder", "cone"):
        make = shapes.Cylinder if name == "cylinder" else shapes.Cone
        radius = size * random.uniform(0.3, 0.6)
        return make(base, radius, size * random.uniform(0.5, 1.6))
    # A board: it stands on one side and leans, facing the camera or not.
    width, height = size * random.uniform([0.7, 0.7], [1.1, 1.15])
    turn = random.uniform(-np.pi / 3, np.pi / 3)
    lean = np.radians(random.uniform(15, 60))
    along = np.array([np.cos(turn), 0.0, np.sin(turn)])
    back = np.array([-np.sin(turn), 0.0, np.cos(turn)])
    across = np.cos(lean) * up + np.sin(lean) * back
    corner = base - along * width / 2 - back * np.sin(lean) * height / 2
    return shapes.Rectangle(corner, along, across, (width, height))
