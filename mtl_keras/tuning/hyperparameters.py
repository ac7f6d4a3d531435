"""Which hyperparameters of a balancer are searched, and in which range."""

from mtl_keras.balancing import registry

# Method: hyperparameter: lowest, highest, and how values are spread between.
# The default is always that of the method.
_RANGES = {
    "cagrad": {"c": (0.1, 0.9, "linear")},
    "dwa": {"temperature": (0.5, 8.0, "log")},
    "fairgrad": {"alpha": (0.25, 4.0, "log")},
    "famo": {"learning_rate": (0.0025, 0.25, "log")},
    "gradnorm": {"alpha": (0.0, 3.0, "linear")},
    "nash_mtl": {"max_norm": (0.25, 4.0, "log")},
    "stch": {"mu": (0.1, 10.0, "log")},
    "uw_so": {"temperature": (0.25, 4.0, "log")},
}
_LEVELS = ("features", "parameters")


def choose(hp, name: str, parent: str, recipe: dict) -> dict:
    """Chooses the hyperparameters of one balancer, where it is chosen.

    Args:
        hp: `keras_tuner.HyperParameters`.
        name: String, a name of `balancing.list_balancers()`.
        parent: String, the hyperparameter that chooses the balancer; those
            declared here are active only where its value is `name`.
        recipe: Dict, hyperparameters that a recipe gives this balancer: they
            are the defaults, and those that are not searched stay.

    Returns:
        Dict of the constructor's arguments; empty where another balancer is
        chosen.
    """
    method = registry.method(name)
    defaults = {**registry.hyperparameters(method), **recipe}
    chosen = dict(recipe)
    scope = {"parent_name": parent, "parent_values": [name]}
    for key, (low, high, sampling) in _RANGES.get(name, {}).items():
        chosen[key] = hp.Float(
            f"{name}.{key}",
            low,
            high,
            sampling=sampling,
            default=float(defaults[key]),
            **scope,
        )
    levels = [level for level in _LEVELS if level in method.levels]
    if len(levels) > 1:
        # At the features a step costs what a plain one does.
        default = recipe.get("on") or levels[0]
        if default in levels:
            chosen["on"] = hp.Choice(
                f"{name}.on", levels, default=default, **scope
            )
    return chosen if hp.get(parent) == name else {}
