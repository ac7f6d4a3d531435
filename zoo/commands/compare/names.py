"""What a comparison compares: names, hyperparameters, and what is wrong."""

import dataclasses

from mtl_keras.messages import did_you_mean, listed, unknown
from zoo.commands.compare import architectures

# The recipe's own `loss_weights`, in the list of balancers.
RECIPE = "recipe"
_ALL = "all"
_EQUAL = "equal"
_BALANCER = "--config.balancer"
# What a comparison itself gives to each run.
_TAKEN = {
    "--config.seed": "--seeds=N trains with the seeds 0 to N - 1.",
    "--config.model": "A comparison is of one model: give --model.",
}


def resolve(requested: list[str], config, operands: list[str]) -> list[str]:
    """Reads `--balancers`.

    Args:
        requested: List of strings: names of balancers, `"recipe"` or `"all"`.
        config: `ConfigDict`, the recipe.
        operands: List of overrides `--config.FIELD=VALUE`.

    Returns:
        List of names, `"equal"` first.

    Raises:
        ValueError: If a name is unknown, or an override cannot be meant.
    """
    from mtl_keras import balancing

    names = [name.strip() for name in requested if name.strip()]
    # A static weighting has no weights of its own: those of the recipe.
    known = [n for n in balancing.list_balancers() if n != "static"]
    for name in names:
        if name == "static":
            raise ValueError(
                "'static' weighs by weights of yours. Write 'recipe' for "
                "those of the recipe, which --config.loss_weights.TASK=VALUE "
                f"changes. Received: --balancers={','.join(requested)}"
            )
        if name == RECIPE and config.get("loss_weights") is None:
            raise ValueError(
                "The recipe has no `loss_weights`: 'recipe' would be 'equal'. "
                f"Received: --balancers={','.join(requested)}"
            )
        if name not in (*known, RECIPE, _ALL):
            options = [*known, RECIPE, _ALL]
            raise ValueError(unknown("balancer", name, options))
    if _ALL in names:
        has_own = config.get("loss_weights") is not None
        names = [*known, *([RECIPE] if has_own else []), *names]
    names = list(dict.fromkeys([_EQUAL, *(n for n in names if n != _ALL)]))
    for operand in operands:
        field = operand.split("=")[0]
        if field in _TAKEN:
            raise ValueError(f"{_TAKEN[field]} Received: {operand}")
        if field.startswith("--config.loss_weights") and RECIPE not in names:
            raise ValueError(
                "The loss weights are what is compared. Name balancers in "
                f"--balancers, or 'recipe' for your own. Received: {operand}"
            )
    return names


def options(names: list[str], on: str | None, config, operands: list) -> dict:
    """Gives each balancer the hyperparameters that it takes.

    Args:
        names: List of names.
        on: String, a level of gradients, or `None` for each paper's.
        config: `ConfigDict`, the recipe.
        operands: List of overrides; those of `config.balancer` count.

    Returns:
        Dict, name to dict of hyperparameters; none for `"recipe"`.

    Raises:
        ValueError: If no balancer takes a hyperparameter or reads gradients,
            or one is not defined at `on`.
    """
    typed = {}
    for operand in operands:
        field = operand.split("=")[0]
        if field == _BALANCER:
            typed |= dict(config.balancer or {})
        elif field.startswith(f"{_BALANCER}."):
            key = field.removeprefix(f"{_BALANCER}.")
            typed[key] = config.balancer[key]
    if on is not None:
        typed["on"] = on
    known = {n: _hyperparameters(n) for n in names if n != RECIPE}
    every = sorted({key for keys in known.values() for key in keys})
    for key in typed:
        if key not in every:
            raise ValueError(
                f"None of the balancers {listed(known)} takes {key!r}; they "
                f"take {listed(every)}.{did_you_mean(key, every)} "
                f"Received: {key}={typed[key]!r}"
            )
    taken = {
        name: {key: value for key, value in typed.items() if key in keys}
        for name, keys in known.items()
    }
    return taken | ({RECIPE: {}} if RECIPE in names else {})


def _hyperparameters(name) -> list[str]:
    from mtl_keras.balancing import registry

    return list(registry.hyperparameters(registry.method(name)))


def common(operands: list[str]) -> list[str]:
    """Returns the overrides without those of the balancer."""
    return [o for o in operands if not o.startswith(_BALANCER)]


@dataclasses.dataclass(frozen=True)
class Checked:
    """What is compared, once each model has been built and compiled.

    Attributes:
        model: `MultiTaskModel`, one of them.
        sizes: Dict, architecture to dict, as of `architectures.size`; under
            `"STL"` those of the single-task models together.
        refused: Dict, architecture and balancer to why it cannot balance it.
    """

    model: object
    sizes: dict
    refused: dict


def check(config, names: list[str], hyperparameters: dict, sharings: list):
    """Compiles each model with each balancer, before any data is touched.

    Args:
        config: `ConfigDict`, the recipe.
        names: List of names.
        hyperparameters: Dict, name to dict of hyperparameters.
        sharings: List of names of architectures, or `[None]`.

    Returns:
        `Checked`.

    Raises:
        ValueError: If the model has one task only, or a balancer cannot
            balance it for another reason than its architecture.
    """
    sizes, refused = {}, {}
    for architecture in sharings:
        model = architectures.load(config, architecture)
        _require_tasks(model)
        sizes[architecture] = architectures.size(model)
        for name in names:
            weights = _weights(config, name, hyperparameters)
            message = architectures.refusal(model, weights)
            if message is not None:
                refused[architecture, name] = message
                continue
            model.compile(loss_weights=weights or None)
    # Each task alone must be a model, too.
    alone = [
        architectures.size(architectures.load(config, None, tasks=(task,)))
        for task in sorted(model.tasks)
    ]
    sizes["STL"] = architectures.total(alone)
    return Checked(model, sizes, refused)


def _require_tasks(model):
    tasks = sorted(model.tasks)
    if len(tasks) < 2:
        raise ValueError(
            "There is nothing to balance: the model has the tasks "
            f"{listed(tasks)} only."
        )


def _weights(config, name, hyperparameters):
    from mtl_keras import balancing

    if name != RECIPE:
        return balancing.get(name, **hyperparameters[name])
    weights = config.get("loss_weights")
    return dict(weights) if hasattr(weights, "items") else weights


def notes(names: list[str], hyperparameters: dict, on: str | None) -> list[str]:
    """Lists which balancer got which hyperparameters.

    Args:
        names: List of names.
        hyperparameters: Dict, name to dict of hyperparameters.
        on: String, a level of gradients, or `None`.

    Returns:
        List of strings.
    """
    names_by_text = {}
    for name in names:
        text = ", ".join(f"{k}={v!r}" for k, v in hyperparameters[name].items())
        names_by_text.setdefault(text, []).append(name)
    if set(names_by_text) == {""}:
        return []
    return [
        f"{', '.join(group)}: {text or 'no hyperparameter of those given.'}"
        for text, group in names_by_text.items()
    ]
