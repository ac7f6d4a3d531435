"""The recipe that made the weights `survival_cohorts` of `survival_cohorts`.

    python -m tools.train --model=survival_cohorts --workdir=runs/cohorts

It is made for two CPU cores.
"""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    Learning rate, epochs, dropout and the trunk's sizes were chosen by the
    metrics on the validation split.
    """
    config = ml_collections.ConfigDict()
    config.model = "survival_cohorts"
    config.data = "survival_cohorts"
    # Named arguments of the model's `build`, such as sharing="mmoe".
    config.overrides = ml_collections.ConfigDict({"dropout": 0.25})
    config.seed = 0
    # Cox compares the patients of a batch: enough of each cohort.
    config.batch_size = 512
    config.epochs = 20
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adamw",
            "learning_rate": 3e-3,
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
    # Which epoch's weights are kept; None keeps the last ones.
    config.monitor = placeholder(str)
    config.mode = "min"
    return config
