"""Run a plan: what is stale, in worker processes, longest path first; stamp what is complete.

Only this process renames and stamps. A step's outputs appear under their names when all of them are whole,
and its stamp after them, so that a kill at any instant costs the steps in flight and nothing else. What may
start when is decided in schedule.py; who performs it is behind `Workers`.
"""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from queue import Empty, SimpleQueue

from pipeline.errors import FAILED, INTERRUPTED, in_a_step
from pipeline.execution import calls, publish
from pipeline.execution.events import Observer, Outcome, Workers
from pipeline.execution.locks import Lock
from pipeline.execution.schedule import Schedule
from pipeline.execution.worker import Done
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import FRESH, RUN, Verdict, reasons
from pipeline.parts import make_folder
from pipeline.plan import Plan
from pipeline.step import Slot, Step

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
        machine_lock: Lock,
        keep_going: bool = False,
    ):
        self.plan, self.files, self.workers, self.observer = plan, files, workers, observer
        self.log_dir = log_dir
        stale = [name for name in plan.order if verdicts[name].state != FRESH]
        seconds = {name: files.seconds(plan.steps[name].stamp) for name in stale}
        self.schedule = Schedule(plan, stale, seconds, keep_going)
        # of the steps that wait for others only once these have ended
        self._why = {name: verdicts[name].why for name in stale if verdicts[name].state == RUN}
        self._futures: dict[Future[Done], str] = {}
        self._ended: SimpleQueue[Future[Done]] = SimpleQueue()  # a thread of the workers puts them in
        # step -> whom the parts of each of its attempts are named after
        self._writers: dict[str, list[str]] = {}
        self._lacking: dict[Slot, str] = {}  # what has been said of slots without their cores
        self._machine_lock, self._said_waiting = machine_lock, False
        self._busy_nodes: set[str] = set()  # of which that has been said

    def go(self) -> Outcome:
        """Run until nothing is left that may start. Ctrl-C kills what runs and passes on."""
        schedule = self.schedule
        try:
            while schedule.unfinished:
                self.workers.turn()
                self._start_what_fits()
                self.observer.tick()
                if self._futures:
                    self._publish([done for future in self._ended_now() if (done := self._end(future))])
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
                self._remove_parts(self.plan.steps[name])
            self.workers.leave(INTERRUPTED)
            raise
        finally:
            self._machine_lock.close()
        return schedule.finish()

    def _wait_for_the_machine(self) -> None:
        """Nothing of ours runs and something is ready: another build measures, or runs while we want to
        measure.
        """
        for name in list(self.schedule.ready):
            if never := self.workers.never(self.plan.steps[name]):
                self.schedule.ready.remove(name)
                calls.write_log(self.log_of(self.plan.steps[name]), name, never)
                self._fail(self.plan.steps[name], FAILED, never)
                return
        if not self._said_waiting and (text := self.workers.waiting()):
            self.observer.note(text)
            self._said_waiting = True
        time.sleep(POLL_S)

    def _ended_now(self) -> Iterator[Future[Done]]:
        """The calls that are done, after the first of which is waited for a moment."""
        try:
            yield self._ended.get(timeout=POLL_S)
            while True:
                yield self._ended.get_nowait()
        except Empty:
            return

    def _start_what_fits(self) -> None:
        full: set[object] = set()  # what no slot is free for, so that thousands of ready steps cost one look
        for name in self.schedule.startable():
            step = self.plan.steps[name]
            if name not in self._why:
                self._why[name] = tuple(self._look_again(step))
            if not self._why[name]:
                self.schedule.unchanged(name)
                self.observer.unchanged(step)
            elif slot := self._slot_for(step, full):
                self._start(step, slot)

    def _look_again(self, step: Step) -> list[str]:
        """A step that waited for others: does what they made change anything for it?"""
        why = reasons(step, self.files)
        ran = [n for n in self.plan.needs[step.name] if n in self.schedule.outcome.ran]
        return why or ([f"{ran[0]} ran"] if step.always_after and ran else [])

    def _slot_for(self, step: Step, full: set[object]) -> Slot | None:
        avoid = self.schedule.crashed_on.get(step.name)
        kind = (step.stage, step.resource, step.exclusive, step.memory_mb, *step.tools.items())
        if kind in full and not avoid:
            return None
        some = False
        for slot in self.workers.free(step, avoid):
            some = True
            if self._fits(step, slot):
                return slot
        if not some and not avoid:
            full.add(kind)
        return None

    def _fits(self, step: Step, slot: Slot) -> bool:
        """Beside our own steps, and then beside other builds."""
        if not self.schedule.fits(step, slot, lambda: self.workers.memory_mb(slot)):
            return False
        return self._machine_lock.take() if step.exclusive else self._machine_lock.share()

    def _start(self, step: Step, slot: Slot) -> None:
        if step.exclusive:
            self.workers.rest(slot)
        self._remove_parts(step)
        writer = self.workers.writer()
        self._writers.setdefault(step.name, []).append(writer)
        # now, and kept: code edited while the step runs must look changed next time
        self.files.source.hashes(step.action, step.code)
        for folder in {os.path.dirname(path) for path in step.outputs}:
            make_folder(folder, step.folder_mode)
        call = calls.of(step, self.files, self.log_of(step), writer)
        self.schedule.start(step.name, slot, time.monotonic())
        future = self.workers.submit(slot, call)
        self._futures[future] = step.name
        future.add_done_callback(self._ended.put)
        self.observer.started(step, slot, self._why[step.name])

    def _end_hung(self) -> None:
        """A device can hang for ever inside a call. Its process is ended, and what follows is as for any that
        died.
        """
        now = time.monotonic()
        for name, limit in self.schedule.overdue(now).items():
            slot = self.schedule.running[name].slot
            self.observer.note(f"{name}: no answer from {slot} in {limit:.0f} s, its process is ended")
            self.schedule.ask_again(name, now)
            self.workers.end(slot)

    def _end(self, future: "Future[Done]") -> publish.Finished | None:
        """What there is to publish of a call that has ended."""
        step, slot, _ = self.schedule.end(self._futures.pop(future))
        if not self._futures:
            self._machine_lock.leave()
        try:
            done = future.result()
        except BrokenExecutor:
            self.workers.release(slot, broken=True)
            self._crash(step, slot)
            return None
        self.workers.release(slot)
        if done.busy:
            self._put_back(step, slot)
            return None
        if done.lacking and self._lacking.get(slot) != done.lacking:
            self._lacking[slot] = done.lacking
            self.observer.note(f"{slot}: {done.lacking}; its steps run on what there is")
        if done.error:
            self._fail(step, *done.error, bad_data=done.bad_data)
            return None
        crashed_on = self.schedule.crashed_on.get(step.name)
        facts = calls.facts(step, done, slot, self.workers.made(slot), crashed_on)
        return publish.Finished(step, done, facts, self._writers[step.name][-1])

    def _put_back(self, step: Step, slot: Slot) -> None:
        """Its node is another build's for now."""
        self._remove_parts(step)
        self.schedule.put_back(step.name)
        if slot.node not in self._busy_nodes:
            self._busy_nodes.add(slot.node)
            self.observer.note(f"waiting for another build on {slot.node}: benchmarks never overlap anything")
        self.observer.put_back(step)

    def _publish(self, finished: list[publish.Finished]) -> None:
        """All that has ended gets its names and its stamps, and what waited for it may start."""
        lost = publish.publish(finished, self.files, self.plan.makers)
        for step, done, *_ in finished:
            if error := lost.get(step.name):
                line = f"{error.strerror}: {error.filename or step.stamp}"
                self._fail(step, *(in_a_step(error) or (FAILED, line)))
            else:
                self.schedule.ran(step.name)
                self.observer.finished(step, done, self._why[step.name])

    def _crash(self, step: Step, slot: Slot) -> None:
        """A worker died under its step. Once, it is tried again, on another slot where there is one."""
        first = self.schedule.crashed_on.get(step.name)
        if first:
            where = f"on {first} and on {slot}"
            self._fail(step, FAILED, f"its process died twice, {where} (killed, out of memory?)")
            return
        self._remove_parts(step)
        self.schedule.crashed(step.name, slot)
        self.observer.note(f"{step.name}: its process on {slot} died; trying once more")

    def _fail(self, step: Step, code: int, message: str, bad_data: bool = False) -> None:
        # before its parts, removed, make room
        message = publish.with_room(step, message) if code == FAILED else message
        self._remove_parts(step)
        self.schedule.failed(step.name, code, message, bad_data)
        self.observer.failed(step, code, message, self.log_of(step))

    def _remove_parts(self, step: Step) -> None:
        for writer in self._writers.get(step.name, [""]):
            publish.remove_parts(step, writer)

    def log_of(self, step: Step) -> str:
        """Where what the step printed is kept."""
        return os.path.join(self.log_dir, step.name + ".txt")
