"""Average precision of detected objects, as COCO defines it."""

import contextlib
import io

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.metrics.split_metric import SplitMetric

_HINT = (
    "The metric 'coco_ap' of detected objects needs pycocotools. Install it by "
    "`pip install 'mtl-keras[coco]'`, or compile with other `metrics`."
)
# pycocotools leaves out true objects without area; ours have fractions of
# the image as corners, and COCO's ranges of area are not used.
_SIDE = 1000.0


@keras.saving.register_keras_serializable(package="mtl_keras")
class CocoAP(SplitMetric):
    """Average precision of all objects of all classes, by `pycocotools`.

    Belongs to a task of kind `"detection"`, whose maps are decoded by
    `data.detections`. Lin et al., "Microsoft COCO", ECCV 2014, and
    https://cocodataset.org/#detection-eval: predictions of a class are ranked
    over all images; one is right if it overlaps with an object that no better
    one has taken; the precision, with its envelope, is averaged at 101 levels
    of recall, and the areas over the classes that occur. At most 100
    predictions an image count. Images without a label are left out. NaN
    without any object. Weights other than 0 are ignored.

    Args:
        iou: Float in (0, 1], the least overlap; or `None` for the mean over
            0.50, 0.55, ..., 0.95, COCO's main metric. Defaults to 0.5.
        name: String. Defaults to `"ap50"` for an `iou` of 0.5, and so on;
            `"ap"` for `None`.
    """

    def __init__(self, iou: float | None = 0.5, name: str | None = None):
        if iou is not None:
            iou = checks.number("iou", iou, above=0, high=1)
        self.iou = iou
        default = "ap" if iou is None else f"ap{100 * iou:g}"
        super().__init__(name or default)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "iou": self.iou}

    def reads(self, task_name: str) -> tuple[str, ...]:
        """Lists the task alone; see `SplitMetric.reads`.

        Raises:
            ImportError: If pycocotools is not installed. `compile` asks, so an
                epoch need not end before it is known.
        """
        _pycocotools()
        return super().reads(task_name)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the average precision; see `SplitMetric.result`."""
        from mtl_keras.data import detections

        self.check(task_name, y_true, y_pred, weight)
        label = np.asarray(y_true[task_name], np.float64)
        maps = np.asarray(y_pred[task_name], np.float32)
        if label.ndim != 3 or label.shape[-1] != 5 or maps.ndim != 4:
            raise ValueError(
                f"Metric {self.name!r} of {task_name!r} expects labels of "
                "shape (examples, objects, 5) and predictions of shape "
                "(examples, rows, columns, num_classes + 4). Received: labels "
                f"of shape {label.shape}, predictions of shape {maps.shape}"
            )
        counts = np.asarray(weight[task_name]) > 0
        counts = counts.reshape(len(counts), -1).all(axis=1)
        label, maps = label[counts], maps[counts]
        if not len(label) or not (label[..., 4] >= 0).any():
            return float("nan")
        if np.isnan(maps).any():
            return float("nan")
        decoded = detections.decode(maps)
        objects = {key: part.numpy() for key, part in decoded.items()}
        return _average_precision(
            _true(label), _predicted(objects), maps.shape[-1] - 4, self.iou
        )


def _pycocotools():
    try:
        from pycocotools import coco, cocoeval
    except ImportError as error:
        raise ImportError(_HINT) from error
    return coco, cocoeval


def _true(label) -> list[dict]:
    """Lists the objects as COCO's annotations."""
    annotations = []
    for image, number in zip(*np.nonzero(label[..., 4] >= 0), strict=True):
        box = _xywh(label[image, number, :4])
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": int(image),
                "category_id": int(label[image, number, 4]),
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
        )
    return annotations


def _predicted(objects) -> list[dict]:
    return [
        {
            "image_id": int(image),
            "category_id": int(objects["classes"][image, number]),
            "bbox": _xywh(objects["boxes"][image, number]),
            "score": float(objects["scores"][image, number]),
        }
        for image, number in zip(
            *np.nonzero(objects["scores"] > 0), strict=True
        )
    ]


def _xywh(box) -> list[float]:
    x1, y1, x2, y2 = (_SIDE * float(corner) for corner in box)
    return [x1, y1, x2 - x1, y2 - y1]


def _average_precision(true, predicted, num_classes, iou) -> float:
    coco, cocoeval = _pycocotools()
    if not predicted:
        return 0.0
    images = {a["image_id"] for a in true} | {a["image_id"] for a in predicted}
    # It prints how long each part took.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": image} for image in sorted(images)],
            "categories": [
                {"id": n, "name": str(n)} for n in range(num_classes)
            ],
            "annotations": true,
        }
        truth.createIndex()
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(predicted), "bbox")
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [100]
        if iou is not None:
            evaluation.params.iouThrs = np.array([iou])
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"]
    # Classes without an object have -1.
    return float(precision[precision > -1].mean())
