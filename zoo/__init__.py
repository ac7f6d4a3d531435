"""Ready multi-task models: load one by name, with its data and its weights.

```python
import zoo

zoo.list_models(tasks=["box"])
print(zoo.info("cls_det_box"))
model = zoo.load("cls_det_box", weights="digit_scenes")
```

Listing and cards read data files only; neither Keras nor a backend is
imported before a model or a data set is asked for.
"""

from mtl_keras import serialization
from mtl_keras.messages import did_you_mean
from zoo.entry import Entry, Spec
from zoo.extraction import task_models
from zoo.loading import dataset, load
from zoo.registry import info, list_models, recipe, register
from zoo.saved import save

__all__ = [
    "Entry",
    "Spec",
    "dataset",
    "hypermodel",
    "info",
    "list_models",
    "load",
    "recipe",
    "register",
    "save",
    "task_models",
]


# KerasTuner and the families of models import a backend.
_LAZY = (
    "audio",
    "datasets",
    "molecules",
    "pretrained",
    "tables",
    "text",
    "video",
    "vision",
)


def __getattr__(name: str):
    import importlib

    if name == "hypermodel":
        return importlib.import_module("zoo.hypermodels").hypermodel
    if name in _LAZY:
        return importlib.import_module(f"zoo.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}."
        f"{did_you_mean(name, __dir__())}"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY})


serialization.register(__name__)
