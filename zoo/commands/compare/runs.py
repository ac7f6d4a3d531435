"""The runs of a comparison: a process and a folder each, done once."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

from zoo.commands import selection

_LOG = "output.txt"
COST = "cost.json"
_EQUAL = "equal"


@dataclasses.dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        way: String, what is trained: a balancer's name, or `STL TASK`.
        rate: Float, the learning rate, or `None` for the recipe's.
        seed: Integer.
        overrides: List of strings `--config.FIELD=VALUE`.
    """

    way: str
    rate: float | None
    seed: int
    overrides: list

    def folder(self, workdir) -> Path:
        """Returns the run's own folder within a comparison's."""
        rate = "recipe" if self.rate is None else f"{self.rate:g}"
        name = self.way.replace(" ", "-")
        return Path(workdir) / "runs" / name / f"rate-{rate}-seed-{self.seed}"

    def __str__(self):
        rate = "" if self.rate is None else f", learning rate {self.rate:g}"
        return f"{self.way}{rate}, seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to train: how it differs from the recipe.

    Attributes:
        name: String.
        overrides: List of strings `--config.FIELD=VALUE`.
        options: Dict, hyperparameters of the balancer.
    """

    name: str
    overrides: list
    options: dict

    def job(self, rate: float | None, seed: int) -> Job:
        """Returns a training this way."""
        overrides = [*self.overrides, f"--config.seed={seed}"]
        if rate is not None:
            overrides.append(f"--config.optimizer.learning_rate={rate!r}")
        return Job(self.name, rate, seed, overrides)


def single(task: str, base: list[str]) -> Way:
    """Describes the training of one task alone.

    Args:
        task: String.
        base: List of overrides that all ways share.

    Returns:
        `Way`.
    """
    overrides = [
        *base,
        f"--config.overrides.tasks={(task,)!r}",
        f"--config.loss_weights={_EQUAL}",
        "--config.balancer=None",
    ]
    return Way(f"STL {task}", overrides, {})


def balanced(
    name: str,
    options: dict,
    base: list[str],
    *,
    is_own: bool,
    way: str | None = None,
) -> Way:
    """Describes the training of all tasks with a balancer.

    Args:
        name: String.
        options: Dict, its hyperparameters.
        base: List of overrides that all ways share.
        is_own: Boolean, whether it is the recipe's own weighting.
        way: String, the way's name. Defaults to the balancer's.

    Returns:
        `Way`.
    """
    if is_own:
        return Way(way or name, list(base), {})
    overrides = [
        # `base` may name weights, which are those of the recipe's own way.
        *(o for o in base if not o.startswith("--config.loss_weights")),
        f"--config.loss_weights={name}",
        f"--config.balancer={options or None!r}",
    ]
    return Way(way or name, overrides, options)


class Runner:
    """Trains what has not been trained, one process after the other.

    Args:
        values: Parsed flags: `model`, `config`, `workdir`, `data_dir`.
        config: `ConfigDict`, the recipe with the overrides that all share.
        counted: Dict, log key to `comparison.Measure`.

    Attributes:
        failed: Dict, name of a way to what went wrong.
    """

    def __init__(self, values, config, counted):
        self._values = values
        self._config = config
        self._counted = counted
        self.failed: dict[str, str] = {}

    def finish(self, jobs: list[Job], required: set) -> None:
        """Runs the jobs that have no report yet.

        Args:
            jobs: List of `Job`; those of a way that has failed are left out.
            required: Set of names of ways that must not fail.

        Raises:
            ValueError: If a required run fails.
        """
        for index, job in enumerate(jobs, start=1):
            if job.way in self.failed:
                continue
            place = f"[{index}/{len(jobs)}] {job}"
            if self._is_done(job):
                print(f"{place}: done before", flush=True)
                continue
            started = time.monotonic()
            error = self._run(job)
            seconds = time.monotonic() - started
            if error is None:
                print(f"{place}: {seconds:.0f} s", flush=True)
                continue
            log = job.folder(self._values.workdir) / _LOG
            message = f"{job} failed: {error} (all of it in {log})"
            print(f"{place}: {error}", flush=True)
            if job.way in required:
                raise ValueError(message)
            self.failed[job.way] = message

    def result(self, job: Job) -> dict:
        """Reads what a finished run has measured.

        Args:
            job: `Job`.

        Returns:
            Dict: `"metrics"` of the test split, `"seconds_per_step"` and
            `"peak_memory_bytes"`.

        Raises:
            ValueError: If the run lacks a metric that counts.
        """
        from mtl_keras.profiling import cost

        folder = job.folder(self._values.workdir)
        report = selection.read_json(folder, "report.json")
        if report["split"] != "test":
            raise ValueError(
                "A comparison measures on the test split. Received: a report "
                f"of the split {report['split']!r} in {str(folder)!r}"
            )
        return {"metrics": report["metrics"], **cost.read(folder / COST)}

    def validation(self, job: Job) -> dict:
        """Reads the validation metrics of the weights that a run kept.

        Args:
            job: `Job`.

        Returns:
            Dict, log key without `val_` to float or `None`; only metrics that
            count.
        """
        from mtl_keras import comparison
        from mtl_keras.training import report

        folder = job.folder(self._values.workdir)
        lines = report.MetricsFile(folder / "metrics.jsonl").read()
        config = self._config
        line = comparison.kept_line(
            lines, config.get("monitor"), config.get("mode")
        )
        return {
            key: line[f"val_{key}"]
            for key in self._counted
            if f"val_{key}" in line
        }

    def _is_done(self, job) -> bool:
        folder = job.folder(self._values.workdir)
        return (folder / "report.json").is_file() and (folder / COST).is_file()

    def _run(self, job) -> str | None:
        """Runs a job; returns what went wrong, `None` for nothing."""
        folder = job.folder(self._values.workdir)
        folder.mkdir(parents=True, exist_ok=True)
        argv = [f"--workdir={folder}", *job.overrides]
        for name in ("model", "config", "data", "data_dir", "layout"):
            if self._values[name].value is not None:
                argv.append(f"--{name}={self._values[name].value}")
        if self._values.columns:
            argv.append(f"--columns={','.join(self._values.columns)}")
        log = folder / _LOG
        status = start(argv, log)
        if status == 0:
            return None
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        written = [line for line in lines if line.strip()] or ["no output"]
        errors = [line for line in written if line.startswith("error: ")]
        last = errors[-1].removeprefix("error: ") if errors else written[-1]
        return f"{last.strip()} (status {status})"


def start(argv: list[str], log: Path) -> int:
    """Runs `zoo.commands.compare.run` in a process and waits for its end.

    Args:
        argv: List of strings, its flags.
        log: Path of the file that takes what it writes.

    Returns:
        Integer, the exit status.
    """
    command = [sys.executable, "-m", "zoo.commands.compare.run", *argv]
    # Its input is open as long as this process lives: see `run`.
    with (
        open(log, "ab") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            process.kill()
            raise
