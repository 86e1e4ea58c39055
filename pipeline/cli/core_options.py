"""What may stand before a task, and what of Invoke's stays outside: options for shell commands, and
configuration that was written for other projects.
"""

from invoke.config import Config
from invoke.parser.argument import Argument

UNLISTED = ("complete", "list-format")  # before a task; for the shell and for programs


class OwnConfig(Config):
    """Invoke's own values, without the files in HOME and /etc and the variables that would change them: they
    were written for other projects, and one of them could turn a build into a dry run.
    """

    def load_base_conf_files(self) -> None:
        """There are none."""

    def load_shell_env(self) -> None:
        """There is none."""


def arguments() -> list[Argument]:
    """The options before a task, as Invoke takes them."""
    return [
        Argument(names=("complete",), kind=bool, default=False),
        Argument(
            names=("dry", "R"),
            kind=bool,
            default=False,
            help="say what would be done and why, do nothing",
        ),
        Argument(names=("help", "h"), optional=True, help="show this, or with a TASK that one's options"),
        Argument(names=("list", "l"), kind=bool, default=False, help="list the tasks"),
        Argument(names=("list-format", "F"), default="flat"),
        Argument(
            names=("print-completion-script",),
            default="",
            help="print what makes your shell (bash, zsh or fish) complete words",
        ),
        Argument(names=("version", "V"), kind=bool, default=False, help="print the version"),
    ]


def with_help_first(argv: list[str]) -> list[str]:
    """The same with `help`, `help TASK` and `TASK help` written as Invoke takes them. (After `explain`, it
    takes even --help for a name.)
    """
    program, *words = argv
    if words[:1] == ["help"]:
        return [program, "--help", *words[1:]]
    if words[1:] in (["help"], ["--help"], ["-h"]) and not words[0].startswith("-"):
        return [program, "--help", words[0]]
    return argv
