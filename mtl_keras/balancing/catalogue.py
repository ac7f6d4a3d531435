"""All methods of balancing on one page, read from their code."""

import dataclasses
import inspect
import re

import numpy as np

from mtl_keras.balancing import list_balancers, registry
from mtl_keras.balancing.balancer import Balancer

_COMMON = (
    "on",
    "update_every",
    "rescale",
    "task_weights",
    "smoothing",
    "preference",
    "monitor",
)
_COSTS = {
    "losses": "1",
    "features": "1",
    "last_shared": "1",
    "parameters": "(1 + 2K) / 3",
}
_HEAD = """\
# Balancing the tasks

<!-- Written by `python -m tools.balancers --output=docs/balancers.md`. -->

`model.compile("adam", loss_weights="cagrad")`, or with hyperparameters
`loss_weights=mtl_keras.balancing.CAGrad(c=0.4, on="features")`. In a recipe:
`config.loss_weights = "cagrad"` and `config.balancer = {"on": "features"}`.

To compare methods with each other and with single tasks:

    python -m tools.compare --model=cls_det_box \\
        --balancers=uncertainty,cagrad --seeds=3 --workdir=runs/compare

Measured so: [cls_det_box](results/compare_cls_det_box.md) and
[intent_slot](results/compare_intent_slot.md), eleven methods each.
"""
_NOTES = """\
## What all have in common

- `on` is the level at which gradients are compared; the first in a method's
  list is its default, that of its paper. `"parameters"`: the shared variables,
  one backward pass through the trunk for each task. `"features"`: where the
  heads read the trunk, for the cost of a plain step. `"last_shared"`: the last
  shared layer.
- "No conflict" at the features does not promise it at the parameters: features
  that agree can still pull a variable of the trunk apart.
- Where one head reads another's output (the relations of `tag_parse` read the
  arcs), that output is something that two tasks read: the layers before it
  count as shared, and at the features its gradients are compared with those of
  the trunk's features. Those of a probability can be a thousand times longer.
  `on="parameters"` compares what is in one unit; or let the second head read
  `keras.ops.stop_gradient` of the output.
- The heads get their own gradient, unmixed, unless the paper says otherwise;
  those methods are marked "weighs the heads too". Methods of the losses weigh
  the whole loss, heads included.
- A task without a label in the batch takes no part: it has the weight 0, and
  the state that belongs to it stays.
- `update_every=n` computes the weights anew at every n-th step and reuses them
  in between; methods that need the rows of the Jacobian do not take it.
- Methods that need two independent batches (`sdmgrad`, `modo`), or an inner and
  an outer one (`auto_lambda`, `moml`, `forum`), get two halves of one: every
  second example goes into either. Both are pulled through the trunk, task by
  task; the direction is that of the whole batch. With one example in a batch,
  or where a task has labels in one half only, the products are 0 and the
  weights stay. At the features, which no two examples share, there is nothing
  to multiply. The outer gradients are those before the inner step, to first
  order in the learning rate, and of what tasks share.
- Gradient accumulation (`gradient_accumulation_steps`) balances each
  micro-batch; what is summed up is balanced already.
- `rescale="sum"` brings the direction to the length of the plain sum of the
  gradients, so that a learning rate tuned for equal weights fits. Of a method
  that scales the losses first (`imtl`, `db_mtl`), it is the sum of those.
- `preference={task: number}` says how much each task matters, for methods
  whose paper defines it.
- `task_weights={task: number}` multiplies each loss by a fixed number before
  any method that reads gradients sees it: the rows are scaled, then combined,
  and so are the heads' gradients. Methods that divide a row's length out
  (`imtl_g`, `config`, `nash_mtl`) go the same way as without; for those,
  `preference` is the argument, where they take it.
- `smoothing=0.9` averages the weights over the steps, exponentially, after all
  else. The average is saved with the model and resumed. Methods whose weights
  the user gives, or that learn them in small steps, do not take it.
- The weights that `loss_weights` gives as numbers may change during training,
  such as in a callback. A change takes effect in the next step, without
  compiling again; saved models and checkpoints restore it:

      class Fade(keras.callbacks.Callback):
          def on_epoch_begin(self, epoch, logs=None):
              self.model.balancer.task_weights["aux"] = 0.5**epoch

      model.compile("adam", loss_weights={"aux": 1.0})
      model.fit(x, y, callbacks=[Fade()])

  A schedule needs no callback. One of Keras's counts steps in a dict, and
  steps or epochs in `Scheduled`:

      fade = keras.optimizers.schedules.ExponentialDecay(1.0, 1000, 0.5)
      model.compile("adam", loss_weights={"aux": fade, "box": 2.0})
      late = keras.optimizers.schedules.PiecewiseConstantDecay([4], [0.0, 1.0])
      loss_weights = mtl_keras.balancing.Scheduled({"box": late}, by="epoch")

  A recipe names the class of a schedule and its arguments:

      config.loss_weights = "scheduled"
      config.balancer = {"by": "epoch", "task_weights": {"box": {
          "class_name": "PiecewiseConstantDecay",
          "config": {"boundaries": [4], "values": [0.0, 1.0]},
      }}}

  All other hyperparameters are read by `compile`; setting one afterwards is an
  error.
- Methods that read gradients are accurate for gradients with lengths of zero
  and from 1e-18 to 1e18. Beyond, their squares leave the range of float32:
  longer gradients give results that are not finite, which training reports as
  an error, and shorter ones count as zero. Outside of a compiled step,
  `combine` and `weights` warn of both. Scale such losses.
- `monitor=True` shows each task's weight and, where gradients are read, their
  norms and cosines (of more than 45 pairs: their mean, their lowest, and the
  number of conflicts) in the logs, in TensorBoard, and in `plots/balance.png`
  and `plots/conflicts.png` of a training's folder.
- Several replicas: gradients are summed over them, then balanced.

Cost is in plain steps (1 unit forward, 2 backward) of a model whose trunk
dominates, for K tasks. *Scale free*: s J has the direction of J. *Conflict
free*: the direction never has a negative product with a task's gradient.
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A method as the page shows it.

    Attributes:
        name: String.
        title: String, the method's full name.
        summary: String, the first line of the class's docstring.
        when: String, when to use it.
        reads: Tuple of strings.
        levels: Tuple of strings, the default first.
        costs: Dict, level to string, in plain steps.
        hyperparameters: Tuple of strings, `name=default`, without the common.
        common: Tuple of strings, the common ones that it takes.
        properties: Tuple of strings.
        paper: String, Markdown.
    """

    name: str
    title: str
    summary: str
    when: str
    reads: tuple[str, ...]
    levels: tuple[str, ...]
    costs: dict[str, str]
    hyperparameters: tuple[str, ...]
    common: tuple[str, ...]
    properties: tuple[str, ...]
    paper: str


