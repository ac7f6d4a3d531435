"""Runs a tool: reads its flags, and explains what is wrong with them."""

import contextlib
import dataclasses
import logging
import os
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Callable

from absl import flags

from mtl_keras.messages import did_you_mean

_WIDTH = 79
_CONFIG = "--config."


@dataclasses.dataclass(frozen=True)
class Command:
    """A tool.

    Attributes:
        name: String, as in `python -m tools.NAME`.
        summary: String, one sentence.
        usage: String, the flags and operands in short.
        define: Function that defines the flags on an `absl.flags.FlagValues`.
        run: Function of the parsed flags and of the list of operands.
        operands: String, what is taken beside the flags: `""` for nothing,
            `"files"`, or `"config"` for overrides `--config.FIELD=VALUE`.
        needs_backend: Boolean, whether Keras is imported before `run`.
    """

    name: str
    summary: str
    usage: str
    define: Callable[[flags.FlagValues], None]
    run: Callable[[flags.FlagValues, list[str]], None]
    operands: str = ""
    needs_backend: bool = True


def run(command: Command, argv: list[str] | None = None) -> int:
    """Runs a tool and turns errors into messages.

    Args:
        command: `Command`.
        argv: List of strings, without the program's name. Defaults to the
            process's.

    Returns:
        Integer, the exit status: 0, 1 for an error, 2 for wrong flags, 130
        after an interrupt. A training that SIGTERM ends raises `SystemExit`
        with 143.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    values = flags.FlagValues()
    values.set_gnu_getopt(True)
    flags.DEFINE_bool(
        "help", False, "Shows this.", short_name="h", flag_values=values
    )
    flags.DEFINE_bool(
        "debug",
        False,
        "Shows where in the code an error arose.",
        flag_values=values,
    )
    command.define(values)
    try:
        operands = _parse(command, values, argv)
    except flags.Error as error:
        print(f"error: {error}", file=sys.stderr)
        print(f"`{command.name} --help` lists all its flags.", file=sys.stderr)
        return 2
    if values.help:
        print(_help(command, values))
        return 0
    _log_to_terminal()
    try:
        if command.needs_backend:
            import_backend()
        command.run(values, operands)
        sys.stdout.flush()
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader, such as `head`, has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        if values.debug:
            traceback.print_exc()
        else:
            print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0


def _parse(command, values, argv) -> list[str]:
    """Parses the flags and returns the operands."""
    # Flags that are not defined come back: then our own words can be used.
    rest = values([command.name, *argv], known_only=True)[1:]
    names = sorted(f"--{name}" for name in values if len(name) > 1)
    for argument in rest:
        if argument.startswith(_CONFIG) and command.operands == "config":
            if "=" not in argument:
                raise flags.Error(
                    f"{argument} has no value. Write {argument}=VALUE."
                )
        elif argument.startswith("-") and argument != "-":
            flag = "--" + argument.lstrip("-").split("=")[0]
            raise flags.Error(
                f"{command.name} has no flag {flag}."
                f"{did_you_mean(flag, names)} Received: {argument}"
            )
        elif command.operands != "files":
            raise flags.Error(
                f"{command.name} takes flags only. Received: {argument!r}"
            )
    return rest


def _help(command, values) -> str:
    defined = [values[name] for name in values if len(name) > 1]
    width = max(len(flag.name) for flag in defined) + 4
    lines = [
        command.summary,
        "",
        *textwrap.wrap(
            f"Usage: python -m tools.{command.name} {command.usage}",
            _WIDTH,
            subsequent_indent="    ",
            break_on_hyphens=False,
            break_long_words=False,
        ),
        "",
    ]
    for flag in sorted(defined, key=lambda flag: flag.name):
        text = flag.help
        if flag.default not in (None, False, "", []):
            text += f" Default: {flag.default_as_str}."
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  --{flag.name}".ljust(width + 2),
            subsequent_indent=" " * (width + 2),
            break_on_hyphens=False,
        )
    return "\n".join(lines)


class _PrintingHandler(logging.Handler):
    """Prints to what `sys.stdout` is at the time of the message.

    A `StreamHandler` keeps the stream it was made with, which a caller of
    several tools may have closed.
    """

    def emit(self, record):
        """Prints a message."""
        print(self.format(record), flush=True)


def _log_to_terminal() -> None:
    """Lets the lines of our own loggers through as they are."""
    for name in ("mtl_keras", "zoo"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        if not logger.handlers:
            handler = _PrintingHandler()
            handler.setFormatter(logging.Formatter("%(message)s"))
            logger.addHandler(handler)
            logger.propagate = False


def import_backend() -> None:
    """Imports Keras and hides what TensorFlow's libraries log about the CPU.

    TensorFlow 2.21 writes lines such as "oneDNN custom operations are on"
    before TF_CPP_MIN_LOG_LEVEL is obeyed. If the import fails, they are shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        return
    with tempfile.TemporaryFile() as file, _errors_to(file):
        try:
            import keras  # noqa: F401
        except BaseException:
            file.seek(0)
            sys.stdout.write(file.read().decode(errors="replace"))
            raise


@contextlib.contextmanager
def _errors_to(file):
    """Sends what the process writes to its standard error into a file."""
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
