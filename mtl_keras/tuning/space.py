"""What is searched whatever the model: how its tasks are weighed and trained.

Each hyperparameter has the name of the recipe's field that it sets, and its
default is what the recipe says: the defaults together are the recipe.
"""

import dataclasses
import inspect

from mtl_keras import balancing, checks, optimizers
from mtl_keras.messages import unknown
from mtl_keras.tuning import hyperparameters

SPACES = ("small", "full")
_STATIC = "static"
_BALANCER = "balancer"
_DECAYS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2)
_DEFAULT_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class Space:
    """What a search may change, as factors of what the recipe says.

    Args:
        balancers: Sequence of strings, names of
            `balancing.list_balancers()`, among which one is chosen;
            `"static"` stands for a weight a task, which is searched as well.
            The recipe's own is always among them.
        loss_weights: Pair of floats, the range of a static weight, or `None`
            where the recipe's shall stay.
        learning_rate: Pair of floats, or `None`.
        is_per_part: Boolean, whether the trunk and the heads have learning
            rates of their own.
        weight_decay: Boolean, whether weight decay is searched, between none
            and 0.01.
        batch_size: Sequence of floats, among which one is chosen.
        shared_dropout: Float in [0, 1), the highest fraction of the
            shared features that may be dropped in training; 0 searches none.

    Raises:
        ValueError: If a balancer is unknown or a range is empty.
    """

    balancers: tuple[str, ...] = (_STATIC, "uncertainty")
    loss_weights: tuple[float, float] | None = (0.25, 4.0)
    learning_rate: tuple[float, float] | None = (1 / 3, 3.0)
    is_per_part: bool = False
    weight_decay: bool = False
    batch_size: tuple[float, ...] = ()
    shared_dropout: float = 0.0

    def __post_init__(self):
        for name in ("balancers", "batch_size"):
            options = getattr(self, name)
            if not isinstance(options, list | tuple):
                raise ValueError(
                    f"`{name}` of a Space must be a sequence. "
                    f"Received: {name}={options!r}. "
                    f"Write {name}=({options!r},)."
                )
            object.__setattr__(self, name, tuple(options))
        known = balancing.list_balancers()
        for name in self.balancers:
            if name not in known:
                raise ValueError(
                    unknown("balancer", name, known, self.balancers)
                )
        for name in ("loss_weights", "learning_rate"):
            _check_range(name, getattr(self, name))
        for factor in self.batch_size:
            _check_range("batch_size", (factor, factor), self.batch_size)
        if not 0 <= self.shared_dropout < 1:
            raise ValueError(
                "`shared_dropout` of a Space must be in [0, 1). "
                f"Received: shared_dropout={self.shared_dropout!r}"
            )

    def choose(self, hp, tasks, recipe: dict) -> dict:
        """Declares the hyperparameters and reads their values.

        Args:
            hp: `keras_tuner.HyperParameters`.
            tasks: Names of the model's tasks.
            recipe: Dict with `"optimizer"` and, where wanted,
                `"loss_weights"`, `"balancer"`, `"batch_size"` and
                `"shared_dropout"`, as `training.train_and_evaluate` takes it.

        Returns:
            Dict, the fields of the recipe that are searched, with the values
            of this point.
        """
        fields = {"optimizer": self._optimizer(hp, dict(recipe["optimizer"]))}
        if len(tasks) > 1:
            fields |= self._weighting(hp, sorted(tasks), recipe)
        if self.batch_size:
            size = recipe["batch_size"]
            sizes = {max(1, round(size * f)) for f in (*self.batch_size, 1)}
            fields["batch_size"] = hp.Choice(
                "batch_size", sorted(sizes), default=size
            )
        if self.shared_dropout:
            default = float(recipe.get("shared_dropout") or 0.0)
            fields["shared_dropout"] = short(
                hp.Float(
                    "shared_dropout",
                    0.0,
                    max(self.shared_dropout, default),
                    default=default,
                )
            )
        return fields

    def _weighting(self, hp, tasks, recipe) -> dict:
        own, options = recipe.get("loss_weights"), recipe.get("balancer") or {}
        is_named = isinstance(own, str)
        default = own if is_named else _STATIC
        names = list(dict.fromkeys([default, *self.balancers]))
        chosen = hp.Choice(_BALANCER, names, default=default)
        fields = {"loss_weights": chosen, "balancer": None}
        weights = self._weights(hp, tasks, own, names)
        if chosen == _STATIC:
            fields["loss_weights"] = weights
        for name in names:
            if name == _STATIC:
                continue
            typed = dict(options) if is_named and name == own else {}
            arguments = hyperparameters.choose(hp, name, _BALANCER, typed)
            if name == chosen and arguments:
                fields["balancer"] = short(arguments)
        return fields

    def _weights(self, hp, tasks, own, names) -> dict:
        if not isinstance(own, str | dict | None):
            own = dict.fromkeys(tasks, own)
        known = own if isinstance(own, dict) else {}
        for name in known:
            if name not in tasks:
                what = "task in `loss_weights`"
                raise ValueError(unknown(what, name, tasks, own))
        weights = {task: float(known.get(task, 1.0)) for task in tasks}
        if self.loss_weights is None or _STATIC not in names:
            return weights
        low, high = self.loss_weights
        for task, weight in weights.items():
            # A weight of 0 is a task that shall not train: it stays so.
            if weight > 0:
                weights[task] = hp.Float(
                    f"loss_weights.{task}",
                    short(low * weight, 3),
                    short(high * weight, 3),
                    sampling="log",
                    default=weight,
                    parent_name=_BALANCER,
                    parent_values=[_STATIC],
                )
        return short(weights)

    def _optimizer(self, hp, recipe) -> dict:
        recipe = optimizers.with_parts(recipe)
        parts = recipe.get("parts")
        if parts is None and self.is_per_part:
            parts = {"trunk": {}, "heads": {}}
        rate = recipe.get("learning_rate", _DEFAULT_RATE)
        if self.learning_rate is not None and parts:
            recipe["parts"] = {
                name: {
                    **part,
                    "learning_rate": self._rate(
                        hp,
                        f"optimizer.parts.{name}.learning_rate",
                        part.get("learning_rate", rate),
                    ),
                }
                for name, part in parts.items()
            }
        elif self.learning_rate is not None:
            name = "optimizer.learning_rate"
            recipe["learning_rate"] = self._rate(hp, name, rate)
        if self.weight_decay:
            default = _decay(recipe)
            recipe["weight_decay"] = short(
                hp.Choice(
                    "optimizer.weight_decay",
                    sorted({*_DECAYS, default}),
                    default=default,
                )
            )
        return recipe

    def _rate(self, hp, name, default) -> float:
        default = checks.number(name, default, above=0)
        low, high = self.learning_rate
        return short(
            hp.Float(
                name,
                short(low * default, 3),
                short(high * default, 3),
                sampling="log",
                default=default,
            )
        )


