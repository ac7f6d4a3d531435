import numpy as np
import pytest

from zoo.datasets.digit_clips import Builder, clips
from zoo.datasets.digit_scenes import scenes, strokes


@pytest.fixture(scope="module")
def some():
    return list(clips.Composer("train").clips(200))


def _places(clip):
    """The centre of what is brighter than the background, frame by frame."""
    frames = clip.frames[..., 0].astype(float)
    ink = np.clip(frames - np.median(frames) - 60, 0, None)
    total = ink.sum((1, 2))
    rows, columns = np.indices(frames.shape[1:])
    return (
        np.stack([(ink * rows).sum((1, 2)), (ink * columns).sum((1, 2))], -1)
        / total[:, None]
    )


def test_labels_are_what_is_seen(some):
    seen = 0
    for clip in some:
        places = _places(clip)
        steps = (places[-1] - places[0]) / (clips.FRAMES - 1)
        # Noise blurs dark digits.
        if clip.frames.max() < 200:
            continue
        seen += 1
        assert np.hypot(*steps) == pytest.approx(clip.speed, abs=0.06)
        if clip.speed > 0.4:
            quarter = np.arctan2(*steps) / (np.pi / 4)
            assert round(quarter) % 8 == clip.direction
    assert seen > 50


def test_names_of_directions_are_those_of_the_axes(some):
    for clip in some:
        name = clips.DIRECTIONS[clip.direction]
        down, right = np.sign(np.round(clip.places[-1] - clip.places[0], 6))
        assert ("down" in name, "up" in name) == (down > 0, down < 0)
        assert ("right" in name, "left" in name) == (right > 0, right < 0)


def test_place_in_the_middle_frame_says_nothing_of_the_motion():
    many = list(clips.Composer("train").clips(800))
    middle = np.array([clip.places[clips.MIDDLE] for clip in many])
    direction = np.array([clip.direction for clip in many])
    speed = np.array([clip.speed for clip in many])
    spread = middle.std(axis=0)
    for number in range(len(clips.DIRECTIONS)):
        shift = middle[direction == number].mean(axis=0) - middle.mean(axis=0)
        # Four standard errors of a mean of about 100.
        assert (np.abs(shift) < 4 * spread / np.sqrt(80)).all()
    correlation = np.corrcoef(np.abs(middle - middle.mean(0)).T, speed)[-1, :2]
    assert np.abs(correlation).max() < 4 / np.sqrt(len(many))
    # The first frame would tell: a digit on the left goes to the right.
    first = np.array([clip.places[0, 1] for clip in many])
    right = clips.DIRECTIONS.index("right")
    left = clips.DIRECTIONS.index("left")
    gap = first[direction == left].mean() - first[direction == right].mean()
    assert gap > 5


def test_digit_is_whole_in_every_frame(some):
    for clip in some:
        half = clips.SIZES[1] / 2
        assert clip.places.min() > half - 1
        assert clip.places.max() < clips.CANVAS - half
        edges = clip.frames[:, [0, -1]].astype(int)
        inner = np.median(clip.frames)
        # Background and noise of at most 0.06, five deviations of it.
        assert np.abs(edges - inner).max() <= 5.5 * 0.06 * 255


def test_source_digits_are_those_of_the_split(some):
    _, classes = scenes.load_sources()
    rows = scenes.divide_sources(classes)
    seen = {}
    for split in rows:
        made = list(clips.Composer(split).clips(100))
        seen[split] = {clip.source for clip in made}
        assert seen[split] <= {*rows[split].tolist()}
        assert all(clip.digit == classes[clip.source] for clip in made)
    assert not seen["train"] & (seen["validation"] | seen["test"])


def test_only_digits_of_training_clips_are_varied():
    for split, varies in (("train", True), ("test", False)):
        composer = clips.Composer(split)
        row = int(composer._rows[0])
        plain = strokes.draw(composer._images[row], composer._outlines[row], 12)
        drawn = [
            composer._draw(row, 12, np.random.default_rng(seed))
            for seed in range(4)
        ]
        same = [np.array_equal(ink, plain) for ink in drawn]
        assert not any(same) if varies else all(same)
        # The strokes fill the rectangle all the same.
        assert all(max(ink.shape) == 12 for ink in drawn)


def test_same_number_gives_the_same_clip(some):
    again = clips.Composer("train").clip(7)
    np.testing.assert_array_equal(again.frames, some[7].frames)
    assert (again.frames != some[8].frames).any()


def test_prepared_examples_are_the_clips(tmp_path):
    made = Builder(data_dir=str(tmp_path))
    made.CLIPS = {"train": 3, "validation": 2, "test": 4}
    made.download_and_prepare()
    expected = {
        clip.frames.tobytes(): (clip.digit, clip.direction, clip.speed)
        for clip in clips.Composer("test").clips(4)
    }
    stored = list(made.as_dataset(split="test").as_numpy_iterator())
    assert len(stored) == len(expected) == 4
    for example in stored:
        digit, direction, speed = expected[example["clip"].tobytes()]
        assert (example["digit"], example["direction"]) == (digit, direction)
        assert example["speed"] == np.float32(speed)
