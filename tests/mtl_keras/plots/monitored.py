"""Lines of a run whose balancer monitors, without a run."""

import itertools

import numpy as np


def epochs(tasks, num_epochs, seed=0):
    rng = np.random.default_rng(seed)
    lines = []
    for epoch in range(num_epochs):
        line = {"epoch": epoch, "seconds": 1.0, "loss": 1.0}
        for task in tasks:
            line[f"{task}_loss"] = 1.0
            line[f"{task}_weight"] = float(rng.uniform(0.5, 2.0))
            line[f"{task}_gradient_norm"] = float(rng.uniform(0.1, 1.0))
        for first, second in itertools.combinations(sorted(tasks), 2):
            value = float(rng.uniform(-1, 1))
            line[f"{first}_{second}_cosine"] = value
        lines.append(line)
    return lines
