"""Models that read clips."""
