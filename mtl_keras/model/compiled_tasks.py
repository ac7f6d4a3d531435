"""What a model is compiled with, once its arguments have been read."""

import dataclasses
import warnings
import weakref

import keras

from mtl_keras import balancing, compat, graph, optimizers
from mtl_keras.engine.step_plan import StepPlan, bind, make_step_plan
from mtl_keras.groups.members import members_by_task
from mtl_keras.groups.metrics import by_column
from mtl_keras.model import arguments, group_loss, log_keys, score_checks
from mtl_keras.model.balance_log import BalanceLog
from mtl_keras.model.finite_watch import FiniteWatch
from mtl_keras.model.group_logs import GroupLogs
from mtl_keras.model.label_inference import complete_task
from mtl_keras.model.tracking import TaskTracking
from mtl_keras.sharing.dropout import FrontierDropout
from mtl_keras.sharing.regularization import SharedPenalty
from mtl_keras.task import Task

# The model that each metric object keeps the state of.
_OWNERS = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True, eq=False)
class CompiledTasks:
    """The outcome of `compile`; another `compile` replaces it whole.

    Args:
        arguments: Dict, the arguments of `compile`.
        tasks: Dict, task name to `Task`, sorted, each with the label that its
            loss reads.
        losses: Dict, task name to loss, of the tasks that are trained.
        checked: Tuple of strings, the tasks whose labels are checked.
        balancer: `Balancer`.
        penalty: `SharedPenalty`.
        dropout: `FrontierDropout`, or `None`.
        step_plan: `StepPlan` of a step that balances gradients, or `None`.
        tracking: `TaskTracking`.
    """

    arguments: dict
    tasks: dict
    losses: dict
    checked: tuple[str, ...]
    balancer: balancing.Balancer
    penalty: SharedPenalty
    dropout: FrontierDropout | None
    step_plan: StepPlan | None
    tracking: TaskTracking


def tasks_by_name(declared, outputs: dict) -> dict:
    """Gives each output a task: the declared one, or one of its name.

    Args:
        declared: Sequence of `Task`.
        outputs: Dict, task name to output tensor.

    Returns:
        Dict, task name to `Task`, sorted.
    """
    known = {task.name: task for task in declared}
    return {name: known.get(name) or Task(name) for name in sorted(outputs)}


def task_as_compiled(model, name: str) -> Task:
    """Returns a task with the loss and metrics that `compile` gave it.

    Args:
        model: `MultiTaskModel`, compiled or not.
        name: String, the task's name.

    Returns:
        `Task`, with which another model can be built and compiled.
    """
    task = model.tasks[name]
    given = model.compile_arguments()
    changes = {}
    loss = given.get("loss")
    if isinstance(loss, dict):
        loss = loss.get(name)
    if loss is not None:
        changes["loss"] = loss
    metrics = given.get("metrics")
    if isinstance(metrics, dict) and metrics.get(name) is not None:
        of_task = metrics[name]
        if not isinstance(of_task, list | tuple):
            of_task = [of_task]
        changes["metrics"] = tuple(_unused(metric) for metric in of_task)
    return dataclasses.replace(task, **changes)


def prepare(model, declared, given: dict) -> CompiledTasks:
    """Reads the arguments of `compile`.

    Args:
        model: `MultiTaskModel`.
        declared: Sequence of `Task`, those that the user declared.
        given: Dict, the arguments by name.

    Returns:
        `CompiledTasks`.

    Raises:
        ValueError: If a name is no task of the model, a loss, metric or
            balancer is unknown, or a task has no loss.
    """
    tasks = tasks_by_name(declared, model.output)
    losses = arguments.resolve_losses(given["loss"], tasks)
    streaming, split = arguments.resolve_metrics(
        "metrics", given["metrics"], tasks, losses
    )
    weighted, weighted_split = arguments.resolve_metrics(
        "weighted_metrics", given["weighted_metrics"], tasks, losses
    )
    if weighted_split:
        raise ValueError(
            "A metric of the whole split goes into `metrics`. Received: "
            f"weighted_metrics={given['weighted_metrics']!r}"
        )
    arguments.check_shared_metrics((streaming, weighted))
    streaming = by_column(_own_metrics(model, streaming), tasks)
    weighted = by_column(_own_metrics(model, weighted), tasks)
    split = by_column(split, tasks)
    declared_names = {task.name for task in declared}
    for name, loss in losses.items():
        group_loss.check(tasks[name], loss)
        tasks[name] = complete_task(
            tasks[name],
            loss,
            model.output[name].shape,
            is_declared=name in declared_names,
        )
    balancer = balancing.get(given["loss_weights"])
    parts = graph.partition(model)
    score_checks.check(losses, parts)
    penalty = SharedPenalty(given["shared_regularizer"], parts, model)
    if model.sharing is not None:
        model.sharing.check_balancer(balancer, parts, tuple(losses))
    dropout = FrontierDropout.of(given["shared_dropout"], model, parts)
    if model.sharing is None:
        graph.warn_if_nothing_shared(parts)
    of_task = members_by_task(tasks)
    members = {name: of_task[name] for name in losses}
    names = tuple(member for name in losses for member in members[name])
    step_plan = make_step_plan(parts, balancer, members, dropout, penalty)
    bind(model, balancer, members, step_plan)
    optimizers.bind(given["optimizer"], model)
    tracking = TaskTracking(
        members,
        streaming,
        weighted,
        split,
        BalanceLog.of(balancer, step_plan, tasks) if balancer.monitor else None,
        FiniteWatch(names, parts, given["on_nonfinite"]),
        GroupLogs(tasks),
    )
    log_keys.check(tracking)
    return CompiledTasks(
        arguments=given,
        tasks=tasks,
        losses=losses,
        # An undeclared output without a loss says nothing of its labels.
        checked=tuple(n for n, t in tasks.items() if n in losses or t.kind),
        balancer=balancer,
        penalty=penalty,
        dropout=dropout,
        step_plan=step_plan,
        tracking=tracking,
    )


def _unused(metric):
    if not isinstance(metric, keras.metrics.Metric):
        return metric
    return type(metric).from_config(compat.config_of(metric))


def _own_metrics(model, groups) -> dict:
    """Copies metric objects that another model uses.

    Two models that update one object, as when one is evaluated while the
    other trains, would both log wrong values.

    Args:
        model: `MultiTaskModel`.
        groups: Dict, task name to a list of metrics of Keras.

    Returns:
        Dict of the same structure.
    """
    return {
        task: [_own_metric(model, metric) for metric in metrics]
        for task, metrics in groups.items()
    }


def _own_metric(model, metric):
    owner = _OWNERS.get(metric)
    owner = None if owner is None else owner()
    if owner is not None and owner is not model:
        warnings.warn(
            f"The metric object {metric.name!r} belongs to the model "
            f"{owner.name!r}. The model {model.name!r} gets a copy, so the "
            "object's own result() is that of the first model alone.",
            UserWarning,
            stacklevel=6,
        )
        metric = type(metric).from_config(compat.config_of(metric))
    _OWNERS[metric] = weakref.ref(model)
    return metric
