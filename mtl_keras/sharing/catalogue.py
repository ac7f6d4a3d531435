"""All architectures on one page, read from their code."""

import inspect

from mtl_keras.balancing.catalogue import paper, table
from mtl_keras.sharing import registry

_HEAD = """\
# How the tasks share a network

<!-- Written by `python -m tools.sharing --output=docs/sharing.md`. -->

```python
import keras
import mtl_keras

tasks = [
    mtl_keras.Task("income", "presence"),
    mtl_keras.Task("age", "regression"),
]
model = mtl_keras.build(
    keras.Input((40,), name="person"),
    tasks,
    trunk=lambda x: keras.layers.Dense(32, "relu")(x),
    sharing="mmoe",
)
model.compile("adam", loss_weights="cagrad")
print(mtl_keras.graph.describe(model))
```

`trunk` is a function from inputs to features, a
Keras layer or model, or a list of these, its stages. `sharing` is a name, a
dict with hyperparameters, `{"name": "mmoe", "num_experts": 4}`, or
`sharing.get("mmoe", num_experts=4)`; `sharing.list_sharings()` lists the
names. The result is a functional model: balancers, `.keras` files, export and
tuning work with each. In the zoo, the entry's trunk is shared:
`zoo.load("cls_det_box", sharing="mmoe")`, or in a training
`--config.overrides.sharing=mmoe`.

To compare architectures, and balancers on each:

    python -m tools.compare --model=cls_det_box --sharing=hard,mmoe \\
        --balancers=equal,cagrad --seeds=3 --workdir=runs/sharing

What each reaches on problems with a known answer:
[results](results/sharing.md).

"""
_NOTES = """\
## What all have in common

- A function given as `trunk` is called again for each copy, which so draws its
  own weights. A layer or model is itself the first copy; the others are cloned
  from its config, with its weights where it has some: a pretrained trunk stays
  pretrained in every expert. `sharing.Trunk(model, copy_weights=False)` draws
  new ones.
- Copies are nested models, named after the task or expert, so that the layers
  of a trunk may have any names.
- `head=` takes a function of features and a task, in place of the head of the
  task's kind.
- The *levels* are those at which a balancer sees the tasks conflict (`on=`,
  see [balancers](balancers.md)). "features" needs a tensor that two tasks
  read, "parameters" a variable that two tasks use; another level is an error
  at `compile`. Balancers that read losses alone train every architecture.
- `mtl_keras.graph.describe(model)` shows what is shared and what is one
  task's own. Sharing is closed over variables: what leads to a layer that two
  tasks use counts as shared.
- Variables that are added to a layer's loss as a penalty (`soft`,
  `dselect_k`, `aitm`) show in the log `regularization_loss`.
"""


def page() -> str:
    """Writes the page `docs/sharing.md`.

    Returns:
        String, Markdown.
    """
    names = registry.list_sharings()
    rows = []
    for name in names:
        cls = registry.architecture(name)
        rows.append((f"[`{name}`](#{name})", _summary(cls), cls.when_to_use))
    parts = [_HEAD, table(("", "What it does", "When to use it"), rows)]
    return "\n".join([*parts, *map(section, names), _NOTES])


def section(name: str) -> str:
    """Describes an architecture from its code.

    Args:
        name: String, a name of `sharing.list_sharings()`.

    Returns:
        String, Markdown.
    """
    cls = registry.architecture(name)
    paragraphs = inspect.cleandoc(inspect.getmodule(cls).__doc__).split("\n\n")
    title = paragraphs[0].replace("\n", " ")
    hyperparameters = ", ".join(
        f"`{key}={default!r}`"
        for key, default in registry.hyperparameters(cls).items()
    )
    levels = ", ".join(f"`{level}`" for level in cls.levels)
    facts = {
        "Use": cls.when_to_use,
        "Cost": cls.cost,
        "Hyperparameters": hyperparameters or "none",
        "Levels": f"{levels}. {cls.refusal}".strip(),
        "Source": paper(paragraphs[1:]) + ".",
    }
    lines = [f"- *{key}*: {text}" for key, text in facts.items()]
    drawing = cls.drawing.rstrip("\n")
    return "\n".join(
        [
            f"## {name}",
            "",
            f"**{title}** {_summary(cls)}",
            "",
            f"```text\n{drawing}\n```",
            "",
            *lines,
            "",
        ]
    )


def _summary(cls) -> str:
    return inspect.getdoc(cls).split("\n\n")[0].replace("\n", " ")
