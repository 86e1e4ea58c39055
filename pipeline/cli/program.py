"""The command line: Invoke's, with its errors told in one line, the nearest legal word named, and the exit
codes of ours.
"""

import gc
import inspect
import os
import signal
import sys
from collections.abc import Callable, Container
from contextlib import suppress
from types import ModuleType
from typing import NoReturn, cast

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError, UnexpectedExit
from invoke.parser.argument import Argument
from invoke.program import Program

from pipeline.cli import core_options, develop, streams
from pipeline.cli.core_options import UNLISTED
from pipeline.cli.executor import Executor
from pipeline.errors import DONE, INTERRUPTED, MISTAKE, BuildError
from pipeline.fingerprint import of_package
from pipeline.text import INV, did_you_mean


class Inv(Program):
    """Invoke's program over our tasks: a mistyped word is exit 2, Ctrl-C is 130, no task at all lists
    them.
    """

    completions: Callable[[list[str]], list[str]]  # what may follow on the command line, for the shell

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:
        """Parse and execute; never a traceback for what a user typed."""
        argv = core_options.with_help_first(argv or sys.argv)
        try:
            refuse_twice(argv, cast(Collection, self.namespace).task_names)
            self.create_config()
            self.parse_core(argv)
            sys.dont_write_bytecode = False  # Invoke turns it off, and compiling at each start costs 60 ms
            self.parse_collection()
            self.parse_tasks()
            self.parse_cleanup()
            self.update_config()
            self.execute()
        except ParseError as error:
            self._mistyped(error)
        except Exit as done:
            if done.message:
                print(done.message, file=sys.stderr)
            sys.exit(done.code)
        except UnexpectedExit as failed:
            sys.exit(failed.result.exited)
        except KeyboardInterrupt:
            print("\ninv: interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED)

    def core_args(self) -> list[Argument]:
        """What may stand before a task. Invoke has more, all of it for tasks that run shell commands."""
        return core_options.arguments()

    def parse_core_args(self) -> None:
        """As Invoke does; what it has more, and looks at, has its default."""
        super().parse_core_args()
        for argument in super().core_args():
            if argument.name not in self.args:
                self.core[0].add_arg(argument)

    def update_config(self, merge: bool = True) -> None:
        """Take over what the command line says, and no file that a variable names."""
        self.config.load_overrides({"run": {"dry": bool(self.args.dry.value)}}, merge=merge)

    def parse_cleanup(self) -> None:
        """Completion of values and step names, which Invoke does not know; then as Invoke does."""
        after = self.core.remainder or ""
        if self.args.complete.value:
            words: list[str] = []
            with suppress(BuildError):  # of what cannot be planned there are no steps to name
                words = self.completions(after.split(" ")[1:])
            if words:
                print("\n".join(words))
                raise Exit(code=DONE)
        elif after and develop.test.name not in [task.name for task in self.tasks]:
            raise Exit(
                f"inv: -- {after}: nothing takes words after --, but for pytest's: {INV} test -- WORDS."
                " Options stand right after their task",
                code=MISTAKE,
            )
        super().parse_cleanup()

    def print_task_help(self, name: str) -> None:
        """Show a task's options."""
        context = self.parser.contexts[name]
        places = "".join(f" {argument.name.upper()}" for argument in context.positional_args)
        print(f"Usage: {INV} [--dry] {name}{places} [--OPTION=VALUE ...]\n")
        print(f"{inspect.getdoc(self.collection[name])}\n")
        if context.flags:
            self.print_columns(context.help_tuples())

    def print_help(self) -> None:
        """`inv` alone: what one may ask, and how to go on. `inv --help` shows the options before a task,
        too.
        """
        if self.args.help.value:
            print(f"Usage: {INV} [--dry] TASK [--OPTION=VALUE ...]\n\nBefore a task:\n")
            context = self.initial_context
            self.print_columns(
                [context.help_for(f"--{arg.name}") for arg in self.core_args() if arg.name not in UNLISTED]
            )
        self.list_tasks()
        print(
            f"{INV} all builds everything; {INV} --help TASK shows a task's options; {INV} --dry TASK what"
            " would be done and why"
        )

    def task_list_opener(self, extra: str = "") -> str:
        """The line above the list of tasks."""
        return "Tasks"

    def _mistyped(self, error: ParseError) -> NoReturn:
        """One line: the word, the nearest legal one, all of them."""
        words = str(error)
        typed = next((part for part in words.split("'")[1::2]), "")
        if typed.startswith("-"):
            context = error.context
            task = context.name if context is not None else None
            flags = context.flags if context is not None and task else self.initial_context.flags
            hidden = [] if task else [f"--{name}" for name in UNLISTED]
            known = sorted(flag for flag in flags if flag.startswith("--") and flag not in hidden)
            kind = f"option of {task}" if task else "option before a task"
        else:
            known, kind = sorted(self.collection.task_names), "task"
        if "No idea what" in words:
            hint = did_you_mean(typed, known, 0.5) if typed != "help" else f" Help: {INV} help TASK."
            words = f"no {kind} {typed!r}.{hint} There are: {', '.join(known)}"
        elif "positional" in words:  # Invoke: 'explain' did not receive required positional arguments: 'name'
            missing = words.split("'")[3].upper()
            needed = {
                "explain": f"needs a step's NAME: {INV} explain NAME; {INV} status lists them",
                "compare": f"needs two builds, the reference first: {INV} compare OUT-BEFORE OUT-AFTER",
            }
            words = f"{typed} {needed.get(typed, f'needs {missing}: see {INV} --help {typed}')}"
        elif "needed value" in words:  # Invoke: Flag <Argument: eval_bs> needed value and was not given one!
            flag = words.partition("<Argument: ")[2].partition(">")[0].partition(" ")[0].replace("_", "-")
            words = f"--{flag} needs a value: --{flag}=VALUE" + (
                f"; see {INV} --help {error.context.name}" if error.context else ""
            )
        print(f"inv: {words}", file=sys.stderr)
        sys.exit(MISTAKE)


def refuse_twice(argv: list[str], tasks: Container[str]) -> None:
    """Exit 2 when an option is given twice to one task.

    Invoke would take the second value for a task's name.
    """
    seen: set[str] = set()
    for word in argv[1:]:
        option = word.partition("=")[0]
        if not word.startswith("-"):
            seen = set() if word in tasks else seen
        elif option in seen:
            raise Exit(
                f"inv: {option}: given twice; one value an option, several batch sizes or devices between"
                " commas",
                code=MISTAKE,
            )
        else:
            seen.add(option)


def main(tasks: ModuleType) -> None:
    """Entry point of ./inv: run the command line over the tasks of this module."""
    streams.open_closed()
    # ./inv starts without, so that imports end quietly
    signal.signal(signal.SIGINT, signal.default_int_handler)
    streams.tell_errors()
    try:
        os.getcwd()
    except FileNotFoundError:
        print("inv: the folder you stand in has been removed; cd to one that is there", file=sys.stderr)
        sys.exit(MISTAKE)
    # a plan of 50,000 pictures makes objects that all stay: looking for garbage costs 0.2 s
    gc.set_threshold(200_000, 20, 100)
    inv = Inv(
        name="inv",
        binary="inv",
        binary_names=["inv"],
        namespace=Collection.from_module(tasks),
        executor_class=Executor,
        config_class=core_options.OwnConfig,
        version=of_package("mobilenet-build"),
    )
    inv.completions = tasks.completions
    sys.exit(streams.exit_code(lambda: inv.run(["inv", *sys.argv[1:]])))
