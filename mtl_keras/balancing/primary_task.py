"""The argument that names the one task which the others serve."""

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.groups.members import check_known


class PrimaryTask(GradientBalancer):
    """Takes the name of a primary task.

    Args:
        primary: String, or `None`.
        **kwargs: As of `GradientBalancer`.
    """

    # What `primary=None` stands for, in errors.
    without_primary = "all tasks"

    def __init__(self, primary: str | None = None, **kwargs):
        super().__init__(**kwargs)
        if primary is not None and not isinstance(primary, str):
            raise ValueError(
                "`primary` must be a task's name or None, "
                f"{self.without_primary}. Received: primary={primary!r}"
            )
        self.primary = primary

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and finds the primary one.

        Args:
            tasks: Sequence of strings, sorted.
            num_parameters: Integer, the size of the shared variables.

        Raises:
            ValueError: If `primary`, or a name of another argument, is no
                task.
        """
        if self.primary is not None:
            check_known("primary", [self.primary], tuple(tasks), {})
        super().bind(tasks, num_parameters)

    def _place(self) -> int | None:
        """Returns the primary task's place; `None` without one."""
        names = self.tasks or ()
        return names.index(self.primary) if self.primary in names else None

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "primary": self.primary}
