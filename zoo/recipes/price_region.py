"""The recipe that made the weights `california_joint` of `price_region`.

    python -m tools.train --model=price_region --workdir=runs/price

It is made for two CPU cores.
"""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    Learning rate, epochs and dropout were chosen on the validation split.
    """
    config = ml_collections.ConfigDict()
    config.model = "price_region"
    config.data = "california_joint"
    # Named arguments of the model's `build`, such as sharing="mmoe".
    config.overrides = ml_collections.ConfigDict({"dropout": 0.1})
    config.seed = 0
    config.batch_size = 256
    config.epochs = 30
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adamw",
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "warmup_epochs": 0.0,
            "weight_decay": 1e-4,
            "global_clipnorm": placeholder(float),
            "use_ema": False,
        }
    )
    config.loss_weights = "equal"
    # On two CPU cores the first step compiled by XLA takes longer than a run.
    config.jit_compile = False
    config.steps_per_execution = 1
    # The same command gives the same weights, bit by bit.
    config.deterministic = True
    # Temperatures and thresholds are chosen on the validation split.
    config.calibrate = True
    # Which epoch's weights are kept; None keeps the last ones.
    config.monitor = placeholder(str)
    config.mode = "min"
    return config
