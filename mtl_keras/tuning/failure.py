"""Why a trial failed, in one line."""


def reason(error: Exception) -> str:
    """Writes why a trial failed in one line.

    Args:
        error: Exception.

    Returns:
        String, without the type where it is an ordinary `ValueError`.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else "no word"
    if isinstance(error, ValueError):
        return text
    return f"{type(error).__name__}: {text}"
