"""Stages and views: Invoke tasks that declare steps, or look at the plan, instead of doing work.

A stage's function takes the request and gives steps. Its Invoke signature is made from the options that all
stages share and its own, so that every stage takes the same words: `inv compile --chip=310P3`, `inv all
--chip=310P3`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from invoke.tasks import Task

from pipeline.cli.settings import Request
from pipeline.step import Step


@dataclass(frozen=True)
class Option:
    """One command-line option: its default (None: not given; False: a switch) and its help text."""

    default: str | int | bool | None
    help: str


Options = Mapping[str, Option]
Given = Mapping[str, object]  # options as Invoke read them
Resolve = Callable[[Given], Request]
Declare = Callable[..., Iterable[Step]]
Look = Callable[..., None]
AnyTask = Task[
    Any
]  # of Invoke's, which is generic in the function that it carries; invariant, so no narrower word


class Stage(Task[Declare]):
    """An Invoke task whose function declares steps.

    closing  what is printed when the build is done, a function of the request and the stage's own options
    instead  own options that, when given, replace `pre`
    """

    declare: Declare
    resolve: Resolve
    shared: Options
    closing: Callable[..., str] | None
    instead: Sequence[str]


class View(Task[Look]):
    """An Invoke task that looks at the plan of `all` and runs none of it."""

    look: Look
    resolve: Resolve
    shared: Options


@dataclass(frozen=True)
class Kinds:
    """Makes stages and views that share these options; `resolve` makes the request of what was given."""

    shared: Options
    resolve: Resolve

    def stage(
        self,
        *,
        pre: Sequence[Task[Declare]] = (),
        post: Sequence[Task[Declare]] = (),
        name: str | None = None,
        own: Options | None = None,
        instead: Sequence[str] = (),
        closing: Callable[..., str] | None = None,
    ) -> Callable[[Declare], Stage]:
        """Make a stage of `function(build, **own)`.

        A function with a parameter `steps` gets there what was declared before it, one with `named` whether
        its stage stood on the command line.
        """

        def wrap(function: Declare) -> Stage:
            options = {**(own or {}), **self.shared}
            task = Stage(
                _body(function, options),
                name=name or function.__name__,
                pre=list(pre),  # type: ignore[arg-type]  # Invoke takes tasks, too
                post=list(post),  # type: ignore[arg-type]
                auto_shortflags=False,
                help=_help(options),
            )
            task.declare, task.resolve, task.shared = function, self.resolve, self.shared
            task.instead, task.closing = instead, closing
            return task

        return wrap

    def view(
        self, *, name: str | None = None, own: Options | None = None, positional: Sequence[str] = ()
    ) -> Callable[[Look], View]:
        """Make a view of `function(state, **own)`; the state has the settings, the plan and the verdicts."""

        def wrap(function: Look) -> View:
            options = {**(own or {}), **self.shared}
            task = View(
                _body(function, options),
                name=name or function.__name__,
                positional=list(positional),
                auto_shortflags=False,
                help=_help(options),
            )
            task.look, task.resolve, task.shared = function, self.resolve, self.shared
            return task

        return wrap


def _body(function: Callable[..., object], options: Options) -> Callable[..., None]:
    """A function that only carries the signature and the docstring: the executor calls `function` itself."""

    def body(*args: object, **kwargs: object) -> None:
        raise TypeError(
            f"{function.__name__} declares steps; only the executor runs them (is invoke.yaml beside"
            " tasks.py?)"
        )

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("context", kind)]
    parameters += [inspect.Parameter(key, kind, default=option.default) for key, option in options.items()]
    body.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    body.__doc__, body.__name__, body.__module__ = function.__doc__, function.__name__, function.__module__
    return body


def _help(options: Options) -> dict[str, str]:
    return {key: option.help for key, option in options.items()}
