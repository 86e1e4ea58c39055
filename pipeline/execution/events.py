"""What a run tells while it goes on, and what it has done at its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.execution.worker import Done
from pipeline.step import Slot, Step


class Observer(Protocol):
    """Whom the run tells what happens (the console, a test)."""

    def started(self, step: Step, slot: Slot, why: tuple[str, ...]) -> None: ...
    def finished(self, step: Step, done: Done, why: tuple[str, ...]) -> None: ...
    def failed(self, step: Step, code: int, message: str, log: str) -> None: ...
    def unchanged(self, step: Step) -> None: ...
    def note(self, text: str) -> None: ...
    def tick(self) -> None: ...


@dataclass
class Outcome:
    """What a run did: names of the steps that ran, exit code and line of those that failed, and what was not
    tried.
    """

    ran: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    not_tried: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0; a failed step 1; else the user's mistake 2; else a missed gate 3."""
        codes = {code for code, _ in self.failed.values()}
        return min(codes) if codes else 0

    def name_what_was_not_tried(self, stale: Iterable[str], needs: Mapping[str, Sequence[str]]) -> None:
        """Of the `stale` steps, in plan order, those that came to nothing, and the one that each of them
        waited for in vain.
        """
        settled = {*self.ran, *self.unchanged, *self.failed}
        for name in stale:
            if name not in settled:
                above = next((n for n in needs[name] if n in self.failed or n in self.not_tried), "")
                self.not_tried[name] = f"needs {above}" if above else "the build stopped before it"
