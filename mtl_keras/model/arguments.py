"""Reads the arguments of `compile`: which loss and metrics each task has."""

import inspect

from mtl_keras import checks
from mtl_keras import losses as losses_module
from mtl_keras import metrics as metrics_module
from mtl_keras.groups.members import by_member, check_known
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.metrics.logits import read_logits

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def check_names(argument: str, names, tasks) -> None:
    """Checks that every name is a task.

    Args:
        argument: String, the argument that holds the names.
        names: Iterable of names as received.
        tasks: Iterable of strings, the model's tasks.

    Raises:
        ValueError: If a name is no task of the model.
    """
    names = list(names)
    for name in names:
        if name not in tasks:
            raise ValueError(
                f"`{argument}` names the task {name!r}, which this model does "
                f"not have. Its tasks are {listed(tasks)}."
                f"{did_you_mean(name, tasks)} "
                f"Received: {argument} with keys {names}"
            )


def resolve_losses(loss, tasks: dict) -> dict:
    """Finds each task's loss.

    Args:
        loss: `None` (each task's own), one loss for all tasks, or a dict of
            task name to loss; `None` in the dict means "not trained".
        tasks: Dict, task name to `Task`.

    Returns:
        Dict, task name to a loss object or function, in the order of the
        names; tasks that are not trained are left out.

    Raises:
        ValueError: If a name is no task, a loss is unknown or does not take
            the mean, or a task has no loss.
    """
    if isinstance(loss, list | tuple):
        raise ValueError(
            "`loss` must be a dict keyed by task, or one loss for all tasks: "
            "the order of a list says nothing about the tasks "
            f"{listed(tasks)}. Received: loss={loss!r}"
        )
    if isinstance(loss, dict):
        check_names("loss", loss, tasks)
        identifiers = loss
    elif loss is None:
        identifiers = {}
    else:
        identifiers = dict.fromkeys(tasks, loss)
    losses, without = {}, []
    for name, task in sorted(tasks.items()):
        if name in identifiers:
            if identifiers[name] is not None:
                losses[name] = losses_module.get(identifiers[name])
        elif (default := task.default_loss()) is not None:
            losses[name] = default
        else:
            without.append(name)
    if without and (losses or identifiers):
        raise ValueError(
            f"No loss is known for the tasks {listed(without)}. Pass "
            "loss={task: loss} for each, or loss={task: None} for an output "
            f"that is not trained. Received: loss={loss!r}"
        )
    for name, task_loss in losses.items():
        _check_reduction(name, task_loss)
    return losses


def _check_reduction(name, loss):
    reduction = getattr(loss, "reduction", _MEANS[0])
    if reduction not in _MEANS:
        raise ValueError(
            f"The loss of the task {name!r} must have a reduction out of "
            f"{_MEANS}: a task's loss is the mean over its labels. Use "
            "`loss_weights` to scale it. "
            f"Received: reduction={reduction!r}"
        )


def resolve_metrics(
    argument: str, metrics, tasks: dict, losses: dict
) -> tuple[dict, dict]:
    """Finds each task's metrics.

    Args:
        argument: String, `"metrics"` or `"weighted_metrics"`.
        metrics: `None` (each task's own, for `"metrics"`), or a dict of task
            name to a metric or a sequence of them; a task that the dict
            leaves out keeps its own.
        tasks: Dict, task name to `Task`.
        losses: Dict, task name to loss, the tasks that are trained. Where one
            reads logits, so do the metrics chosen by name.

    Returns:
        Two dicts, task name to list: metrics that stream over batches, and
        metrics of the whole split.

    Raises:
        ValueError: If a name is no task, a metric is unknown or takes no
            weights, or one name appears twice at a task.
    """
    if isinstance(metrics, list | tuple) and not metrics:
        # As in Keras, no metrics at all.
        metrics = dict.fromkeys(tasks, ())
    if metrics is not None and not isinstance(metrics, dict):
        raise ValueError(
            f"`{argument}` must be a dict keyed by task, such as "
            f"{{{next(iter(sorted(tasks)), 'task')!r}: ['accuracy']}}. "
            f"Received: {argument}={metrics!r}"
        )
    metrics = metrics or {}
    check_names(argument, metrics, tasks)
    streaming, split = {}, {}
    for name, task in sorted(tasks.items()):
        loss = losses.get(name)
        if name in metrics:
            group = metrics[name]
            group = group if isinstance(group, list | tuple) else [group]
            group = [
                _metric(entry, loss) for entry in group if entry is not None
            ]
        elif argument != "metrics":
            group = []
        elif task.metrics is None:
            group = [read_logits(m, loss) for m in task.default_metrics()]
        else:
            group = [
                _by_name(entry, metric, loss)
                for entry, metric in zip(
                    task.metrics, task.default_metrics(), strict=True
                )
            ]
        _check_group(argument, name, group, tasks)
        of_split = [
            m for m in group if isinstance(m, metrics_module.SplitMetric)
        ]
        streaming[name] = [m for m in group if m not in of_split]
        split[name] = of_split
    return (
        {name: group for name, group in streaming.items() if group},
        {name: group for name, group in split.items() if group},
    )


