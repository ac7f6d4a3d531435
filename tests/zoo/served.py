"""What of each model of the zoo is exported in every format."""

import zoo
from zoo import registry

# A model with the first weights on its card, or without, if it has none.
SERVED = [
    (name, next(iter(zoo.info(name).get("weights", ())), None))
    for name in zoo.list_models()
]


def is_default(name: str, weights: str | None) -> bool:
    """Whether weights are of the default graph; dropout leaves none in it."""
    if weights is None:
        return True
    chosen = zoo.info(name)["weights"][weights]["overrides"]
    defaults = registry.find(name).entry.overrides()
    return all(
        key == "dropout" or value == defaults[key]
        for key, value in chosen.items()
    )
