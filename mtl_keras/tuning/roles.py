"""What a process is in a search by several, by KerasTuner's variables."""

import os

_ID = "KERASTUNER_TUNER_ID"
_ADDRESS = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
# The name of a process, and where its chief listens.
VARIABLES = (_ID, *_ADDRESS)
ALONE, CHIEF, WORKER = "alone", "chief", "worker"


def role() -> str:
    """Tells what this process is.

    Returns:
        String: `"alone"`, `"chief"` or `"worker"`.

    Raises:
        ValueError: If some of the variables are set and others are not.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if len(missing) == len(VARIABLES):
        return ALONE
    if missing:
        raise ValueError(
            "A search by several processes needs all of "
            f"{', '.join(VARIABLES)}: the name of this one ('chief' for one of "
            "them), and the chief's address. Received: none for "
            f"{', '.join(missing)}"
        )
    # As KerasTuner decides it.
    return CHIEF if "chief" in os.environ[_ID] else WORKER


def address() -> str:
    """Returns where the chief listens, such as `"127.0.0.1:8000"`."""
    return ":".join(os.environ[name] for name in _ADDRESS)
