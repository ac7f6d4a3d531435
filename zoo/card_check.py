"""Measures shipped weights again, and compares with their cards."""

from mtl_keras.messages import listed
from zoo import loading, registry

# The order of sums differs between processors, and an example on the edge of
# a threshold may fall on its other side.
TOLERANCE = 2e-3


def run(name: str | None = None, data_dir: str | None = None) -> None:
    """Measures the weights of a model, or of all, and prints each metric.

    Args:
        name: String, a model. Defaults to all of the zoo.
        data_dir: Folder of prepared data sets.

    Raises:
        ValueError: If a metric differs by more than `TOLERANCE` from its
            card.
    """
    names = registry.list_models() if name is None else [name]
    wrong = []
    for each in names:
        for weights in registry.info(each).get("weights", {}):
            for line, is_right in compare(each, weights, data_dir):
                print(line, flush=True)
                if not is_right:
                    wrong.append(line)
    if wrong:
        raise ValueError(
            f"Expected the metrics of the cards within {TOLERANCE}. Received: "
            f"{listed(wrong)}. Train again, or find what changed the outputs."
        )


def compare(name: str, weights: str, data_dir: str | None = None):
    """Measures the weights of a card again.

    Args:
        name: String, a model.
        weights: String, weights on its card.
        data_dir: Folder of prepared data sets.

    Yields:
        Pairs of a line to print and of whether the metric is the card's.
    """
    # Imports a backend.
    from mtl_keras import calibration

    facts = registry.info(name)["weights"][weights]
    model = loading.load(name, weights=weights, data_dir=data_dir)
    model.compile()
    dataset = loading.dataset(
        name, facts["split"], weights=weights, data_dir=data_dir
    )
    measured = model.evaluate(dataset, return_dict=True, verbose=0)
    if facts.get("decisions"):
        measured.update(calibration.errors(model, dataset))
    for key, expected in facts["metrics"].items():
        is_right = abs(measured[key] - expected) <= TOLERANCE
        mark = "" if is_right else "  differs"
        yield (
            f"{name} {weights} {key}: card {expected:.4f}, "
            f"measured {measured[key]:.4f}{mark}",
            is_right,
        )
