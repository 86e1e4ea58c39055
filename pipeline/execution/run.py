"""Run a plan: what is stale, in worker processes, longest path first; stamp what is complete.

Only this process renames and stamps. A step's outputs appear under their names when all of them are whole,
and its stamp after them, so that a kill at any instant costs the steps in flight and nothing else. What may
start when is decided in schedule.py; who performs it is behind `Workers`.
"""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait

from pipeline import machine
from pipeline.errors import FAILED, INTERRUPTED, in_a_step
from pipeline.execution import publish
from pipeline.execution.events import Observer, Outcome, Workers
from pipeline.execution.locks import MachineLock
from pipeline.execution.schedule import Schedule
from pipeline.execution.worker import Call, Done
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import FRESH, RUN, Verdict, reasons
from pipeline.freshness.stored import Known, up_to_date
from pipeline.origin import Made
from pipeline.parts import make_folder, part_of
from pipeline.plan import Plan
from pipeline.step import Inputs, Slot, Step

POLL_S = 0.1


class Run:
    """One run of one plan. `go()` once."""

    def __init__(
        self,
        plan: Plan,
        verdicts: dict[str, Verdict],
        files: FileState,
        workers: Workers,
        observer: Observer,
        log_dir: str,
        keep_going: bool = False,
        provenance: Callable[[], Made] = Made,
    ):
        self.plan, self.files, self.workers, self.observer = plan, files, workers, observer
        self.log_dir, self.provenance = log_dir, provenance
        stale = [name for name in plan.order if verdicts[name].state != FRESH]
        seconds = {name: files.seconds(plan.steps[name].stamp) for name in stale}
        self.schedule = Schedule(plan, stale, seconds, keep_going)
        # of the steps that wait for others only once these have ended
        self._why = {name: verdicts[name].why for name in stale if verdicts[name].state == RUN}
        self._futures: dict[Future[Done], str] = {}
        self._lacking: dict[Slot, str] = {}  # what has been said of slots without their cores
        self._machine_lock, self._said_waiting = MachineLock(), False

    def go(self) -> Outcome:
        """Run until nothing is left that may start. Ctrl-C kills what runs and passes on."""
        schedule = self.schedule
        try:
            while schedule.unfinished:
                self._start_what_fits()
                self.observer.tick()
                if self._futures:
                    ended, _ = wait(self._futures, timeout=POLL_S, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._end(future)
                    self._end_hung()
                elif schedule.stopping:
                    break
                elif schedule.ready and all(name in self._why for name in schedule.ready):
                    self._wait_for_the_machine()  # else some are looked at in the next turn
            self.workers.close()
        except BaseException:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut the cleaning up short
            self.workers.kill()
            for name in self._why:  # whatever was started, and one that was being published just now
                publish.remove_parts(self.plan.steps[name])
            self.workers.leave(INTERRUPTED)
            raise
        finally:
            self._machine_lock.close()
        return schedule.finish()

    def _wait_for_the_machine(self) -> None:
        """Nothing of ours runs and something is ready: another build measures, or runs while we want to
        measure.
        """
        if lost := self.schedule.lacking(self.workers.kinds):
            raise RuntimeError(f"{lost} needs a slot that this build does not have: it would wait for ever")
        if not self._said_waiting:
            self.observer.note("waiting for another build on this machine: benchmarks never overlap anything")
        self._said_waiting = True
        time.sleep(POLL_S)

    def _start_what_fits(self) -> None:
        for name in self.schedule.startable():
            step = self.plan.steps[name]
            if name not in self._why:
                self._why[name] = tuple(self._look_again(step))
            if not self._why[name]:
                self.schedule.unchanged(name)
                self.observer.unchanged(step)
            elif (slot := self._free(step)) and self._fits(step):
                self._start(step, slot)

    def _look_again(self, step: Step) -> list[str]:
        """A step that waited for others: does what they made change anything for it?"""
        why = reasons(step, self.files)
        ran = [n for n in self.plan.needs[step.name] if n in self.schedule.outcome.ran]
        return why or ([f"{ran[0]} ran"] if step.always_after and ran else [])

    def _free(self, step: Step) -> Slot | None:
        return self.workers.free(step.resource, avoid=self.schedule.crashed_on.get(step.name))

    def _fits(self, step: Step) -> bool:
        """Beside our own steps, and then beside other builds."""
        if not self.schedule.fits(step, machine.memory_mb):
            return False
        return self._machine_lock.take() if step.exclusive else self._machine_lock.share()

    def _start(self, step: Step, slot: Slot) -> None:
        if step.exclusive:
            self.workers.rest()
        publish.remove_parts(step)
        # now, and kept: code edited while the step runs must look changed next time
        self.files.source.hashes(step.action, step.code)
        for folder in {os.path.dirname(path) for path in step.outputs}:
            make_folder(folder, step.folder_mode)
        call = Call(
            step.name,
            step.action,
            self._handed_on(step),
            tuple(map(part_of, step.outputs)),
            step.params,
            self.log_of(step),
            publish.unknown_inputs(step, self.files),
            at_once=step.handed_over,
        )
        self.schedule.start(step.name, slot, time.monotonic())
        self._futures[self.workers.submit(slot, call)] = step.name
        self.observer.started(step, slot, self._why[step.name])

    def _handed_on(self, step: Step) -> Inputs:
        """The paths that the action gets; of what earlier builds left only what is still true, now that this
        one may have made anew what it was made from.
        """
        known: Known = {}
        held = {
            name: tuple(path for path in paths if up_to_date(path, self.files, known))
            for name, paths in step.stored.items()
        }
        return {**step.inputs, **held, **step.unhashed_inputs}

    def _end_hung(self) -> None:
        """A device can hang for ever inside a call. Its process is ended, and what follows is as for any that
        died.
        """
        now = time.monotonic()
        for name, limit in self.schedule.overdue(now).items():
            slot = self.schedule.running[name].slot
            self.observer.note(
                f"{name}: no answer from {_where(slot)} in {limit:.0f} s, its process is ended"
            )
            self.schedule.ask_again(name, now)
            self.workers.end(slot)

    def _end(self, future: "Future[Done]") -> None:
        step, slot, _ = self.schedule.end(self._futures.pop(future))
        if not self._futures:
            self._machine_lock.leave()
        try:
            done = future.result()
        except BrokenExecutor:
            self.workers.release(slot, broken=True)
            self._crash(step, slot)
            return
        self.workers.release(slot)
        if done.lacking and self._lacking.get(slot) != done.lacking:
            self._lacking[slot] = done.lacking
            self.observer.note(f"{_where(slot)}: {done.lacking}; its steps run on what there is")
        if done.error:
            self._fail(step, *done.error, bad_data=done.bad_data)
            return
        try:
            publish.publish(step, done, self.files, self._facts(step, done, slot), self.plan.makers)
        except OSError as error:
            line = f"{error.strerror}: {error.filename or step.stamp}"
            self._fail(step, *(in_a_step(error) or (FAILED, line)))
            return
        self.schedule.ran(step.name)
        self.observer.finished(step, done, self._why[step.name])

    def _facts(self, step: Step, done: Done, slot: Slot) -> Made:
        """What a stamp tells of the run itself."""
        facts: Made = {
            "start": done.start,
            "seconds": done.seconds,
            "load_s": done.load_s,
            "images": step.images,
            "slot": _where(slot),
            "cores": len(slot.cores),
            "libraries": done.libraries,
            **self.provenance(),
        }
        if step.name in self.schedule.crashed_on:
            facts["crashed_on"] = self.schedule.crashed_on[step.name].id
        return facts

    def _crash(self, step: Step, slot: Slot) -> None:
        """A worker died under its step. Once, it is tried again, on another slot where there is one."""
        first = self.schedule.crashed_on.get(step.name)
        if first:
            where = f"on {_where(first)} and on {_where(slot)}"
            self._fail(step, FAILED, f"its process died twice, {where} (killed, out of memory?)")
            return
        publish.remove_parts(step)
        self.schedule.crashed(step.name, slot)
        self.observer.note(f"{step.name}: its process on {_where(slot)} died; trying once more")

    def _fail(self, step: Step, code: int, message: str, bad_data: bool = False) -> None:
        # before its parts, removed, make room
        message = publish.with_room(step, message) if code == FAILED else message
        publish.remove_parts(step)
        self.schedule.failed(step.name, code, message, bad_data)
        self.observer.failed(step, code, message, self.log_of(step))

    def log_of(self, step: Step) -> str:
        """Where what the step printed is kept."""
        return os.path.join(self.log_dir, step.name + ".txt")


def _where(slot: Slot) -> str:
    return f"{slot.kind} {slot.id}"
