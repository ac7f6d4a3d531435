"""The recipe that `rating_like` was measured with; no weights are shipped.

    python -m tools.train --model=rating_like --workdir=runs/rating

It is made for two CPU cores. Another of the five folds is the test part with

    --config.splits.train="fold1+fold3+fold4+fold5"
    --config.splits.validation="fold1[:10%]" --config.splits.test=fold2
"""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    Sizes, dropout, weight decay and epochs were chosen by the RMSE on the
    validation split of the first fold.
    """
    config = ml_collections.ConfigDict()
    config.model = "rating_like"
    config.data = "movielens_joint"
    # Named arguments of the model's `build`, such as sharing="mmoe".
    config.overrides = ml_collections.ConfigDict({"dropout": 0.3})
    # Splits of the data, or parts of them such as "fold2+fold3[10%:]".
    config.splits = ml_collections.ConfigDict(
        {"train": "train", "validation": "validation", "test": "test"}
    )
    config.seed = 0
    config.batch_size = 512
    config.epochs = 20
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adamw",
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "warmup_epochs": 0.0,
            "weight_decay": 3e-2,
            "global_clipnorm": placeholder(float),
            "use_ema": False,
        }
    )
    # With equal weights the genres, of which a film has few, take the vectors
    # of the users: an RMSE of .94 in the place of .91 on validation.
    config.loss_weights = ml_collections.ConfigDict(
        {"rating": 1.0, "liked": 0.3, "genre_affinity": 0.05}
    )
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
