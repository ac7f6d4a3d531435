"""Where the files of the pretrained trunks are, and what is missing."""

import importlib.util
import os
import pathlib

ENVIRONMENT = "MTL_KERAS_TRUNKS"


def cache_folder() -> pathlib.Path:
    """Returns the folder of unpacked trunks.

    Returns:
        `pathlib.Path`: the environment variable `MTL_KERAS_TRUNKS`, else
        `~/.cache/mtl_keras/trunks`.
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return pathlib.Path(chosen).expanduser()
    return pathlib.Path.home() / ".cache" / "mtl_keras" / "trunks"


def package_file(package: str, *names: str) -> pathlib.Path | None:
    """Finds a file of an installed package without importing the package.

    Args:
        package: String, the name that it is imported by.
        *names: Strings, the path of the file in the package's folder.

    Returns:
        `pathlib.Path`, or `None` where the package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = pathlib.Path(folder, *names)
        if path.is_file():
            return path
    return None


def is_installed(module: str) -> bool:
    """Whether a package can be imported; it is not imported."""
    return importlib.util.find_spec(module) is not None


def require(module: str, extra: str, purpose: str) -> None:
    """Checks that an optional package is installed.

    Args:
        module: String, the name that it is imported by.
        extra: String, the extra of this package that installs it.
        purpose: String, what needs it, such as `"trunk='minilm'"`.

    Raises:
        ValueError: If it is not installed.
    """
    if not is_installed(module):
        raise ValueError(
            f"{purpose} needs the package {module!r}, which is not "
            f"installed. Run: pip install 'mtl-keras[{extra}]'"
        )
