"""Stages and views: Invoke tasks that declare steps, or look at the plan, instead of doing work.

A stage's function takes the request and yields steps. Its Invoke signature is made from the options that all
stages share and its own, so that every stage takes the same words: `inv compile --chip=310P3`, `inv all
--chip=310P3`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from invoke.tasks import Task

from pipeline.step import Step


@dataclass(frozen=True)
class Option:
    """One command-line option: its default (None: not given; False: a switch) and its help text."""

    default: Any
    help: str


Options = Mapping[str, Option]
Resolve = Callable[[Mapping[str, Any]], Any]  # options given -> the request (see executor.Request)


class Stage(Task[Any]):
    """An Invoke task whose function declares steps. `instead` maps an own option to True when it replaces
    `pre`.
    """

    declare: Callable[..., Iterable[Step]]
    resolve: Resolve
    shared: Options
    instead: Sequence[str] = ()


class View(Task[Any]):
    """An Invoke task that looks at the plan of `all` and runs none of it."""

    look: Callable[..., Any]
    resolve: Resolve
    shared: Options


def stage(
    shared: Options,
    resolve: Resolve,
    *,
    pre: Sequence[Any] = (),
    post: Sequence[Any] = (),
    name: str | None = None,
    own: Options | None = None,
    instead: Sequence[str] = (),
) -> Callable[[Callable[..., Iterable[Step]]], Stage]:
    """Make a stage of `function(build)` or `function(build, steps)`, where `steps` are those declared before
    it.
    """

    def wrap(function: Callable[..., Iterable[Step]]) -> Stage:
        made = Stage(
            _body(function, {**(own or {}), **shared}),
            name=name or function.__name__,
            pre=list(pre),
            post=list(post),
            auto_shortflags=False,
            help=_help({**(own or {}), **shared}),
        )
        made.declare, made.resolve, made.shared, made.instead = function, resolve, shared, instead
        return made

    return wrap


def view(
    shared: Options,
    resolve: Resolve,
    *,
    name: str | None = None,
    own: Options | None = None,
    positional: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], View]:
    """Make a view of `function(scene, **own)`; scene has the request, the plan and the verdicts."""

    def wrap(function: Callable[..., Any]) -> View:
        options = {**(own or {}), **shared}
        made = View(
            _body(function, options),
            name=name or function.__name__,
            positional=list(positional),
            auto_shortflags=False,
            help=_help(options),
        )
        made.look, made.resolve, made.shared = function, resolve, shared
        return made

    return wrap


def _body(function: Callable[..., Any], options: Options) -> Callable[..., Any]:
    """A function that only carries the signature and the docstring: the executor calls `function` itself."""

    def body(*args: Any, **kwargs: Any) -> None:
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
