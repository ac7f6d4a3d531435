"""The recipe that made the weights `snips` of `intent_slot`."""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    It is made for two CPU cores and about seven minutes there.
    """
    config = ml_collections.ConfigDict()
    config.model = "intent_slot"
    config.data = "snips"
    # Named arguments of the model's `build`, such as trunk="bilstm".
    config.overrides = ml_collections.ConfigDict({"trunk": "conv", "crf": True})
    config.seed = 0
    config.batch_size = 64
    config.epochs = 25
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adamw",
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "warmup_epochs": 0.5,
            "weight_decay": 1e-4,
            "global_clipnorm": 5.0,
            "use_ema": False,
        }
    )
    # One weight a task; none is 1 for each. An intent is soon learnt.
    config.loss_weights = ml_collections.ConfigDict(
        {"intent": 0.5, "slot": 1.0}
    )
    # On two CPU cores a step compiled by XLA takes five times as long.
    config.jit_compile = False
    config.steps_per_execution = 1
    # The same command gives the same weights, bit by bit.
    config.deterministic = True
    # Which epoch's weights are kept; None keeps the last ones.
    config.monitor = placeholder(str)
    config.mode = "min"
    return config
