"""Models that read molecules."""
