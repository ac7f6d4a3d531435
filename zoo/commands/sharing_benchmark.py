"""Measures architectures of sharing: on problems, and their steps' time."""

import itertools
import pathlib
import re

from absl import flags

import zoo.problems
from mtl_keras.messages import unknown

_HEAD = """\
# What each architecture of sharing is for

<!-- Sections are written by `python -m tools.benchmark sharing`. -->

Small problems whose answer is known, and real data. Each value is the mean
over three seeds with its standard deviation. The problems were made to tell
the architectures apart: two of them were changed after a first look (between
separate and shared, and the two groups), and settings that were chosen on the
same seeds are named.
"""


def define(values: flags.FlagValues) -> None:
    """Defines the flags of `benchmark sharing`."""
    flags.DEFINE_list(
        "problems",
        None,
        "Of sharing: names of problems. Without it, all.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seeds", 3, "Of sharing: seeds.", lower_bound=1, flag_values=values
    )
    flags.DEFINE_string(
        "page",
        None,
        "Of sharing: Markdown file in which the problems' sections are "
        "replaced.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "sharing",
        None,
        "Of sharing_step: names of architectures. Without it, all.",
        flag_values=values,
    )


def run(values: flags.FlagValues) -> list[dict]:
    """Prints a section for each problem.

    Args:
        values: Parsed flags.

    Returns:
        List of dicts of figures, one a problem and seed.

    Raises:
        ValueError: If a problem is unknown.
    """
    names = values.problems or zoo.problems.list_problems()
    for name in names:
        if name not in zoo.problems.list_problems():
            raise ValueError(
                unknown("problem", name, zoo.problems.list_problems())
            )
    figures = []
    for name in names:
        problem = zoo.problems.get(name)
        results = [problem.run(seed) for seed in range(values.seeds)]
        section = zoo.problems.section(name, results)
        print(section, flush=True)
        if values.page:
            path = pathlib.Path(values.page)
            page = path.read_text("utf-8") if path.exists() else _HEAD
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(with_section(page, section), "utf-8")
        figures += [
            {"problem": name, "seed": seed, "figures": result}
            for seed, result in enumerate(results)
        ]
    return figures


def run_steps(values: flags.FlagValues) -> list[dict]:
    """Prints each architecture's step beside that of the same plain layers.

    Args:
        values: Parsed flags.

    Returns:
        List of dicts of figures, one an architecture and setting of XLA.

    Raises:
        ValueError: If an architecture is unknown, or the trunk has no stages.
    """
    from mtl_keras import sharing

    every = sharing.list_sharings()
    names = values.sharing or every
    for name in names:
        if name not in every:
            raise ValueError(unknown("sharing", name, every))

    import keras

    from mtl_keras.profiling import step
    from mtl_keras.profiling.sharing import SharingNetwork

    networks = [
        SharingNetwork(
            num_tasks=values.num_tasks,
            batch_size=values.batch_size,
            trunk=values.trunk,
            dtype=values.dtype,
            sharing=name,
        )
        for name in names
    ]
    print(
        f"{networks[0].title}, batch {values.batch_size}, {values.num_tasks} "
        f"tasks, {values.steps} interleaved steps, equal weights; plain: "
        "keras.Model of the same layers and losses"
    )
    print(f"{'':<24}{'plain step':>14}{'ours':>12}{'ratio':>8}  95%")
    figures = []
    for network, setting in itertools.product(networks, values.xla):
        times = step.compare_steps(
            network,
            {"equal": None},
            steps=values.steps,
            jit_compile=setting == "on",
        )["equal"].summary()
        low, high = times["interval"]
        title = f"XLA {setting} {network.sharing}"
        print(
            f"{title:<24}{times['plain_ms']:>11.1f} ms{times['ours_ms']:>9.1f} "
            f"ms{times['ratio']:>8.3f}  {low:.3f} to {high:.3f}",
            flush=True,
        )
        figures.append({"sharing": network.sharing, "xla": setting, **times})
        # The next architecture's models would come on top of these.
        keras.utils.clear_session()
    return figures


def with_section(page: str, section: str) -> str:
    """Replaces the section with the same title, or adds it at the end.

    Args:
        page: String, Markdown.
        section: String, Markdown that starts with a line `## title`.

    Returns:
        String, Markdown.
    """
    title = re.escape(section.splitlines()[0])
    old = re.compile(rf"^{title}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if old.search(page):
        return old.sub(lambda match: section + "\n", page).rstrip("\n") + "\n"
    return page.rstrip("\n") + "\n\n" + section
