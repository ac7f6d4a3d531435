"""What every architecture provides."""

import abc

from mtl_keras.balancing.registry import LEVELS
from mtl_keras.sharing import registry


class Sharing(abc.ABC):
    """How the tasks of a model share its trunk.

    A subclass is a plain functional construction on Keras layers: `features`
    calls the trunk as often as it likes and returns what each task's head
    reads. It holds hyperparameters and no variables. Its constructor takes
    keyword-only arguments, checks them by `mtl_keras.checks`, and stores each
    under its own name, so that `get_config` finds it.

    A task's own variables belong in a layer of its own, such as
    `Dense(..., name=f"{task}_gate")`: `graph.partition` decides by layer what
    is shared.

    Attributes:
        when_to_use: String, a sentence for `docs/sharing.md`.
        cost: String, what it adds to hard sharing in parameters and time, for
            K tasks.
        drawing: String, a few lines of text, under 70 columns.
        levels: Tuple of strings, those of `balancing.registry.LEVELS` at
            which a balancer sees the tasks conflict. Without `"features"`, no
            tensor is read by two tasks; without `"parameters"`, no variable is.
        refusal: String, why the levels that are missing are missing.
    """

    when_to_use: str = ""
    cost: str = ""
    drawing: str = ""
    levels: tuple[str, ...] = LEVELS
    refusal: str = ""

    @property
    def name(self) -> str:
        """The name that `sharing="..."` takes: that of the class's file."""
        return type(self).__module__.rpartition(".")[2]

    @abc.abstractmethod
    def features(self, inputs, task_names: tuple[str, ...], trunk) -> dict:
        """Builds what each task's head reads.

        Args:
            inputs: Keras tensor, or a list or dict of them.
            task_names: Tuple of strings, in the user's order.
            trunk: `Trunk`.

        Returns:
            Dict, task name to the features that its head reads: a Keras
            tensor, or what else the trunk returns.

        Raises:
            ValueError: If the trunk or the tasks do not fit.
        """

    def outputs(self, inputs, tasks, trunk, head) -> dict:
        """Builds the tasks' outputs: the features, then the heads.

        Overridden where one task's output enters another's.

        Args:
            inputs: As for `features`.
            tasks: Tuple of `Task`, in the user's order.
            trunk: `Trunk`.
            head: Function of features and a `Task` that returns the output,
                whose last layer is named after the task.

        Returns:
            Dict, task name to Keras tensor.
        """
        names = tuple(task.name for task in tasks)
        features = self.features(inputs, names, trunk)
        return {task.name: head(features[task.name], task) for task in tasks}

    def penalties(self, model) -> list:
        """Returns penalties on the model's weights, computed in each step.

        For what `layer.add_loss` cannot express: a penalty on variables of
        several tasks, which stay each task's own.

        Args:
            model: The `MultiTaskModel` that was built with this architecture.

        Returns:
            List of scalar tensors. Defaults to none.
        """
        del model
        return []

    def check_balancer(self, balancer, parts, tasks) -> None:
        """Raises for a balancer that would see no conflict of the tasks.

        Args:
            balancer: `balancing.Balancer`.
            parts: The model's `graph.Partition`.
            tasks: Sequence of strings, the trained tasks.

        Raises:
            ValueError: If it reads gradients at a level that is not one of
                `levels`.
        """
        if not balancer.reads_gradients or len(tasks) < 2:
            return
        level = balancer.on
        if level in self.levels:
            return
        if level == "features" and any(
            len(set(parts.readers(slot)) & set(tasks)) > 1
            for slot in parts.live
        ):
            # Such as the one layer of a trunk of one layer.
            return
        others = [each for each in self.levels if each != "losses"]
        remedy = f"Use on={others[-1]!r}, or a" if others else "Use a"
        name = type(balancer).__name__
        raise ValueError(
            f"{name}(on={level!r}) has nothing to act on under the sharing "
            f"{self.name!r}: {self.refusal} {remedy} balancer of losses, such "
            f"as loss_weights='uncertainty'."
        )

    def get_config(self) -> dict:
        """Returns the hyperparameters by name."""
        names = registry.hyperparameters(type(self))
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict):
        """Creates an architecture from the result of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(
            f"{key}={value!r}" for key, value in self.get_config().items()
        )
        return f"{type(self).__name__}({arguments})"


def saved_sharing(config) -> Sharing | None:
    """Reads the architecture of a saved model.

    Args:
        config: `Sharing`, its config, or `None`.

    Returns:
        `Sharing`, or `None`.
    """
    return None if config is None else registry.get(config)


def one_tensor(features, what: str):
    """Checks that a trunk returns one tensor, for architectures that mix.

    Args:
        features: What the trunk returned.
        what: String, the architecture's name, for the error.

    Returns:
        `features`, a Keras tensor.

    Raises:
        ValueError: If they are a list or dict of tensors.
    """
    if hasattr(features, "shape"):
        return features
    raise ValueError(
        f"The sharing {what!r} needs a trunk that returns one tensor of "
        f"features. Received: {type(features).__name__}. Return the tensor "
        "that the heads read, or use sharing='hard'."
    )
