"""What a person sees of a build: a line a step, and on a terminal a bar for all of it.

Results and finished steps go to stdout, the bar to stderr and only to a terminal; each is written whole, so
that a log file holds plain lines.
"""

import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TextIO

from tqdm import tqdm

from pipeline.errors import FAILED
from pipeline.execution.worker import Done
from pipeline.freshness.reasons import FRESH, Verdict
from pipeline.plan import Plan
from pipeline.step import Slot, Step
from pipeline.text import counted, some

SHOWN_REASONS = 3


def reasons_line(why: Iterable[str]) -> str:
    """The first reasons and how many more there are."""
    return some(why, SHOWN_REASONS, between="; ")


def plan_lines(plan: Plan, verdicts: Mapping[str, Verdict], every: bool = False) -> list[str]:
    """`run NAME why`, `maybe NAME waits for ...`, and the fresh ones counted (or named, with `every`)."""
    width = min(60, max((len(name) for name in plan.order), default=0))
    lines = [
        f"{verdicts[name].state:<6} {name:<{width}}  {reasons_line(verdicts[name].why)}".rstrip()
        for name in plan.order
        if every or verdicts[name].state != FRESH
    ]
    fresh = sum(verdict.state == FRESH for verdict in verdicts.values())
    return lines if every or not fresh else [*lines, f"fresh  {counted(fresh, 'step')}"]


class Console:
    """The observer of a run that prints: finished steps as lines and, on a terminal, what is running and a
    bar below them.
    """

    def __init__(self, total: int, quiet: bool = False):
        self.quiet = quiet
        self._drawing = not quiet and sys.stderr.isatty()
        self._total, self._ended, self._images = total, 0, 0
        self._begun = time.monotonic()
        self._running: dict[str, tuple[Slot, float]] = {}
        self._drawn = 0  # lines on the screen that the next drawing replaces
        self._last = 0.0
        self._failed, self.buried = False, False  # whether one did, and other lines followed

    def started(self, step: Step, slot: Slot, why: tuple[str, ...]) -> None:
        """A step was handed to a slot."""
        self._running[step.name] = slot, time.monotonic()
        self.tick()

    def finished(self, step: Step, done: Done, why: tuple[str, ...]) -> None:
        """A step is complete and stamped."""
        self._images += step.images
        node = self._end(step)
        if not self.quiet:
            speed = f"  {step.images / done.seconds:,.0f} images/s" if step.images else ""
            self._print(f"run    {step.name}  {done.seconds:.1f} s{speed}{node}  {reasons_line(why)}")

    def unchanged(self, step: Step) -> None:
        """A step that waited need not run."""
        self._end(step)

    def put_back(self, step: Step) -> None:
        """A step did not begin, and waits once more."""
        self._running.pop(step.name, None)

    def failed(self, step: Step, code: int, message: str, log: str) -> None:
        """A step could not be done. One line, and where the rest is."""
        node = self._end(step)
        self._print(
            f"failed {step.name}{node}: {message}" + (f"  (log: {log})" if code == FAILED else ""),
            sys.stderr,
        )
        self._failed = True

    def note(self, text: str) -> None:
        """Something that a person should know."""
        self._print(text, sys.stderr)

    def tick(self) -> None:
        """Some time went by: draw what is running anew, ten times a second at most."""
        if self._drawing and time.monotonic() - self._last > 0.1:
            self._last = time.monotonic()
            self._erase()
            width = shutil.get_terminal_size().columns - 1
            lines = [
                f"  {slot.kind} {slot.id:>2}{_of(slot)}  {time.monotonic() - since:4.0f} s  {name}"[:width]
                for name, (slot, since) in self._running.items()
            ]
            lines.append(self._bar(width))
            sys.stderr.write("\n".join(lines) + "\n")
            sys.stderr.flush()
            self._drawn = len(lines)

    def close(self) -> None:
        """No more of it."""
        self._erase()

    def _bar(self, width: int) -> str:
        elapsed = max(time.monotonic() - self._begun, 1e-6)
        speed = f"{self._images / elapsed:,.0f} images/s" if self._images else ""
        bar = tqdm.format_meter(
            self._ended,
            self._total,
            elapsed,
            ncols=width,
            postfix=speed,
            unit="step",
            bar_format="{n_fmt}/{total_fmt} steps |{bar}| {elapsed}, {remaining} left{postfix}",
        )
        return str(bar)  # tqdm has no types

    def _end(self, step: Step) -> str:
        """The step runs no more: on which node of a cluster it did."""
        self._ended += 1
        slot, _ = self._running.pop(step.name, (None, 0.0))
        return f"  on {slot.node}" if slot and slot.node else ""

    def _erase(self) -> None:
        if self._drawn:
            sys.stderr.write(f"\x1b[{self._drawn}F\x1b[J")  # up so many lines, clear to the end of the screen
            sys.stderr.flush()
            self._drawn = 0

    def _print(self, text: str, file: TextIO | None = None) -> None:
        self._erase()
        self.buried = self._failed
        print(text, file=file or sys.stdout, flush=True)
        self._last = 0.0
        self.tick()


def _of(slot: Slot) -> str:
    return f" of {slot.node}" if slot.node else ""
