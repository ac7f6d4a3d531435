"""Thin mains around `zoo.commands`: `python -m tools.train --help`."""
