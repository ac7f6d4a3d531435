"""One ml_collections config an entry: the recipe that made its weights."""
