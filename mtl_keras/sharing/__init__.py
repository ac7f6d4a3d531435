"""Dropout, regularization and initialization of what the tasks share."""
