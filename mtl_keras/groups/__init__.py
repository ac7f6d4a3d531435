"""Groups of tasks: many tasks of one kind as the columns of one output."""
