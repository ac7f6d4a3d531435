"""The recipe that made the weights `tox21_assays` of `assays`.

    python -m tools.train --model=assays --workdir=runs/assays

It is made for two CPU cores and takes about three minutes there.
"""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    Learning rate, epochs, dropout and the trunk's sizes were chosen by the
    metrics on the validation split.
    """
    config = ml_collections.ConfigDict()
    config.model = "assays"
    config.data = "tox21_assays"
    # Named arguments of the model's `build`, such as sharing="mmoe".
    config.overrides = ml_collections.ConfigDict(
        {"trunk": "ngrams_graph", "dropout": 0.5, "graph_dropout": 0.2}
    )
    config.seed = 0
    config.batch_size = 128
    config.epochs = 30
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adamw",
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "warmup_epochs": 0.0,
            "weight_decay": 1e-4,
            "global_clipnorm": placeholder(float),
            "use_ema": True,
        }
    )
    config.loss_weights = "equal"
    # On two CPU cores the first step compiled by XLA takes longer than a run.
    config.jit_compile = False
    config.steps_per_execution = 1
    # The same command gives the same weights, bit by bit.
    config.deterministic = True
    # Which epoch's weights are kept; None keeps the last ones.
    config.monitor = placeholder(str)
    config.mode = "min"
    return config