def _metric(identifier, loss):
    if isinstance(identifier, str) and identifier.lower() in (
        "accuracy",
        "acc",
    ):
        # Keras chooses by the labels, whatever the case; its class `Accuracy`
        # compares labels with probabilities.
        metric = metrics_module.Accuracy(name=identifier)
    else:
        metric = metrics_module.get(identifier)
    metric = _by_name(identifier, metric, loss)
    is_ours = type(metric).__module__.startswith("mtl_keras.")
    if isinstance(identifier, str) and not is_ours:
        # As in Keras, "mae" is logged as "mae".
        metric.name = identifier
    return metric


def _by_name(identifier, metric, loss):
    """Adapts a metric to logits, unless the user made it or wrote its code."""
    if isinstance(identifier, str) or inspect.isclass(identifier):
        return read_logits(metric, loss)
    return metric


def _check_group(argument, task, group, tasks):
    seen = set()
    for metric in group:
        name = getattr(metric, "name", getattr(metric, "__name__", None))
        if name == "loss":
            raise ValueError(
                f"`{argument}` gives the task {task!r} a metric named 'loss', "
                f"but '{task}_loss' is the log key of the task's loss. Give "
                "it another `name`."
            )
        if name in seen:
            raise ValueError(
                f"`{argument}` gives the task {task!r} two metrics named "
                f"{name!r}, which would be logged under one key. Give one of "
                "them another `name`."
            )
        seen.add(name)
        if hasattr(metric, "update_state") and not _takes_weights(metric):
            raise ValueError(
                f"The metric {name!r} of the task {task!r} needs "
                "update_state(y_true, y_pred, sample_weight=None), as in "
                "Keras: the weight is 0 where a label is missing. Received: "
                f"update_state{inspect.signature(metric.update_state)}"
            )
        if isinstance(metric, metrics_module.SplitMetric):
            check_names(
                f"{argument}[{task!r}] ({metric.name})",
                metric.reads(task),
                tasks,
            )


def _takes_weights(metric) -> bool:
    parameters = inspect.signature(metric.update_state).parameters
    return "sample_weight" in parameters or any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
    )


def check_shared_metrics(groups) -> None:
    """Checks that no metric object is used twice.

    Args:
        groups: Iterable of dicts, task name to a list of metrics of Keras.

    Raises:
        ValueError: If one object would add up the values of several tasks, or
            of `metrics` and `weighted_metrics`.
    """
    owners = {}
    for group in groups:
        for task, metrics in group.items():
            for metric in metrics:
                if id(metric) in owners:
                    raise ValueError(
                        f"One object, the metric {metric.name!r}, is given "
                        f"twice: for the tasks {owners[id(metric)]!r} and "
                        f"{task!r}. It would add up both. Make one object for "
                        "each, or give the metric's name."
                    )
                owners[id(metric)] = task


def resolve_class_weight(class_weight, tasks: dict, losses: dict) -> dict:
    """Reads `class_weight`: for each task, a weight for each class.

    Args:
        class_weight: `None`, or a dict of task name to a dict of class number
            to weight. Classes left out weigh 1. A soft label has the weight
            of its nearest class. A group's weights are those of each member
            without an entry of its own.
        tasks: Dict, task name to `Task`.
        losses: Dict, task name to loss, the tasks that are trained.

    Returns:
        Dict, task name to a list of floats, one a class; of a group, to a
        list of such lists, one a member.

    Raises:
        ValueError: If a name is no task, the task has no classes, or a class
            does not exist.
    """
    if class_weight is None:
        return {}
    if not isinstance(class_weight, dict) or any(
        not isinstance(value, dict) for value in class_weight.values()
    ):
        raise ValueError(
            "`class_weight` must be a dict of task name to a dict of class "
            f"number to weight. Its tasks are {listed(tasks)}. "
            f"Received: class_weight={class_weight!r}"
        )
    groups = {n: task.members for n, task in tasks.items() if task.is_group}
    if groups:
        trained = [m for name in losses for m in tasks[name].members]
        check_known("class_weight", class_weight, trained, groups)
    else:
        check_names("class_weight", class_weight, tasks)
    by_name = by_member(class_weight, groups)
    tables = {}
    for name in losses:
        task = tasks[name]
        if not any(member in by_name for member in task.members):
            continue
        rows = [
            _class_table(member, by_name.get(member, {}), task)
            for member in task.members
        ]
        tables[name] = rows if task.is_group else rows[0]
    return tables


def _class_table(name, weights, task):
    spec = task.label
    is_one_hot = spec.rule == "one_hot"
    if not is_one_hot and (
        spec.minimum != 0 or spec.maximum is None or spec.rule is not None
    ):
        raise ValueError(
            f"`class_weight` names the task {name!r}, whose labels are no "
            "class numbers. Use `sample_weight` instead."
        )
    num_classes = spec.shape[-1] if is_one_hot else int(spec.maximum) + 1
    for number, weight in weights.items():
        if number not in range(num_classes):
            raise ValueError(
                f"`class_weight` of the task {name!r} names the class "
                f"{number!r}. Expected integers in [0, {num_classes}). "
                f"Received: {weights}"
            )
        checks.number(f"class_weight[{name!r}][{number}]", weight, low=0)
    return [float(weights.get(number, 1.0)) for number in range(num_classes)]
