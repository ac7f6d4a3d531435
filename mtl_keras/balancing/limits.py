"""How many tasks a method can balance within a step."""


def check(balancer, num_tasks: int) -> None:
    """Refuses a method whose solver does not fit so many tasks.

    Args:
        balancer: `Balancer`.
        num_tasks: Integer, the trained tasks, each member of a group one.

    Raises:
        ValueError: If there are more than `balancer.most_tasks`.
    """
    most = balancer.most_tasks
    if most is None or num_tasks <= most:
        return
    raise ValueError(
        f"{type(balancer).__name__} balances at most {most} tasks: of more, "
        f"its solver or state takes too long or too much memory. Received: "
        f"{num_tasks} tasks. 'cagrad', 'gradnorm' and 'uncertainty' take more."
    )
