"""The classes of `fruit`."""

KINDS = ("apple", "banana", "orange")
