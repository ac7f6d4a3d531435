"""The names of the classes of `scenes`."""

CLASSES = ("floor", "wall", "box", "sphere", "cylinder", "cone", "board")
# In masks kept as images.
MISSING = 255
