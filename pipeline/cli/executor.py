"""From the tasks on one command line to one plan, and through it.

Invoke alone runs each `pre` task by itself and without the caller's options. Here every stage reached through
`pre` and `post` gets the options of the whole command line and declares its steps; all of them are one plan,
so that inference on the first shard starts while the last is still being decoded.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from invoke.exceptions import Exit
from invoke.executor import Executor as InvokeExecutor
from invoke.parser.context import ParserContext
from invoke.runners import Result
from invoke.tasks import Call

from pipeline.cli import build, streams
from pipeline.cli.settings import Request, Settings
from pipeline.cli.task_types import AnyTask, Options, Stage, View
from pipeline.errors import DONE, GATE_MISSED, INTERRUPTED, BuildError, GateMissed, StepError, of_disk
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import Verdict
from pipeline.freshness.reasons import verdicts as verdicts_of
from pipeline.outdir import history
from pipeline.plan import Plan
from pipeline.step import Step
from pipeline.ui import annotations
from pipeline.ui.annotations import Annotation


@dataclass
class PlanState:
    """What a view looks at: the plan of `all`, what each step would do now, and the files as they are."""

    settings: Settings
    plan: Plan
    files: FileState
    verdicts: dict[str, Verdict]
    dry: bool = False


@dataclass
class Declaration:
    """What the stages reached from a command line declare.

    steps     of all of them, in the order in which they were reached
    own       names of the steps that the stages named on the command line declare themselves
    closings  what to print when the build is done
    """

    steps: list[Step] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    closings: list[Callable[[], str]] = field(default_factory=list)


class Executor(InvokeExecutor):
    """Named by `tasks.executor_class` in invoke.yaml."""

    def execute(self, *tasks: str | tuple[str, dict[str, object]] | ParserContext) -> dict[AnyTask, Result]:
        """Plain tasks run as Invoke runs them; the stages named run as one plan, once, where the first
        stood.
        """
        streams.open_closed()  # once more: who starts `inv` of the virtual environment has passed no main()
        calls = self.normalize(tasks)
        staged = [call for call in calls if isinstance(call.task, Stage)]
        results: dict[AnyTask, Result] = {}
        with told_in_one_line():
            for call in calls:
                if isinstance(call.task, Stage):
                    if call is staged[0]:
                        self._run(staged, calls)
                elif isinstance(call.task, View):
                    self._look(call, calls)
                else:
                    results.update(super().execute((call.called_as or call.task.name, call.kwargs)))
        return results

    def _run(self, staged: list[Call], calls: list[Call]) -> None:
        first = cast(Stage, staged[0].task)
        request = first.resolve(shared_options(calls))
        declaration = declared(staged, request)
        plan = Plan(declaration.steps)
        settings = request.settings(plan)
        dry = bool(self.config.run.dry)
        code = build.run(plan, settings, again=declaration.own if settings.again else (), dry=dry)
        if code in (DONE, GATE_MISSED) and not dry:  # a missed gate has its figures in the report
            saved = [functools.partial(history.said, settings.out, settings.save)] if settings.save else []
            _print_closings([*saved, *declaration.closings])
        if code:
            raise Exit(code=code)

    def _look(self, call: Call, calls: list[Call]) -> None:
        view = cast(View, call.task)
        request = view.resolve(shared_options(calls))
        plan = Plan(declared([Call(self.collection["all"])], request).steps)
        settings = request.settings(plan)
        files = build.files_of(plan, settings)
        own = {key: value for key, value in call.kwargs.items() if key not in view.shared}
        state = PlanState(settings, plan, files, verdicts_of(plan, files), bool(self.config.run.dry))
        view.look(state, **own)
        files.source.save()


def _print_closings(closings: Sequence[Callable[[], str]]) -> None:
    """The summary's first, then what the named stages say to it; a gate that one of them missed is told
    last.
    """
    missed: list[GateMissed] = []
    for closing in reversed(closings):
        try:
            text = closing()
        except GateMissed as error:
            missed.append(error)
        else:
            if text:
                print(text)
    if missed:
        raise missed[0]


def shared_options(calls: Sequence[Call]) -> dict[str, object]:
    """The options given on the command line, of all its stages together; two values for one are the user's
    mistake.
    """
    given: dict[str, object] = {}
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


def declared(calls: Sequence[Call], request: Request) -> Declaration:
    """What all stages reached from these calls declare: through `pre`, themselves, and through `post`."""
    declaration = Declaration()
    seen: set[str] = set()
    named: dict[str, Mapping[str, object]] = {call.task.name: call.kwargs for call in calls}

    def visit(task: AnyTask, kwargs: Mapping[str, object]) -> list[str]:
        steps = declaration.steps
        before = len(steps)
        if not isinstance(task, Stage) or task.name in seen:
            return []
        seen.add(task.name)
        replaced = any(kwargs.get(option) for option in task.instead)
        for above in [] if replaced else task.pre:
            visit(_task(above), named.get(_task(above).name, {}))
        options = {key: value for key, value in kwargs.items() if key not in task.shared}
        taken = inspect.signature(task.declare).parameters
        further = {"steps": tuple(steps), "named": task.name in named}
        own = [*task.declare(request, **options, **{k: v for k, v in further.items() if k in taken})]
        steps.extend(own)
        if task.closing:
            declaration.closings.append(functools.partial(task.closing, request, **options))
        # a stage without steps of its own (`all`) is the stages it needs
        return [step.name for step in own or steps[before:]]

    for call in calls:
        declaration.own.extend(visit(call.task, call.kwargs))
    for task in [_task(after) for call in calls for after in _posts(call.task)]:
        visit(task, {})
    return declaration


def _posts(task: AnyTask) -> list[object]:
    """What comes after a stage, whatever stage it was reached through: a summary goes last, once."""
    return [*(after for above in task.pre for after in _posts(_task(above))), *task.post]


def _task(listed: object) -> AnyTask:
    """The task in a list of `pre` or `post`, where Invoke takes calls and tasks."""
    return listed.task if isinstance(listed, Call) else cast(AnyTask, listed)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """The project's own exceptions end the program with their line and exit code; anything else is a bug and
    shows where.
    """
    try:
        yield
    except (BuildError, StepError, GateMissed) as error:
        _annotate(error)
        raise Exit(f"inv: {error}", code=error.exit_code) from None
    except OSError as error:
        failure = of_disk(error)
        if failure is None:
            raise
        _annotate(failure)
        raise Exit(f"inv: {failure}", code=failure.exit_code) from None
    except KeyboardInterrupt:
        print("\ninv: interrupted; what is complete is kept, and running again goes on", file=sys.stderr)
        raise Exit(code=INTERRUPTED) from None


def _annotate(error: BuildError | StepError | GateMissed) -> None:
    title = "gate missed" if isinstance(error, GateMissed) else "failed"
    if told := annotations.printed([Annotation("error", title, str(error))]):
        print(told)
