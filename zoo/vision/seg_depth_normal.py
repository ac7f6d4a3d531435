"""What each pixel of an image shows: its class, distance and direction.

The tasks of NYUv2 in the multi-task literature (Liu et al., CVPR 2019,
https://arxiv.org/abs/1803.10704). A shared encoder-decoder with skip
connections gives one fine map that three small heads read.
"""

import keras

import mtl_keras
import zoo
from mtl_keras import MultiTaskModel, Task, checks
from mtl_keras import data as mtl_data
from zoo.datasets import mask_labels
from zoo.datasets.scenes import names
from zoo.vision import hourglass

_HEIGHT, _WIDTH = 64, 80
_HIDDEN = 24


class SegDepthNormal(zoo.Entry):
    """The class, the distance and the surface's direction of each pixel."""

    data = {"scenes": "zoo.datasets.scenes:Builder"}
    kinds = {"segmentation": "mask", "depth": "depth", "normals": "normals"}
    reads = "image"
    search_dropout = 0.3
    search_values = {"width": (0.5, 0.75, 1.0, 1.5)}
    classes = {"scenes": {"segmentation": names.CLASSES}}
    answers = {
        "depth": "how many metres each pixel is away, along the camera's axis",
        "normals": (
            "the direction of the surface at each pixel, a unit vector: x to "
            "the right, y up, z towards the camera"
        ),
    }
    notes = (
        "What the training split alone predicts, the most frequent class, the "
        "mean depth and the mean normal at each place: mIoU 0.119, accuracy "
        "0.625, depth error 1.020 m and 0.311, normals' mean and median angle "
        "34.9 and 30.9 degrees, 0.160, 0.370 and 0.488 within 11.25, 22.5 and "
        "30 degrees.",
        "95% bootstrap intervals over the 300 test scenes: mIoU 0.650 to "
        "0.685, depth error 0.499 to 0.552 m, mean angle 11.9 to 13.0 degrees.",
        "IoU of the classes: floor 0.90, wall 0.91, box 0.37, sphere 0.83, "
        "cylinder 0.46, cone 0.76, board 0.44. Flat sides of boxes, cylinders "
        "and boards are taken for each other.",
        "One seed. Over single tasks sharing gains 1.1% by the recipe, whose "
        "weights were chosen on the validation split after the comparison "
        "below, with a third of the parameters; equal weights lose 2%, since "
        "they leave the normals too little. Other architectures were not "
        "compared.",
        "Pixels of the sky, or farther away than 10 metres, have no labels: "
        "what the model predicts there means nothing.",
        "Rendered rooms only: on photographs it must be trained anew, such as "
        "on NYUv2 in LibMTL's layout, which `data=FOLDER` reads.",
    )
    summary = (
        "Three tasks on one image, an answer for each pixel: what it shows "
        "(segmentation), how far away that is in metres (depth), and which "
        "way the surface faces (normals)."
    )

    def task(self, name: str, spec):
        """Makes one task; of the segmentation mIoU and accuracy are measured.

        Args:
            name: String, one of `spec.tasks`.
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.Task`.
        """
        if self.kinds[name] != "mask":
            return super().task(name, spec)
        class_names = spec.classes[name]
        iou = mtl_keras.metrics.Jaccard(len(class_names), name="iou")
        return Task(
            name, "mask", class_names=class_names, metrics=(iou, "accuracy")
        )

    def build(
        self,
        spec,
        *,
        width: float = 1.0,
        dropout: float = 0.0,
        image_height: int = _HEIGHT,
        image_width: int = _WIDTH,
        sharing="hard",
    ) -> MultiTaskModel:
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            width: Float above 0, a factor of the trunk's channels.
            dropout: Float in [0, 1), fraction of each head's channels dropped
                in training.
            image_height: Integer, the height of the model's input and of its
                outputs in pixels, a multiple of 16.
            image_width: Integer, their width, a multiple of 16.
            sharing: Name of an architecture that shares the trunk, such as
                `"mtan"` or `"cross_stitch"`, or a dict such as
                `{"name": "cross_stitch", "own": 0.8}`. See
                `mtl_keras.sharing.list_sharings()`.

        Returns:
            `MultiTaskModel`. Input: `{"image": images}`, float32 of shape
            `(batch, image_height, image_width, 3)` in [0, 1]. Outputs, of the
            images' height and width: `segmentation`, probabilities of the
            classes, `(batch, h, w, num_classes)`; `depth` in metres,
            `(batch, h, w, 1)`; `normals`, unit vectors, `(batch, h, w, 3)`.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        height, columns = _size(image_height, image_width)
        checks.number("width", width, above=0)
        checks.fraction("dropout", dropout, below_one=True)
        image = keras.Input((height, columns, 3), name="image")
        first, *others = hourglass.stages(width)
        return mtl_keras.build(
            {"image": image},
            self.tasks(spec),
            trunk=[[lambda inputs: inputs["image"], first], *others],
            sharing=sharing,
            head=lambda features, task: task.head.build(
                features,
                task,
                size=(height, columns),
                hidden=_HIDDEN,
                dropout=dropout,
            ),
            name="seg_depth_normal",
        )

    def preprocessor(
        self, spec, *, image_height: int = _HEIGHT, image_width: int = _WIDTH
    ):
        """Makes the graph from image files to the model's input.

        Args:
            spec: `zoo.Spec`.
            image_height: Integer, as for `build`.
            image_width: Integer, as for `build`.

        Returns:
            `mtl_keras.data.ImagePreprocessor`.
        """
        del spec
        height, width = _size(image_height, image_width)
        return mtl_data.ImagePreprocessor(height, width, 3)

    def postprocessor(
        self, spec, *, image_height: int = _HEIGHT, image_width: int = _WIDTH
    ):
        """Makes the graph from the outputs to the pixels of the original.

        Args:
            spec: `zoo.Spec`.
            image_height: Integer, as for `build`.
            image_width: Integer, as for `build`.

        Returns:
            `mtl_keras.data.AnswerDecoder`.
        """
        height, width = _size(image_height, image_width)
        return mtl_data.AnswerDecoder(self.tasks(spec), height, width)

    def example(self, spec):
        """Makes the function from a data set's example to image and labels.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a dict of tensors that returns a pair: a dict with the
            image, and a dict with the labels.
        """
        return mask_labels.example_of(spec.tasks, "segmentation")

    def augmentation(self, spec):
        """Makes the random changes of training images; labels move along.

        Sizes stay as they are: an enlarged image would show the same things
        nearer, or larger.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a batch's `(inputs, labels, seed)`.
        """
        augment = mtl_data.augment
        return augment.Compose(
            (
                augment.Brightness(brightness=0.1, contrast=(0.8, 1.2)),
                augment.Flip(
                    boxes=(),
                    masks=("segmentation", "depth"),
                    normals=("normals",),
                ),
            )
        )

    def batching(self, spec) -> dict:
        """Keeps decoded images and labels in memory.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Dict of arguments of `mtl_keras.data.pipeline`.
        """
        return {"cache": "preprocessed"}


def _size(height, width) -> tuple[int, int]:
    """Checks that the encoder can halve the image to its last stage."""
    size = []
    for name, value in (("image_height", height), ("image_width", width)):
        value = checks.integer(name, value, low=hourglass.MULTIPLE)
        if value % hourglass.MULTIPLE:
            raise ValueError(
                f"`{name}` must be a multiple of {hourglass.MULTIPLE}, which "
                f"the encoder halves the image by. Received: {name}={value}"
            )
        size.append(value)
    return tuple(size)
