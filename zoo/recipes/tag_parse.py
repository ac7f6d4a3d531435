"""The recipe that made the weights `ewt_joint` of `tag_parse`."""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    The run takes 18 minutes of CPU time on one core. That of the shipped
    weights took 58 minutes on a core that was shared by others. Test split:
    parts of speech .945, features .951, UAS .850, LAS .810.
    """
    config = ml_collections.ConfigDict()
    config.model = "tag_parse"
    config.data = "ewt_joint"
    # Named arguments of the model's `build`, such as trunk="conv".
    config.overrides = ml_collections.ConfigDict(
        {"trunk": "bilstm", "units": 256, "arc_units": 256}
    )
    config.seed = 0
    config.batch_size = 32
    config.epochs = 14
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adam",
            "learning_rate": 2e-3,
            # As Dozat and Manning: rare words are not overfitted.
            "beta_2": 0.9,
            "schedule": "cosine",
            "warmup_epochs": 0.5,
            "global_clipnorm": 5.0,
            "use_ema": False,
        }
    )
    # One weight a task; none is 1 for each.
    config.loss_weights = ml_collections.ConfigDict(
        {"pos": 0.5, "feats": 0.5, "head": 1.0, "rel": 1.0}
    )
    # On CPU cores a step compiled by XLA takes several times as long.
    config.jit_compile = False
    config.steps_per_execution = 1
    # The same command gives the same weights, bit by bit.
    config.deterministic = True
    # Which epoch's weights are kept; None keeps the last ones.
    config.monitor = placeholder(str)
    config.mode = "min"
    return config
