import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from zoo.datasets.digit_scenes import scenes

NUM_SCENES = 400


@pytest.fixture(scope="module")
def test_scenes():
    return list(scenes.Composer("test").scenes(NUM_SCENES))


def with_digit(items):
    return [scene for scene in items if scene.det]


def test_splits_share_no_source():
    _, classes = scenes.load_sources()
    rows = scenes.divide_sources(classes)
    together = np.concatenate(list(rows.values()))
    assert sorted(together) == list(range(len(classes)))


def test_splits_hold_each_digit_in_its_share():
    _, classes = scenes.load_sources()
    rows = scenes.divide_sources(classes)
    for split, share in scenes.SHARES.items():
        counts = np.bincount(classes[rows[split]], minlength=10)
        np.testing.assert_allclose(
            counts, share * np.bincount(classes), atol=1.0
        )


@pytest.mark.parametrize("split", scenes.SHARES)
def test_scenes_are_made_of_their_own_split(split):
    _, classes = scenes.load_sources()
    own = set(scenes.divide_sources(classes)[split])
    for scene in scenes.Composer(split).scenes(60):
        used = {*scene.pieces, *([scene.source] if scene.det else [])}
        assert used <= own


def test_same_number_gives_the_same_scene(test_scenes):
    again = scenes.Composer("test").scene(7)
    for field in dataclasses.fields(scenes.Scene):
        np.testing.assert_array_equal(
            getattr(again, field.name), getattr(test_scenes[7], field.name)
        )


def test_a_quarter_holds_pieces_only(test_scenes):
    assert np.mean([scene.det for scene in test_scenes]) == 0.75


def test_labels_are_missing_where_there_is_no_digit(test_scenes):
    for scene in test_scenes:
        if scene.det:
            assert 0 <= scene.cls < 10
            assert np.isfinite(scene.box).all()
        else:
            assert scene.cls == -1
            assert np.isnan(scene.box).all()


def test_class_is_that_of_the_source(test_scenes):
    _, classes = scenes.load_sources()
    for scene in with_digit(test_scenes):
        assert scene.cls == classes[scene.source]


def test_digit_is_not_among_its_pieces(test_scenes):
    for scene in with_digit(test_scenes):
        assert scene.source not in scene.pieces


def test_one_to_three_pieces_beside_a_digit(test_scenes):
    numbers = {len(scene.pieces) for scene in with_digit(test_scenes)}
    assert numbers == {1, 2, 3}


def test_longer_side_has_16_to_44_pixels(test_scenes):
    boxes = np.stack([scene.box for scene in with_digit(test_scenes)])
    sides = (boxes[:, 2:] - boxes[:, :2]) * scenes.CANVAS
    np.testing.assert_allclose(sides, np.round(sides), atol=1e-4)
    longest = np.round(sides.max(axis=-1))
    assert longest.min() >= 16
    assert longest.max() <= 44
    assert len(np.unique(longest)) > 20


def test_boxes_lie_in_the_picture(test_scenes):
    boxes = np.stack([scene.box for scene in with_digit(test_scenes)])
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_box_is_tight_on_the_ink(monkeypatch):
    # Without noise and background, and with the pieces' ink left out, what is
    # lit is the digit.
    painted = []
    paint = scenes._paint

    def keep(canvas, ink, *args):
        before = canvas.copy()
        paint(canvas, ink, *args)
        painted.append(canvas - before)

    monkeypatch.setattr(scenes, "_paint", keep)
    composer = scenes.Composer("test")
    for number in range(40):
        scene = composer.scene(number)
        if not scene.det:
            continue
        gained = painted[-1] >= 0.4 * painted[-1].max()
        rows = np.flatnonzero(gained.any(axis=1))
        columns = np.flatnonzero(gained.any(axis=0))
        seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(
            np.array(seen) / scenes.CANVAS, scene.box, atol=1.01 / 64
        )


def test_picture_is_8_bit_with_noise(test_scenes):
    for scene in test_scenes[:20]:
        assert scene.image.shape == (64, 64, 1)
        assert scene.image.dtype == np.uint8
        assert len(np.unique(scene.image)) > 8


@pytest.mark.slow
def test_ink_alone_does_not_tell_presence(test_scenes):
    train = list(scenes.Composer("train").scenes(2000))
    held_out = list(scenes.Composer("validation").scenes(1000))

    def pooled(items):
        images = np.stack([scene.image for scene in items]) / 255.0
        return images.reshape(-1, 16, 4, 16, 4).mean((2, 4)).reshape(-1, 256)

    def answers(items):
        return [scene.det for scene in items]

    # Strong enough a regularization that it does not merely learn by heart:
    # without any the figure is lower, which would make the test weaker.
    model = LogisticRegression(C=0.1, max_iter=500)
    model.fit(pooled(train), answers(train))
    score = model.decision_function(pooled(held_out))
    assert roc_auc_score(answers(held_out), score) < 0.85
