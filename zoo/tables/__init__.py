"""Models that read the columns of tables."""