def entry(name: str) -> Entry:
    """Describes a method from its code.

    Args:
        name: String, a name of `balancing.list_balancers()`.

    Returns:
        `Entry`.
    """
    cls = registry.method(name)
    module = inspect.getmodule(cls)
    paragraphs = inspect.cleandoc(module.__doc__).split("\n\n")
    title = paragraphs[0].replace("\n", " ").rstrip(".")
    taken = registry.hyperparameters(cls)
    return Entry(
        name=name,
        title=title,
        summary=inspect.getdoc(cls).split("\n\n")[0].replace("\n", " "),
        when=cls.when_to_use,
        reads=_reads(cls),
        levels=cls.levels,
        costs=_costs(cls),
        hyperparameters=tuple(
            f"{key}={default!r}"
            for key, default in taken.items()
            if key not in _COMMON
        ),
        common=tuple(key for key in _COMMON if key in taken),
        properties=_properties(cls),
        paper=paper(paragraphs[1:]),
    )


def page() -> str:
    """Writes the page `docs/balancers.md`.

    Returns:
        String, Markdown.
    """
    entries = [entry(name) for name in list_balancers()]
    groups = (
        ("Methods that read losses alone", False),
        ("Methods that read gradients", True),
    )
    parts = [_HEAD]
    for title, reads_gradients in groups:
        chosen = [e for e in entries if ("losses",) != e.levels]
        if not reads_gradients:
            chosen = [e for e in entries if ("losses",) == e.levels]
        parts += [f"## {title}\n", _uses(chosen), _facts(chosen)]
    return "\n".join([*parts, _NOTES])


