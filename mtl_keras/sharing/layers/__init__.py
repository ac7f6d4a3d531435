"""Layers that architectures of sharing are made of, one a file."""