def named(name: str, **changes) -> Space:
    """Returns the space of a name.

    Args:
        name: String: `"small"`, few dimensions around the recipe, none of
            which makes a step dearer; or `"full"`, all that can be searched.
        **changes: Fields of `Space` that shall differ.

    Returns:
        `Space`.

    Raises:
        ValueError: If there is no such space.
    """
    if name not in SPACES:
        raise ValueError(unknown("space", name, SPACES))
    if name == "small":
        return Space(**changes)
    return Space(
        **{
            "balancers": (
                _STATIC,
                "uncertainty",
                "dwa",
                "famo",
                "pcgrad",
                "cagrad",
                "fairgrad",
            ),
            "learning_rate": (0.1, 10.0),
            "is_per_part": True,
            "weight_decay": True,
            "batch_size": (0.5, 1, 2),
            "shared_dropout": 0.5,
            **changes,
        }
    )


def short(value, digits: int = 6):
    """Rounds numbers to a few significant digits.

    KerasTuner's messages between processes hold 32 bits a number: 0.003 comes
    back as 0.00300000003. Rounded, both are the number in the recipe.

    Args:
        value: A number, a text, `None`, or a dict of these.
        digits: Integer.

    Returns:
        The same with its floats rounded.
    """
    if isinstance(value, dict):
        return {key: short(entry, digits) for key, entry in value.items()}
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    return value


def _decay(recipe) -> float:
    """Finds an optimizer's weight decay, the class's own where none is said."""
    import keras

    given = recipe.get("weight_decay")
    if given is None:
        classes = {
            key.lower(): value for key, value in vars(keras.optimizers).items()
        }
        method = classes.get(str(recipe.get("name", "adam")).lower())
        parameters = {} if method is None else inspect.signature(method)
        parameter = getattr(parameters, "parameters", {}).get("weight_decay")
        given = None if parameter is None else parameter.default
    return float(given or 0.0)


def _check_range(name, ends, received=None) -> None:
    if ends is None:
        return
    is_pair = isinstance(ends, list | tuple) and len(ends) == 2
    numbers = is_pair and all(
        isinstance(end, int | float) and not isinstance(end, bool)
        for end in ends
    )
    if not numbers or not 0 < ends[0] <= ends[1] < float("inf"):
        raise ValueError(
            f"`{name}` of a Space must be factors of the recipe's value above "
            "0, the lowest first, such as (0.5, 2.0). "
            f"Received: {name}={ends if received is None else received!r}"
        )
