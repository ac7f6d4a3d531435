"""Ends a training in order when the process receives SIGTERM."""

import contextlib
import signal
import threading

STATUS = 128 + signal.SIGTERM


class Termination:
    """Whether SIGTERM has arrived.

    Attributes:
        is_requested: Boolean.
    """

    def __init__(self):
        self.is_requested = False

    def exit_if_requested(self, tell) -> None:
        """Ends the process if SIGTERM has arrived.

        Args:
            tell: Function without arguments, called before.

        Raises:
            SystemExit: With the status 143, as of a process that SIGTERM ended.
        """
        if self.is_requested:
            tell()
            raise SystemExit(STATUS)


@contextlib.contextmanager
def termination():
    """Takes note of SIGTERM for as long as it is open.

    A handler of the user's own stays in place, as do all handlers outside the
    main thread, where Python allows no others.

    Yields:
        `Termination`.
    """
    request = Termination()
    is_free = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not is_free or threading.current_thread() != threading.main_thread():
        yield request
        return

    def note(number, frame):
        del number, frame
        request.is_requested = True

    signal.signal(signal.SIGTERM, note)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
