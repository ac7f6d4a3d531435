"""How the tests compile, and the environment of processes they start."""

import os

# A test compiles a step for a run or two, and to compile takes most of the
# time: without optimization, and without XLA's emitters of fused loops, it
# takes a third of it. The steps compute the same, but for rounding.
_XLA_FLAGS = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_use_fusion_emitters=false",
)


def compile_quickly(variables) -> None:
    """Sets the flags with which XLA compiles soon.

    Args:
        variables: Mapping of environment variables, which is changed. Flags
            that it has already stay as they are.
    """
    flags = variables.get("XLA_FLAGS", "").split()
    known = {flag.partition("=")[0] for flag in flags}
    flags += [f for f in _XLA_FLAGS if f.partition("=")[0] not in known]
    variables["XLA_FLAGS"] = " ".join(flags)


def environment(backend: str, num_devices: int = 1) -> dict[str, str]:
    """Names the backend and how it compiles.

    Args:
        backend: String, `"tensorflow"` or `"jax"`.
        num_devices: Integer, how many devices JAX sees.

    Returns:
        Dict of this process's variables and those.
    """
    variables = {**os.environ, "KERAS_BACKEND": backend}
    compile_quickly(variables)
    if backend != "jax":
        return variables
    if num_devices > 1:
        variables["JAX_PLATFORMS"] = "cpu"
        variables["XLA_FLAGS"] += (
            f" --xla_force_host_platform_device_count={num_devices}"
        )
    variables["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    return variables
