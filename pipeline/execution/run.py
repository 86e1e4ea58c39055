"""Run a plan: what is stale, in worker processes, longest path first; stamp what is complete.

Only this process renames and stamps. A step's outputs appear under their names when all of them are whole,
and its stamp after them, so that a kill at any instant costs the steps in flight and nothing else.
"""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

from pipeline import machine
from pipeline.execution import publish
from pipeline.execution.events import Observer, Outcome
from pipeline.execution.locks import MachineLock
from pipeline.execution.slots import Slots
from pipeline.execution.worker import Call, Done
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import FRESH, RUN, Verdict, reasons
from pipeline.freshness.stamp import Made
from pipeline.freshness.stored import up_to_date
from pipeline.parts import part_of
from pipeline.plan import Plan
from pipeline.step import Inputs, Slot, Step

POLL_S, INTERRUPTED = 0.1, 130
# a step on a device takes seconds; at most so many times as long as it last took
HANG_S, HANG_TIMES = (
    600.0,
    50,
)
DISK_HEAVY_MB, DISK_HEAVY_AT_ONCE = 64, 8  # past eight writers of big files a disk only gets slower


class Run:
    """One run of one plan. `go()` once."""

    def __init__(
        self,
        plan: Plan,
        verdicts: dict[str, Verdict],
        files: FileState,
        slots: Slots,
        listener: Observer,
        log_dir: str,
        keep_going: bool = False,
        provenance: Callable[[], Made] = Made,
    ):
        self.plan, self.files, self.slots, self.listener = plan, files, slots, listener
        self.log_dir, self.keep_going, self.provenance = log_dir, keep_going, provenance
        self.outcome = Outcome()
        self._why = {name: verdict.why for name, verdict in verdicts.items() if verdict.state == RUN}
        self._waiting = {
            name: {n for n in plan.needs[name] if verdicts[n].state != FRESH}
            for name in plan.order
            if verdicts[name].state != FRESH
        }
        self._ready = [name for name, above in self._waiting.items() if not above]
        self._ahead = self._seconds_ahead()
        self._running: dict[Future[Done], tuple[str, Slot]] = {}
        self._since: dict[str, float] = {}
        self._drain: set[str] = set()  # stages that name all bad files before the build stops
        self._crashed: dict[str, Slot] = {}  # step -> the slot whose process died under it
        self._quiet, self._told = MachineLock(), False

    def go(self) -> Outcome:
        """Run until nothing is left that may start. Ctrl-C kills what runs and passes on."""
        try:
            while self._ready or self._running:
                self._start_what_fits()
                self.listener.tick()
                if self._running:
                    ended, _ = wait(self._running, timeout=POLL_S, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._end(future)
                    self._end_hung()
                elif self._stopping():
                    break
                elif self._ready and all(
                    name in self._why for name in self._ready
                ):  # the others are looked at in the next turn
                    self._wait_for_the_machine()
            self.slots.close()
        except BaseException:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut the cleaning up short
            self.slots.kill()
            for name in self._why:  # whatever was started, and one that was being published just now
                publish.remove_parts(self.plan.steps[name])
            self.slots.leave(INTERRUPTED)
            raise
        finally:
            self._quiet.close()
        self.outcome.name_what_was_not_tried(self._waiting, self.plan.needs)
        return self.outcome

    def _wait_for_the_machine(self) -> None:
        """Nothing of ours runs and something is ready: another build measures, or runs while we want to
        measure.
        """
        kinds = {slot.kind for slot in self.slots.slots}
        if lost := [name for name in self._ready if self.plan.steps[name].resource not in kinds]:
            raise RuntimeError(
                f"{lost[0]} needs a slot that this build does not have: it would wait for ever"
            )
        if not self._told:
            self.listener.note("waiting for another build on this machine: benchmarks never overlap anything")
        self._told = True
        time.sleep(POLL_S)

    def _stopping(self) -> bool:
        """A failed step stops the build, a missed gate does not: nothing is made from a gate."""
        return not self.keep_going and any(code != 3 for code, _ in self.outcome.failed.values())

    def _start_what_fits(self) -> None:
        for name in sorted(self._ready, key=lambda n: -self._ahead[n]):
            step = self.plan.steps[name]
            if self._stopping() and step.stage not in self._drain:
                continue
            if name not in self._why:
                self._why[name] = tuple(self._look_again(step))
            if not self._why[name]:
                self._settle(name, unchanged=True)
            elif (slot := self.slots.free(step.resource, self._crashed.get(name))) and self._fits(step):
                self._start(step, slot)

    def _look_again(self, step: Step) -> list[str]:
        """A step that waited for others: does what they made change anything for it?"""
        why = reasons(step, self.files)
        ran = [n for n in self.plan.needs[step.name] if n in self.outcome.ran]
        return why or ([f"{ran[0]} ran"] if step.always_after and ran else [])

    def _fits(self, step: Step) -> bool:
        running = [self.plan.steps[name] for name, _ in self._running.values()]
        if any(other.exclusive for other in running) or (step.exclusive and running):
            return False
        if (
            running
            and step.memory_mb
            and sum(s.memory_mb for s in running) + step.memory_mb > machine.memory_mb()
        ):
            return False
        heavy = sum(other.disk_mb >= DISK_HEAVY_MB for other in running)
        if step.disk_mb >= DISK_HEAVY_MB and heavy >= DISK_HEAVY_AT_ONCE:
            return False
        return self._quiet.take() if step.exclusive else self._quiet.share()

    def _start(self, step: Step, slot: Slot) -> None:
        if step.exclusive:
            self.slots.rest()
        publish.remove_parts(step)
        # now, and kept: code edited while the step runs must look changed next time
        self.files.source.of(step.action, step.code)
        for path in step.outputs:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        call = Call(
            step.name,
            step.action,
            self._handed_on(step),
            tuple(map(part_of, step.outputs)),
            step.params,
            self.log_of(step),
            publish.unknown_inputs(step, self.files),
        )
        self._ready.remove(step.name)
        self._since[step.name] = time.monotonic()
        self._running[self.slots.submit(slot, call)] = (step.name, slot)
        self.listener.started(step, slot, self._why[step.name])

    def _handed_on(self, step: Step) -> Inputs:
        """The paths that the action gets; of what earlier builds left only what is still true, now that this
        one may have made anew what it was made from.
        """
        known: dict[str, bool] = {}
        held = {
            name: tuple(path for path in paths if up_to_date(path, self.files, known))
            for name, paths in step.stored.items()
        }
        return {**step.inputs, **held, **step.unhashed_inputs}

    def _end_hung(self) -> None:
        """A device can hang for ever inside a call. Its process is ended, and what follows is as for any that
        died.
        """
        for name, slot in self._running.values():
            limit = max(HANG_S, HANG_TIMES * (self.files.seconds(self.plan.steps[name].stamp) or 0))
            if (
                slot.kind == "device"
                and not self.plan.steps[name].exclusive
                and time.monotonic() - self._since[name] > limit
            ):
                self.listener.note(
                    f"{name}: no answer from {slot.kind} {slot.id} in {limit:.0f} s, its process is ended"
                )
                self._since[name] = time.monotonic()
                self.slots.end(slot)

    def _made(self, step: Step, done: Done, slot: Slot) -> Made:
        """What a stamp tells of the run itself."""
        made: Made = {
            "start": done.start,
            "seconds": done.seconds,
            "load_s": done.load_s,
            "images": step.images,
            "slot": f"{slot.kind} {slot.id}",
            "libraries": done.libraries,
            **self.provenance(),
        }
        if step.name in self._crashed:
            made["crashed_on"] = self._crashed[step.name].id
        return made

    def _end(self, future: "Future[Done]") -> None:
        name, slot = self._running.pop(future)
        step = self.plan.steps[name]
        if not self._running:
            self._quiet.leave()
        try:
            done = future.result()
        except BrokenProcessPool:
            self.slots.release(slot, broken=True)
            self._crash(step, slot)
            return
        self.slots.release(slot)
        if done.error:
            self._drain |= {step.stage} if done.bad_data else set()
            self._fail(step, *done.error)
            return
        try:
            publish.publish(step, done, self.files, self._made(step, done, slot), self.plan.makers)
        except OSError as error:
            self._fail(step, 1, f"{error.strerror}: {error.filename or step.stamp}")
            return
        self.outcome.ran.append(name)
        self.listener.finished(step, done, self._why[name])
        self._settle(name)

    def _crash(self, step: Step, slot: Slot) -> None:
        """A worker died under its step. Once, it is tried again, on another slot where there is one."""
        where = f"{slot.kind} {slot.id}"
        if step.name in self._crashed:
            first = self._crashed[step.name]
            self._fail(
                step,
                1,
                f"its process died twice, on {first.kind} {first.id} and on {where} (killed, out of memory?)",
            )
            return
        publish.remove_parts(step)
        self._crashed[step.name] = slot
        self._ready.append(step.name)
        self.listener.note(f"{step.name}: its process on {where} died; trying once more")

    def _fail(self, step: Step, code: int, message: str) -> None:
        # before its parts, removed, make room
        message = publish.with_room(step, message) if code == 1 else message
        publish.remove_parts(step)
        self.outcome.failed[step.name] = (code, message)
        self.listener.failed(step, code, message, self.log_of(step))

    def _settle(self, name: str, unchanged: bool = False) -> None:
        """This step is up to date now: those that waited for it may be ready."""
        if unchanged:
            self._ready.remove(name)
            self.outcome.unchanged.append(name)
            self.listener.unchanged(self.plan.steps[name])
        for below in self.plan.dependents[name]:
            self._waiting[below].discard(name)
            if not self._waiting[below]:
                self._ready.append(below)

    def _seconds_ahead(self) -> dict[str, float]:
        """For each step the longest chain that starts with it, in seconds of the last build (1 where there
        was none).
        """
        ahead: dict[str, float] = {}
        for name in reversed(self.plan.order):
            own = self.files.seconds(self.plan.steps[name].stamp) or 1.0
            ahead[name] = own + max((ahead[below] for below in self.plan.dependents[name]), default=0.0)
        return ahead

    def log_of(self, step: Step) -> str:
        """Where what the step printed is kept."""
        return os.path.join(self.log_dir, step.name + ".txt")
