"""What the tasks of a model share: its dropout, penalty and initial values."""
