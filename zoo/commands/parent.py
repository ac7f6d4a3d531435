"""Lets a process end with the one that started it."""

import os
import threading


def end_with_the_parent() -> None:
    """Ends this process when the one that started it has ended.

    Otherwise the processes of a killed tool would keep writing to the folder
    that the restarted tool writes to. The parent holds the other end of
    this process's standard input for as long as it lives.
    """

    def wait():
        # Not by `sys.stdin`: its lock, held here, would fail Python's end.
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
