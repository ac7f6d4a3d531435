"""The small optimisation problems that balancers solve at each step."""
