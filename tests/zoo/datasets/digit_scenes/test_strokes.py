import numpy as np
import pytest

from zoo.datasets.digit_scenes import scenes, strokes


@pytest.fixture(scope="module")
def sources():
    images, _ = scenes.load_sources()
    return [image for image in images[::60] if strokes.outline(image)]


@pytest.mark.parametrize("longest", [16, 23, 44])
def test_longer_side_is_as_asked(sources, longest):
    for image in sources:
        ink = strokes.draw(image, strokes.outline(image), longest)
        assert max(ink.shape) == longest


@pytest.mark.parametrize("longest", [16, 44])
def test_drawn_digit_touches_all_four_sides(sources, longest):
    # Where one pixel of ink holds the side, it may fall between two.
    for image in sources:
        ink = strokes.draw(image, strokes.outline(image), longest)
        tight = strokes.tight(ink)
        assert ink.shape[0] - tight.shape[0] <= 2
        assert ink.shape[1] - tight.shape[1] <= 2


def test_few_sources_fall_apart():
    images, _ = scenes.load_sources()
    apart = [image for image in images if strokes.outline(image) is None]
    assert len(apart) <= 0.01 * len(images)


def test_digit_of_two_parts_has_no_outline():
    image = np.zeros((10, 10), "float32")
    image[2:8, 2] = image[2:8, 7] = 1.0
    assert strokes.outline(image) is None


@pytest.mark.parametrize("kept", [0.4, 0.55, 0.7])
@pytest.mark.parametrize("angle", [0.0, 1.0, 2.0, 4.5])
def test_piece_keeps_its_share_of_the_ink(sources, kept, angle):
    for image in sources:
        ink = strokes.draw(image, strokes.outline(image), 44)
        piece = strokes.cut(ink, kept, angle)
        # A pixel row along the line, and the soft rim that is cropped.
        assert abs(piece.sum() / ink.sum() - kept) < 0.08


def test_cut_keeps_the_asked_side():
    ink = np.zeros((20, 20))
    ink[4:16, 5:15] = 1.0
    left = strokes.cut(ink, 0.5, 0.0)
    top = strokes.cut(ink, 0.5, np.pi / 2)
    assert left.shape[0] == 12
    assert 5 <= left.shape[1] <= 6
    assert 6 <= top.shape[0] <= 7
    assert top.shape[1] == 10
