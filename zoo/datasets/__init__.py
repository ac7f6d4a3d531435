"""TensorFlow Datasets builders of the zoo's embedded data."""
