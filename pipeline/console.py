"""What a person sees of a build: a line a step, and on a terminal a bar for all of it.

Results and finished steps go to stdout, the bar to stderr and only to a terminal; each is written whole, so that a log
file holds plain lines.
"""

import sys
import time
from collections.abc import Iterable, Mapping

from tqdm import tqdm

from pipeline.plan import Plan
from pipeline.step import Step
from pipeline.verdicts import FRESH, Verdict
from pipeline.worker import Done, Slot

SHOWN_REASONS = 3


def reasons_line(why: Iterable[str]) -> str:
    """The first reasons and how many more there are."""
    words = list(why)
    more = len(words) - SHOWN_REASONS
    return "; ".join(words[:SHOWN_REASONS]) + (f"; and {more} more" if more > 0 else "")


def plan_lines(plan: Plan, verdicts: Mapping[str, Verdict], every: bool = False) -> list[str]:
    """`run NAME why`, `maybe NAME waits for ...`, and the fresh ones counted (or named, with `every`)."""
    width = min(60, max((len(name) for name in plan.order), default=0))
    lines = [f"{verdicts[name].state:<6} {name:<{width}}  {reasons_line(verdicts[name].why)}".rstrip()
             for name in plan.order if every or verdicts[name].state != FRESH]
    fresh = sum(verdict.state == FRESH for verdict in verdicts.values())
    return lines if every or not fresh else [*lines, f"fresh  {fresh} step{'s' * (fresh != 1)}"]


class Console:
    """The listener of a run that prints."""

    def __init__(self, total: int, images: int, quiet: bool = False):
        self.quiet = quiet
        self.begun = time.monotonic()
        self._running: dict[str, str] = {}
        self._images = 0
        self._bar = tqdm(total=total, unit="step", file=sys.stderr, leave=False, dynamic_ncols=True,
                         bar_format="{n_fmt}/{total_fmt} {bar:20} {elapsed}<{remaining} {postfix}",
                         disable=quiet or not sys.stderr.isatty())

    def started(self, step: Step, slot: Slot, why: tuple[str, ...]) -> None:
        """A step was handed to a slot."""
        self._running[step.name] = f"{step.name} ({slot.kind} {slot.id})"
        self._show_running()

    def finished(self, step: Step, done: Done, why: tuple[str, ...]) -> None:
        """A step is complete and stamped."""
        self._running.pop(step.name, None)
        self._images += step.images
        self._bar.update()
        self._show_running()
        if not self.quiet:
            speed = f"  {step.images / done.seconds:,.0f} images/s" if step.images else ""
            self._print(f"run    {step.name}  {done.seconds:.1f} s{speed}  {reasons_line(why)}")

    def failed(self, step: Step, code: int, message: str, log: str) -> None:
        """A step could not be done. One line, and where the rest is."""
        self._running.pop(step.name, None)
        self._show_running()
        self._print(f"failed {step.name}: {message}" + (f"  (log: {log})" if code == 1 else ""), sys.stderr)

    def note(self, text: str) -> None:
        """Something that a person should know."""
        self._print(text, sys.stderr)

    def close(self) -> None:
        """No more of it."""
        self._bar.close()

    def _show_running(self) -> None:
        if not self._bar.disable:
            rate = self._images / max(time.monotonic() - self.begun, 1e-6)
            speed = f"{rate:,.0f} images/s  " if self._images else ""
            self._bar.set_postfix_str(speed + ", ".join(self._running.values()))

    def _print(self, text: str, file=None) -> None:  # type: ignore[no-untyped-def]
        with tqdm.external_write_mode(file=file or sys.stdout):
            print(text, file=file or sys.stdout, flush=True)