def _uses(entries) -> str:
    return table(
        ("", "What it does", "When to use it", "Source"),
        [(f"`{e.name}`", e.summary, e.when, e.paper) for e in entries],
    )


def _facts(entries) -> str:
    return table(
        ("", "Reads", "Level: cost", "Hyperparameters", "Properties"),
        [
            (
                f"`{e.name}`",
                ", ".join(e.reads),
                "; ".join(f"{level}: {e.costs[level]}" for level in e.levels),
                ", ".join(
                    f"`{text}`" for text in (*e.hyperparameters, *e.common)
                ),
                ", ".join(e.properties),
            )
            for e in entries
        ],
    )


def table(head, rows) -> str:
    """Writes a table in Markdown.

    Args:
        head: Sequence of strings.
        rows: Sequence of sequences of strings; empty ones become `-`.

    Returns:
        String.
    """
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", r"\|") or "-" for cell in r] for r in lines[1:]]
    written = [list(head), *cells]
    return "".join("| " + " | ".join(line) + " |\n" for line in written)


def _reads(cls) -> tuple[str, ...]:
    inputs = []
    if cls.needs_losses:
        inputs.append("losses")
    if cls.reads_gradients and cls.is_weighting:
        inputs.append("products of the gradients")
        if cls.needs_halves:
            inputs.append("of two halves of the batch")
    elif cls.reads_gradients:
        inputs.append("each task's whole gradient")
        if _keeps_parameters(cls):
            inputs.append("keeps numbers for each parameter")
    return tuple(inputs) or ("nothing",)


def _costs(cls) -> dict[str, str]:
    costs = dict(_COSTS)
    if getattr(cls, "takes_turns", False):
        # One task's pass through the trunk.
        costs["parameters"] = "1"
    if getattr(cls, "needs_halves", False):
        costs["parameters"] = "(1 + 4K) / 3"
    return costs


def _keeps_parameters(cls) -> bool:
    """Tells whether the state grows with the number of parameters."""
    sizes = []
    for num_parameters in (7, 11):
        state = cls.initial_state(cls(), 2, num_parameters)
        sizes.append(sum(np.size(value) for value in state.values()))
    return sizes[0] != sizes[1]


def _properties(cls) -> tuple[str, ...]:
    holds = {
        "scale free": cls.is_scale_free,
        "conflict free": cls.is_conflict_free,
        "depends on the order of tasks": not cls.is_equivariant,
        "takes a preference": cls.takes_preference,
        "needs positive losses": cls.needs_positive_losses,
        "weighs the heads too": cls.reads_gradients and cls.weighs_heads(),
        "own rule at each epoch's end": (
            cls.on_epoch_end is not Balancer.on_epoch_end
        ),
    }
    return tuple(text for text, is_true in holds.items() if is_true)


def paper(paragraphs) -> str:
    """Turns the addresses of a module's docstring into links.

    Args:
        paragraphs: List of strings, the docstring's second and following.

    Returns:
        String, Markdown.
    """
    text = " ".join(paragraphs).replace("\n", " ").rstrip(".")
    return re.sub(
        r"https?://([^\s,;)]+)",
        lambda match: f"<{match.group(0).rstrip('.')}>",
        text,
    )
