"""The architectures of a comparison: which, how large, and with what balancers.

Without `--sharing` there is one, the recipe's own, named `None`.
"""

from mtl_keras.messages import unknown

FIELD = "--config.overrides.sharing"


def resolve(requested: list[str], operands: list[str]) -> list:
    """Reads `--sharing`.

    Args:
        requested: List of strings, names of architectures.
        operands: List of overrides `--config.FIELD=VALUE`.

    Returns:
        List of names; `[None]` for the recipe's own.

    Raises:
        ValueError: If a name is unknown, or the recipe's own is overridden.
    """
    from mtl_keras import sharing

    names = list(dict.fromkeys(n.strip() for n in requested if n.strip()))
    if not names:
        return [None]
    known = sharing.list_sharings()
    for name in names:
        if name not in known:
            raise ValueError(unknown("sharing", name, known, requested))
    for operand in operands:
        if operand.startswith(FIELD):
            raise ValueError(
                "--sharing names the architectures that are compared. "
                f"Received: {operand} beside --sharing={','.join(names)}"
            )
    return names


def way_name(architecture: str | None, balancer: str) -> str:
    """Names a row of the table: `"mmoe cagrad"`."""
    return balancer if architecture is None else f"{architecture} {balancer}"


def overrides(architecture: str | None) -> list[str]:
    """Returns what selects an architecture in a training."""
    return [] if architecture is None else [f"{FIELD}={architecture}"]


def load(config, architecture: str | None, **more):
    """Loads the model with an architecture.

    Args:
        config: `ConfigDict`, the recipe.
        architecture: String, or `None` for the recipe's own.
        **more: Other overrides.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: If the entry or its trunk does not take the architecture.
    """
    from zoo import preparation

    if architecture is not None:
        more["sharing"] = architecture
    return preparation.load_model(config, **more)


def refusal(model, balancer) -> str | None:
    """Says why a balancer sees no conflict of an architecture's tasks.

    Args:
        model: `MultiTaskModel`.
        balancer: What `loss_weights` takes.

    Returns:
        String, or `None` where it does.
    """
    from mtl_keras import balancing, graph

    if model.sharing is None:
        return None
    balancer = balancing.get(balancer or None)
    try:
        model.sharing.check_balancer(
            balancer, graph.partition(model), sorted(model.tasks)
        )
    except ValueError as error:
        return str(error)
    return None


def size(model) -> dict:
    """Measures a model.

    Args:
        model: `MultiTaskModel`.

    Returns:
        Dict: `"num_parameters"`, and `"macs"`, the multiply-accumulates of an
        example, `None` where they cannot be counted: inputs of any size, or
        another backend than TensorFlow.
    """
    import keras

    from mtl_keras.profiling.macs import macs

    count = None
    has_sizes = all(None not in t.shape[1:] for t in model.inputs)
    if has_sizes and keras.backend.backend() == "tensorflow":
        count = macs(model)
    return {"num_parameters": model.count_params(), "macs": count}


def total(sizes: list[dict]) -> dict:
    """Adds up the sizes of several models, such as single-task ones."""
    counts = [each["macs"] for each in sizes]
    return {
        "num_parameters": sum(each["num_parameters"] for each in sizes),
        "macs": None if None in counts else sum(counts),
    }
