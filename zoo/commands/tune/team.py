"""A chief and its workers on one machine: started and ended together."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from mtl_keras.tuning.roles import VARIABLES

_HOST = "127.0.0.1"
_PAUSE_SECONDS = 0.2


def run(argv: list[str], num_workers: int, workdir: Path) -> None:
    """Runs a search by several processes and waits for its end.

    The chief writes to this terminal, each worker to a file in the workdir.
    Whatever happens here, the processes end as well; the same command
    can always resume from the folder.

    Args:
        argv: List of strings, the flags of each process.
        num_workers: Integer.
        workdir: Path of the search's folder.

    Raises:
        ValueError: If a process fails.
    """
    with contextlib.ExitStack() as started:
        port = _free_port()
        chief = _start(argv, "chief", port, None, started)
        # Before it listens there is nothing that a worker could do.
        while chief.poll() is None and not _listens(port):
            time.sleep(_PAUSE_SECONDS)
        workers = {}
        if chief.poll() is None:
            for number in range(1, num_workers + 1):
                name = f"worker-{number}"
                log = workdir / "logs" / f"{name}.txt"
                workers[name, log] = _start(argv, name, port, log, started)
        while chief.poll() is None:
            for (name, log), worker in workers.items():
                if worker.poll():
                    raise ValueError(
                        f"{name} {_reason(worker.returncode, log)} (all of it "
                        f"in {log}). The search is ended; the same command "
                        "resumes it."
                    )
            time.sleep(_PAUSE_SECONDS)
        if chief.returncode:
            raise ValueError(
                f"The chief has ended with the status {chief.returncode}; it "
                "says above why."
            )


def _start(argv, name, port, log, started):
    """Starts a process that lives no longer than `started` is open."""
    output = None
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = started.enter_context(open(log, "ab"))
    values = (name, _HOST, str(port))
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo.commands.tune.member", *argv],
        env={**os.environ, **dict(zip(VARIABLES, values, strict=True))},
        # Its input is open as long as this process lives: see `parent`.
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        # Ctrl-C is for this process, which then ends the others.
        start_new_session=True,
    )
    started.callback(_end, process)
    return process


def _end(process) -> None:
    # The state is written whole at each change: nothing is lost by this.
    process.kill()
    process.stdin.close()
    process.wait()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind((_HOST, 0))
        return server.getsockname()[1]


def _listens(port) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((_HOST, port)) == 0


def _reason(status, log) -> str:
    if status < 0:
        return f"was killed by the signal {-status}"
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()] or [
        "no output"
    ]
    errors = [line for line in lines if line.startswith("error: ")]
    message = (errors or lines)[-1].removeprefix("error: ").strip()
    return f"has ended with the status {status}: {message}"
