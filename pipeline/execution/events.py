"""Those around a run: who performs its steps, whom it tells what happens; and what it has done at its end."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.errors import DONE
from pipeline.execution.worker import Call, Done
from pipeline.origin import Made
from pipeline.step import Slot, Step


class Workers(Protocol):
    """What the loop asks of those who perform steps: processes of this machine (slots.py), or a cluster's."""

    def turn(self) -> None:
        """Called in each turn of the loop. StepError where nothing can run any more."""
        ...

    def free(self, step: Step, avoid: Slot | None = None) -> Iterable[Slot]:
        """The slots that may take this step now, the best first, never `avoid` where there is another one at
        all.
        """
        ...

    def never(self, step: Step) -> str:
        """Why this step will never have a slot, "" where it may."""
        ...

    def waiting(self) -> str:
        """What a build waits for that has steps ready, runs none and may start none; "" while that is nothing
        to speak of.
        """
        ...

    def memory_mb(self, slot: Slot) -> float:
        """How much memory can be had where this slot is, in MB."""
        ...

    def made(self, slot: Slot) -> Made:
        """What a stamp tells of where this slot is."""
        ...

    def writer(self) -> str:
        """What the parts of the next call are named after, where a process that was given up for dead may
        write on; "" where one that is gone is gone.
        """
        ...

    def submit(self, slot: Slot, call: Call) -> "Future[Done]":
        """Have the call performed there. The future fails with BrokenExecutor when its process died, and with
        nothing else: whatever an action does is told in Done.
        """
        ...

    def release(self, slot: Slot, broken: bool = False) -> None:
        """The call's future is done: the slot may take another one, by a new process where it is broken."""
        ...

    def end(self, slot: Slot) -> None:
        """End the process that hangs there; its future breaks."""
        ...

    def rest(self, slot: Slot) -> None:
        """End all idle processes beside this slot, so that what measures there has devices and memory for
        itself.
        """
        ...

    def close(self) -> None:
        """The run is over and nothing works: end all processes."""
        ...

    def kill(self) -> None:
        """The run is cut short: end all processes now, whatever they do."""
        ...

    def leave(self, code: int) -> None:
        """After `kill`: return when all of it has come to its end, or end the program with this exit code."""
        ...


class Observer(Protocol):
    """Whom the run tells what happens (the console, a test)."""

    def started(self, step: Step, slot: Slot, why: tuple[str, ...]) -> None: ...
    def finished(self, step: Step, done: Done, why: tuple[str, ...]) -> None: ...
    def failed(self, step: Step, code: int, message: str, log: str) -> None: ...
    def unchanged(self, step: Step) -> None: ...
    def put_back(self, step: Step) -> None: ...
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
        return min(codes) if codes else DONE
