"""Times and measures what this library adds to plain Keras."""
