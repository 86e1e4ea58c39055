"""What GitHub Actions shows beside a run: annotations, and the report as the job's summary.

The format is that of the runner's workflow commands (actions/toolkit, packages/core/src/command.ts). Other
runners that set GITHUB_ACTIONS, such as Gitea's, take the same.
"""

import os
import sys
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pipeline.text import size_text

MOST = 10  # of each level a step of a workflow: the runner drops further ones
LARGEST = 1 << 20  # bytes of a step's summary: the runner refuses a larger one whole

Level = Literal["error", "warning", "notice"]


class Annotation(NamedTuple):
    """One line above the log: what it is about, and the sentence."""

    level: Level
    title: str
    text: str


def printed(annotations: Iterable[Annotation], most: int = MOST) -> str:
    """The workflow commands to print, a line each; "" where no runner reads them. `most` of each level: the
    last of them counts the rest.
    """
    return "\n".join(map(command, limited(annotations, most))) if asked() else ""


def asked() -> bool:
    """Whether this process runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def limited(annotations: Iterable[Annotation], most: int = MOST) -> list[Annotation]:
    """At most so many of each level, in their order."""
    shown: list[Annotation] = []
    listed = list(annotations)
    for level in dict.fromkeys(annotation.level for annotation in listed):
        those = [annotation for annotation in listed if annotation.level == level]
        rest = len(those) - most + 1  # one line says how many more
        if rest > 1:
            text = "the log and the report have all of them"
            those = [*those[: most - 1], Annotation(level, f"{rest:,} more {level}s", text)]
        shown += those
    return shown


def command(annotation: Annotation) -> str:
    """`::warning title=noisy::batch 8%3A ...`, escaped: names and messages may hold anything."""
    level, title, text = annotation
    return f"::{level} title={_data(title).replace(':', '%3A').replace(',', '%2C')}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def append_to_summary(report: str) -> None:
    """Append a Markdown file to the job's summary, where a runner has named a file for it. What is too large
    for it, or cannot be written, is said and costs the build nothing.
    """
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with open(report, "rb") as file:
            content = file.read()
        with open(summary, "ab") as file:
            size = file.tell()
            between = b"\n" if size else b""
            if size + len(between) + len(content) > LARGEST:
                content = _too_large(report, len(content)).encode()
            if size + len(between) + len(content) <= LARGEST:
                file.write(between + content)
    except OSError as error:
        print(f"inv: GITHUB_STEP_SUMMARY={summary}: {error.strerror}; read {report}", file=sys.stderr)


def _too_large(report: str, size: int) -> str:
    return (
        f"The report is in `{report}`: with its {size_text(size)} the summary of this step would be larger"
        f" than {size_text(LARGEST)}, which is not shown.\n"
    )
