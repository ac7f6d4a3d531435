"""Where rays meet shapes, against points that lie on them by definition."""

import numpy as np
import pytest

from zoo.datasets.scenes import shapes

BASE = np.array([0.3, 0.0, 3.0])
SHAPES = {
    "rectangle": shapes.Rectangle(
        np.array([-1.0, 0.0, 3.0]),
        np.array([1.0, 0.0, 0.0]),
        np.array([0.0, 0.8, 0.6]),
        (2.0, 1.5),
    ),
    "box": shapes.Box(BASE + [0, 0.4, 0], np.array([0.5, 0.4, 0.3]), 0.7),
    "sphere": shapes.Sphere(BASE + [0, 0.6, 0], 0.6),
    "cylinder": shapes.Cylinder(BASE, 0.5, 0.9),
    "cone": shapes.Cone(BASE, 0.6, 1.1),
}
ORIGIN = np.array([0.0, 1.4, 0.0])[:, None]


def outside(name, points):
    """A function that is 0 on the surface, below it within the shape."""
    x, y, z = points
    if name == "rectangle":
        return np.abs((z - 3.0) * 0.8 - y * 0.6)
    x, z = x - BASE[0], z - BASE[2]
    if name == "sphere":
        return np.sqrt(x**2 + (y - 0.6) ** 2 + z**2) - 0.6
    radius = np.sqrt(x**2 + z**2)
    if name == "cylinder":
        return np.maximum.reduce([radius - 0.5, y - 0.9, -y])
    if name == "cone":
        return np.maximum(radius - 0.6 * (1 - y / 1.1), -y)
    along = np.cos(0.7) * x - np.sin(0.7) * z
    across = np.sin(0.7) * x + np.cos(0.7) * z
    return np.maximum.reduce(
        [np.abs(along) - 0.5, np.abs(across) - 0.3, np.abs(y - 0.4) - 0.4]
    )


def rays(count=4000, seed=0):
    random = np.random.default_rng(seed)
    direction = random.uniform([-0.6, -0.6, 1.0], [0.7, 0.1, 1.0], (count, 3))
    return direction.T


@pytest.mark.parametrize("name", SHAPES)
def test_hits_lie_on_the_surface_and_nothing_lies_before(name):
    direction = rays()
    distance = SHAPES[name].hit(ORIGIN, direction)
    is_hit = np.isfinite(distance)
    assert 0.02 < is_hit.mean() < 0.9
    points = ORIGIN + distance[is_hit] * direction[:, is_hit]
    np.testing.assert_allclose(outside(name, points), 0, atol=1e-9)
    if name == "rectangle":
        return
    # Along each ray, the shape is entered where the hit is, or never.
    steps = np.linspace(0.01, 8, 1500)[:, None, None]
    values = outside(
        name, np.moveaxis(ORIGIN + steps * direction[:, :300], 1, 0)
    )
    is_inside = values < -2e-3
    first = np.where(
        is_inside.any(axis=0), steps[is_inside.argmax(axis=0), 0, 0], np.inf
    )
    seen = np.isfinite(first)
    assert np.isfinite(distance[:300][seen]).all()
    assert (distance[:300][seen] <= first[seen] + 1e-6).all()


@pytest.mark.parametrize("name", SHAPES)
def test_normals_are_the_surface_s_gradient(name):
    direction = rays()
    shape = SHAPES[name]
    distance = shape.hit(ORIGIN, direction)
    is_hit = np.isfinite(distance)
    points = ORIGIN + distance[is_hit] * direction[:, is_hit]
    normals = shape.normals(points)
    np.testing.assert_allclose((normals**2).sum(axis=0), 1, atol=1e-9)
    if name == "rectangle":
        np.testing.assert_allclose(
            np.abs(normals.T @ [0.0, -0.6, 0.8]), 1, atol=1e-9
        )
        return
    step = 1e-5
    gradient = np.stack(
        [
            outside(name, points + step * axis[:, None])
            - outside(name, points - step * axis[:, None])
            for axis in np.eye(3)
        ]
    )
    gradient /= np.sqrt((gradient**2).sum(axis=0))
    # But for edges, which have no normal.
    agrees = (normals * gradient).sum(axis=0) > 0.9999
    assert agrees.mean() > 0.97


def test_a_ray_that_starts_on_a_shape_leaves_it():
    sphere = SHAPES["sphere"]
    start = np.array([[0.3], [1.2], [3.0]])
    up = np.array([[0.0], [1.0], [0.0]])
    assert np.isinf(sphere.hit(start + 1e-4 * up, up)).all()
    assert np.isfinite(sphere.hit(start + up, -up)).all()
