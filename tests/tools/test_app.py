"""What a tool says of a wrong command line, and how it ends."""

import pytest
from absl import flags

from zoo import commands
from zoo.commands import app


def _command(run=lambda values, operands: None, **options):
    def define(values):
        flags.DEFINE_integer(
            "steps", 3, "How many.", lower_bound=1, flag_values=values
        )

    return app.Command(
        "walk",
        "Walks.",
        "[flags]",
        define,
        run,
        needs_backend=False,
        **options,
    )


def test_flags_reach_the_tool():
    seen = []
    command = _command(lambda values, operands: seen.append(values.steps))
    assert app.run(command, ["--steps", "5"]) == 0
    assert app.run(command, []) == 0
    assert seen == [5, 3]


def test_files_reach_the_tool_wherever_they_stand():
    seen = []
    command = _command(
        lambda values, operands: seen.append((values.steps, operands)),
        operands="files",
    )
    assert app.run(command, ["a.png", "--steps=5", "b.png"]) == 0
    assert seen == [(5, ["a.png", "b.png"])]


def test_overrides_reach_the_tool():
    seen = []
    command = _command(
        lambda values, operands: seen.append(operands), operands="config"
    )
    argv = ["--config.a.b=1", "--steps=2", "--config.c=x"]
    assert app.run(command, argv) == 0
    assert seen == [["--config.a.b=1", "--config.c=x"]]


@pytest.mark.parametrize(
    ("operands", "argv", "message"),
    [
        ("", ["--stesp=3"], "has no flag --stesp. Did you mean '--steps'?"),
        ("", ["-stesp", "3"], "has no flag --stesp. Did you mean '--steps'?"),
        ("", ["--config.a=1"], "has no flag --config.a."),
        ("", ["--steps=many"], "steps"),
        ("", ["--steps=0"], "steps"),
        ("", ["--steps"], "steps"),
        ("", ["five"], "takes flags only. Received: 'five'"),
        ("config", ["--config.a", "1"], "Write --config.a=VALUE."),
        ("config", ["--confg.a=1"], "has no flag --confg.a."),
    ],
)
def test_wrong_flags(capsys, operands, argv, message):
    assert app.run(_command(operands=operands), argv) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert message in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(capsys, flag):
    assert app.run(_command(), [flag]) == 0
    printed = capsys.readouterr().out
    assert "Walks." in printed
    assert "--steps  How many. Default: '3'." in printed


def _fail(error):
    def run(values, operands):
        raise error

    return run


@pytest.mark.parametrize("error", [ValueError("so"), OSError("so")])
def test_our_errors_are_one_message(capsys, error):
    assert app.run(_command(_fail(error)), []) == 1
    assert capsys.readouterr().err == "error: so\n"


def test_debug_shows_where(capsys):
    assert app.run(_command(_fail(ValueError("so"))), ["--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        app.run(_command(_fail(ZeroDivisionError())), [])


def test_interrupt(capsys):
    assert app.run(_command(_fail(KeyboardInterrupt())), []) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_dispatcher(capsys):
    assert commands.main([]) == 2
    assert commands.main(["--help"]) == 0
    assert commands.main(["list_models", "--help"]) == 0
    printed = capsys.readouterr().out
    for name in commands.SUMMARIES:
        assert name in printed


def test_dispatcher_and_unknown_tool(capsys):
    assert commands.main(["tarin"]) == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err
