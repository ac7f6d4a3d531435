"""Tasks and grey scenes to draw, without a model."""

import dataclasses

import numpy as np
from sklearn.datasets import load_digits


@dataclasses.dataclass
class SceneTask:
    name: str
    kind: str
    class_names: tuple = ()
    num_classes: int | None = None

    def __post_init__(self):
        self.num_classes = self.num_classes or len(self.class_names)


CLS = SceneTask("cls", "classification", tuple("0123456789"))
DET = SceneTask("det", "presence")
BOX = SceneTask("box", "box")
TASKS = [BOX, CLS, DET]


def one_hot(number, num_classes=10, score=0.8):
    rest = (1 - score) / (num_classes - 1)
    return np.where(np.arange(num_classes) == number, score, rest)


def scenes(num_images, seed=0):
    """Digits on a canvas of 64x64, with true labels and right outputs."""
    random = np.random.default_rng(seed)
    digits = load_digits()
    images = np.zeros((num_images, 64, 64, 1), np.float32)
    box = np.empty((num_images, 4), np.float32)
    cls = digits.target[:num_images].astype(np.int32)
    for index in range(num_images):
        x, y = random.integers(0, 64 - 32, 2)
        digit = np.kron(digits.images[index] / 16, np.ones((4, 4)))
        images[index, y : y + 32, x : x + 32, 0] = digit
        box[index] = np.array([x, y, x + 32, y + 32]) / 64
    labels = {"cls": cls, "det": np.ones(num_images, np.int32), "box": box}
    outputs = {
        "cls": np.stack([one_hot(number) for number in cls]),
        "det": np.full((num_images, 1), 0.9, np.float32),
        "box": np.clip(box + 0.03, 0, 1),
    }
    return images, labels, outputs


def read_png(path):
    """Reads a PNG: uint8 of shape (height, width, 3)."""
    import matplotlib.image

    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    pixels = matplotlib.image.imread(path)
    return np.round(pixels[..., :3] * 255).astype(np.uint8)


def count(pixels, colour, tolerance=2):
    """Counts the pixels of a colour such as '#009E73'."""
    value = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    distance = np.abs(pixels.astype(int) - value).max(axis=-1)
    return int((distance <= tolerance).sum())
