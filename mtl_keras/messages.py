"""Error texts that list the options and suggest the nearest one."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """Suggests the option nearest to a misspelt name.

    Args:
        name: The name received, of any type.
        options: Iterable of strings, the names that exist.

    Returns:
        String such as `" Did you mean 'box'?"`, empty if none is near.
    """
    folded = {str(option).lower(): str(option) for option in options}
    near = difflib.get_close_matches(
        str(name).lower(), list(folded), n=1, cutoff=0.5
    )
    return f" Did you mean {folded[near[0]]!r}?" if near else ""


def listed(options: Iterable[str]) -> str:
    """Writes names for an error: `'box', 'cls', 'det'`."""
    return ", ".join(repr(str(option)) for option in options) or "(none)"


def counted(number: int, noun: str) -> str:
    """Writes a number of things: `1 epoch`, `2,000 epochs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def unknown(
    what: str, name: object, options: Iterable[str], received: object = None
) -> str:
    """Writes the message for a name that is not among the options.

    Args:
        what: String, the kind of name: `"model"`, `"task in 'loss_weights'"`.
        name: The name received.
        options: Iterable of strings, the names that exist.
        received: The whole argument, if the name was a part of it.

    Returns:
        String: the unknown name, the options, a suggestion, and what was
        received.
    """
    options = sorted(str(option) for option in options)
    received = name if received is None else received
    return (
        f"Unknown {what}: {name!r}. Expected one of {listed(options)}."
        f"{did_you_mean(name, options)} Received: {received!r}"
    )
