"""The environment of a process that runs tests on a backend of its own."""

import os

# JAX compiles each step of a test for a run or two: to compile takes most of
# the time. Without XLA's emitters of fused loops it takes half of that.
_XLA_FLAGS = "--xla_cpu_use_fusion_emitters=false"


def environment(backend: str, num_devices: int = 1) -> dict[str, str]:
    """Names the backend and how it compiles.

    Args:
        backend: String, `"tensorflow"` or `"jax"`.
        num_devices: Integer, how many devices JAX sees.

    Returns:
        Dict of this process's variables and those.
    """
    variables = {**os.environ, "KERAS_BACKEND": backend}
    if backend != "jax":
        return variables
    flags = [os.environ.get("XLA_FLAGS", ""), _XLA_FLAGS]
    if num_devices > 1:
        variables["JAX_PLATFORMS"] = "cpu"
        flags.append(f"--xla_force_host_platform_device_count={num_devices}")
    variables["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    variables["XLA_FLAGS"] = " ".join(filter(None, flags))
    return variables
