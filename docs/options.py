"""Print docs/options.md, the manual's page of all options, from the tables that the command line is made of.

    .venv/bin/python docs/options.py > docs/options.md

What an option's help says stands in the table as it is, with ./inv for the program, however it was started.
What a text may be is said here, since the program takes any: an option that is new and a text has to be
added to VALUES.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

os.environ["INV_COMMAND"] = "./inv"
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from invoke.collection import Collection
from invoke.parser.argument import Argument

import tasks
from configs.given import parse
from configs.options import BY_NAME, MOST_IN_A_BATCH, SHARED, Option
from pipeline.cli import core_options
from pipeline.cli.task_types import Stage, View

Taken = Mapping[str, Sequence[Argument]]  # the arguments of each task

PAGE = """\
# Every option

This page is made from the program's own tables by `.venv/bin/python docs/options.py`; `./inv --help TASK`
says the same. A switch takes no value, a count is a number above 0. What each command does:
[README](../README.md#what-you-may-ask).

- An option stands after its task: `./inv all --bs=1,16`; `--bs 1,16` is the same.
- One value an option; several batch sizes or devices stand between commas.
- One command line is one request: `./inv export bench --bs=1` has one batch size in both.
- Files, folders and `--out` are relative to where you stand.
- A word that is none stops the command with exit code 2, a line, and the nearest word that is one.

## Before a task

| option | meaning |
|---|---|
{before}
## Shared

Every stage ({stages})
and every view of the plan ({views}) takes all of these, with the same meaning.
A view shows the plan of `all` with these options: repeat those of the build.

| option | value | default | meaning | also taken by |
|---|---|---|---|---|
{shared}
## Of one command

`test` hands all that stands after `--` to pytest. Of `bench`, `--profile`, `--tune` and `--scenario` are
one at a time, and so are those of `data`.

| command | option | value | default | meaning |
|---|---|---|---|---|
{own}
## The environment

Invoke's own configuration (`INVOKE_...`, `~/.invoke.yaml`) is not read; of pip's what says where packages
come from ([troubleshooting.md](troubleshooting.md#starting-and-installing)).

| variable | meaning |
|---|---|
| `INV_PIP_ARGS` | handed to `pip install` when `./inv` makes `.venv`, words split at spaces |
| `INV_LOCK_DIR` | folder of the lock that keeps benchmarks apart, the same for all who measure here |
| `GITHUB_ACTIONS`, `GITHUB_STEP_SUMMARY` | GitHub's runner: [annotations and summary](report.md#for-ci) |
| `DISPLAY`, `WAYLAND_DISPLAY` | whether `--open` has a screen to open the page on |
| `ASCEND_...`, `ATC_TIMEOUT_S`, `TE_PARALLEL_COMPILER` | [ascend.md](ascend.md) |
"""
# what the value of a text is
VALUES = {
    "chip": "name",
    "model": "name or file",
    "checkpoint": "file",
    "weights": "key",
    "dataset": "folder or file",
    "labels": "file",
    "real_labels": "file",
    "calibration": "folder or file",
    "min_top1": "0 to 100, or `published`",
    "devices": "`all`, ids, a range",
    "executor": "`local`, `ray`, `ray=HOST:PORT`, `ray=auto`",
    "save": "name",
    "out": "folder",
    "devkit": "file or folder",
    "bins": "folder",
    "results": "folder",
    "scenario": "name",
    "target_qps": "number",
    "target_latency_ms": "number",
    "percentile": "number",
    "min_queries": "count",
    "min_seconds": "number",
    "compare": "file or folder",
    "max_drop": "0 to 100",
    "max_slow": "0 to 100",
    "name": "step",
    "run": "file or folder",
    "format": "`svg`, `mermaid`",
    "builds": "count",
    "a": "file or folder",
    "b": "file or folder",
    "stage": "stage",
    "k": "words",
    "jobs": "count",
}
# the order in which people need them
ORDER = (
    "report",
    "eval",
    "bench",
    "compare",
    "data",
    "explain",
    "graph",
    "gc",
    "clean",
    "verify",
    "doctor",
    "test",
)


def page() -> str:
    """The whole page. KeyError for an option whose value nobody described."""
    every = Collection.from_module(tasks)
    known = {name: every[name] for name in every.task_names}
    # asked once: Invoke takes the help texts out of a task with its arguments
    taken = {name: task.get_arguments() for name, task in known.items()}
    plain = {name for name, task in known.items() if not isinstance(task, Stage | View)}
    return PAGE.format(
        before=_lines(_before()),
        stages=_names(name for name, task in known.items() if isinstance(task, Stage)),
        views=_names(name for name, task in known.items() if isinstance(task, View)),
        shared=_lines(_shared({name: taken[name] for name in plain})),
        own=_lines(_own(taken)),
    )


def _lines(rows: Iterator[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _before() -> Iterator[tuple[str, ...]]:
    for each in core_options.arguments():
        if each.name not in core_options.UNLISTED:
            flags = ["-" * (1 + (len(name) > 1)) + name for name in each.names]
            yield ", ".join(f"`{flag}`" for flag in flags), str(each.help)


def _shared(plain: Taken) -> Iterator[tuple[str, ...]]:
    """The shared options; `plain`: of the tasks that are neither stage nor view."""
    usual = parse({})
    for option in SHARED:
        default = option.default or getattr(usual, option.name) or None
        also = [name for name, taken in plain.items() if any(each.help == option.help for each in taken)]
        yield f"`{option.flag}`", _value(option), _code(default), option.help, _names(also) or "–"


def _value(option: Option) -> str:
    if option.kind == "choice" and option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices())
    if option.kind == "batches":
        return f"`all`, or 1 to {MOST_IN_A_BATCH} between commas"
    return {"switch": "switch", "count": "count"}.get(option.kind) or VALUES[option.name]


def _own(taken: Taken) -> Iterator[tuple[str, ...]]:
    """The options that are not the shared ones: those of another meaning."""
    shared = {option.name: option.help for option in SHARED}
    for name in sorted(taken, key=lambda name: (*ORDER, name).index(name)):
        for argument in taken[name]:
            key = str(argument.name).replace("-", "_")
            if shared.get(key) != argument.help:
                yield f"`{name}`", *_argument(key, argument)


def _argument(key: str, argument: Argument) -> tuple[str, str, str, str]:
    flag = (
        f"`{key.upper()}`"
        if argument.positional
        else f"`{'-' * (1 + (len(key) > 1))}{key.replace('_', '-')}`"
    )
    value = "switch" if argument.kind is bool else _value(BY_NAME[key]) if key in BY_NAME else VALUES[key]
    return flag, value, _code(argument.default or None), str(argument.help)


def _code(value: object) -> str:
    return "–" if value is None else f"`{value}`"


if __name__ == "__main__":
    print(page(), end="")
