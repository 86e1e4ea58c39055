"""From the tasks on one command line to one plan, and through it.

Invoke alone runs each `pre` task by itself and without the caller's options. Here every stage reached through
`pre` and `post` gets the options of the whole command line and declares its steps; all of them are one plan,
so that inference on the first shard starts while the last is still being decoded.
"""

import errno
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from invoke.exceptions import Exit
from invoke.executor import Executor as InvokeExecutor
from invoke.tasks import Call, Task

from pipeline import errors
from pipeline.cli import build
from pipeline.cli.task_types import Options, Stage, View
from pipeline.errors import BuildError, GateMissed
from pipeline.freshness.files import Disk
from pipeline.freshness.reasons import Verdict
from pipeline.freshness.reasons import verdicts as verdicts_of
from pipeline.plan import Plan
from pipeline.step import Slot, Step


class Request(Protocol):
    """What the engine needs to know of a request; the project's own says much more."""

    out: str
    roots: Mapping[str, str]
    stats: Mapping[str, list[int]]
    slots: Sequence[Slot]
    shares: int
    keep_going: bool
    again: bool
    quiet: bool
    results: Sequence[Callable[[], str]]  # what to print when the build is done


@dataclass
class Scene:
    """What a view looks at."""

    request: Any
    plan: Plan
    disk: Disk
    verdicts: dict[str, Verdict]
    dry: bool = False


class Executor(InvokeExecutor):
    """Named by `tasks.executor_class` in invoke.yaml."""

    def execute(self, *tasks: Any) -> dict[Task, Any]:
        """Plain tasks run as Invoke runs them; the stages named run as one plan, once, where the first
        stood.
        """
        calls = self.normalize(tasks)
        staged = [call for call in calls if isinstance(call.task, Stage)]
        results: dict[Task, Any] = {}
        with told_in_one_line():
            for call in calls:
                if isinstance(call.task, Stage):
                    if call is staged[0]:
                        self._run(staged, calls)
                elif isinstance(call.task, View):
                    results[call.task] = self._look(call, calls)
                else:
                    results.update(super().execute((call.called_as or call.task.name, call.kwargs)))
        return results

    def _run(self, staged: list[Call], calls: list[Call]) -> None:
        first = cast(Stage, staged[0].task)
        request = first.resolve(shared_options(calls))
        steps, own = declared(staged, request)
        code = build.run(
            Plan(steps), request, again=own if request.again else (), dry=bool(self.config.run.dry)
        )
        if (
            code in (0, GateMissed.exit_code) and not self.config.run.dry
        ):  # a missed gate has its figures in the report
            for result in request.results:
                print(result())
        if code:
            raise Exit(code=code)

    def _look(self, call: Call, calls: list[Call]) -> Any:
        view = cast(View, call.task)
        request = view.resolve(shared_options(calls))
        steps, _ = declared([Call(self.collection["all"])], request)
        plan = Plan(steps)
        disk = build.disk_of(request)
        own = {key: value for key, value in call.kwargs.items() if key not in view.shared}
        result = view.look(
            Scene(request, plan, disk, verdicts_of(plan, disk), bool(self.config.run.dry)), **own
        )
        disk.source.save()
        return result


def shared_options(calls: Sequence[Call]) -> dict[str, Any]:
    """The options given on the command line, of all its stages together; two values for one are the user's
    mistake.
    """
    given: dict[str, Any] = {}
    for call in calls:
        shared: Options = getattr(call.task, "shared", {})
        for key, value in call.kwargs.items():
            if key in shared and value != shared[key].default and given.setdefault(key, value) != value:
                flag = "--" + key.replace("_", "-")
                raise BuildError(
                    f"{flag}: {given[key]!r} and {value!r} on one command line; one command line is one"
                    " request"
                )
    return given


def declared(calls: Sequence[Call], request: Any) -> tuple[list[Step], list[str]]:
    """(steps of all stages reached, names of the steps that the named stages declare themselves)."""
    steps: list[Step] = []
    own: list[str] = []
    seen: set[str] = set()

    def visit(task: Task, kwargs: Mapping[str, Any]) -> list[str]:
        before = len(steps)
        if not isinstance(task, Stage) or task.name in seen:
            return []
        seen.add(task.name)
        replaced = any(kwargs.get(option) for option in task.instead)
        for above in [] if replaced else task.pre:
            visit(_task(above), {})
        options = {key: value for key, value in kwargs.items() if key not in task.shared}
        takes_steps = "steps" in inspect.signature(task.declare).parameters
        made = [*task.declare(request, **options, **({"steps": tuple(steps)} if takes_steps else {}))]
        steps.extend(made)
        # a stage without steps of its own (`all`) is the stages it needs
        return [step.name for step in made or steps[before:]]

    for call in calls:
        own.extend(visit(call.task, call.kwargs))
    for task in [_task(after) for call in calls for after in _posts(call.task)]:
        visit(task, {})
    return steps, own


def _posts(task: Task) -> list[Any]:
    """What comes after a stage, whatever stage it was reached through: a summary goes last, once."""
    return [*(after for above in task.pre for after in _posts(_task(above))), *task.post]


def _task(found: Any) -> Task:
    return found.task if isinstance(found, Call) else found


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """The project's own exceptions end the program with their line and exit code; anything else is a bug and
    shows where.
    """
    try:
        yield
    except (errors.BuildError, errors.StepError, errors.GateMissed) as error:
        raise Exit(f"inv: {error}", code=error.exit_code) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Exit(
            f"inv: no space left on the disk of {error.filename or 'OUT'}. Free some, or set --out", code=1
        ) from None
    except KeyboardInterrupt:
        print("\ninv: interrupted; what is complete is kept, and running again goes on", file=sys.stderr)
        raise Exit(code=130) from None
