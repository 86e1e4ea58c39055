"""The driver's side of the workers: one single-process pool a slot, rebuilt when its process dies.

Starting, killing and leaving processes is where a build that works on a good day hangs on a bad one. What can
go wrong at each point, tried with CPython 3.11, and what is done about it:

Why a pool of one process for each slot, and not one pool of many?
    - A pool hands a call to whichever process is idle. A step must run where its device or its cores are.
    - When one process of a pool dies, all calls in that pool break. Here one step does, and the others go on.
    - A process that a pool started after its first one may die unnoticed: the pool's thread waits on the
      processes that it knew when it began to wait (seen here: 3 s until another call woke it). With one
      process, that one is known before the thread starts.

Why spawned and not forked?
    The driver has a thread for each pool, and a forked copy of a program with threads may deadlock.

A Ctrl-C while a worker is being started (`submit`)
    The terminal sends it to the driver and to all workers. A worker ignores it, but only once it has come to
    `worker.start`; before that, while it imports, it would die with a traceback on the terminal. So the
    driver blocks SIGINT around the call that starts it: a child inherits the mask, and lifts it when it
    ignores the signal. The pool's thread is started under the mask as well, so that no thread of ours takes
    the signal meanwhile; it comes when the mask is put back. The pool itself is made before, on purpose:
    making it starts multiprocessing's resource tracker, which unblocks SIGINT when it is started.

A process that dies
    - under its step: the step's future fails with BrokenProcessPool, the pool is of no use any more, and
      `release(broken=True)` throws it away. Not waiting for it: its thread may still be reaping.
    - while it is idle: `submit` raises, and the step, which lost nothing, goes to a new pool. If the pool's
      thread has not noticed yet, `submit` succeeds and the future breaks; that costs the step its one second
      try, as if it had died under it.
    - while it sends its result: the pool's thread would wait for the rest of it for ever, since the driver
      holds the writing end of that pipe, too, and a pipe with a writer has no end. A result of up to 16 kB is
      one write, which cannot be cut; that of a step that hashed more than a hundred inputs can. So the driver
      closes its copy of that end as soon as the process has its own (`_only_the_worker_writes`): the pipe
      ends with the process, and the future breaks as for any that died.

A process that must end
    - `end`, of one that hangs in a device's call: killed; what follows is as for any that died.
    - `rest`, before a measurement: idle processes are asked to end and waited for, since a device and its
      memory are free only when the process that had them open is gone.
    - `close`, at the end of a good build: all are asked at once, in threads, since each takes 60 ms to end
      its interpreter. A worker that never ends is waited for; Ctrl-C leads to `kill`, and then on to `leave`
      with the threads that `close` had begun.

An interrupted build (`kill`, then `leave`)
    `kill` kills all processes first and then waits for each: the driver is about to remove what they were
    writing, and a process that still ran would write on. The waiting has an end, since a process in the
    kernel's hands (state D) does not die. `pool._processes` is None where a shutdown has come to its end.
    Then the pools: their threads are to be joined, and one may be stuck, with a process that does not die. So
    `leave` shuts the pools down in threads of its own, daemons, gives each a moment, and where one is stuck
    ends the program with os._exit: Python's own end joins every pool's thread and cannot be told not to.
    os._exit flushes nothing, so that is done by hand. By then the run has removed what was half-made, and
    locks are the kernel's and go with the process; what is lost is the line that says that the build was
    interrupted. Its exit code is the same.

A driver that is killed (kill -9) does none of this: each worker watches its parent (worker.start).
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from pipeline import machine
from pipeline.execution import worker
from pipeline.execution.worker import Call, Done
from pipeline.origin import Made
from pipeline.process import semaphores
from pipeline.step import Resource, Slot, Step

PATIENCE_S = 1.0  # for a pool whose process was killed to come to its end


def _only_the_worker_writes(pool: ProcessPoolExecutor) -> None:
    """Close the driver's copy of the end that results are written to; the pool's one process has its own."""
    queue = pool._result_queue
    writer = queue._writer if queue is not None else None  # type: ignore[attr-defined]  # CPython's own
    if writer is not None and not writer.closed:
        writer.close()


class Slots:
    """The slots of one build: who is free, who works on what. Processes start with the first call.

    `made_here` is what stamps tell of this machine.
    """

    def __init__(self, slots: Sequence[Slot], shares: int, made_here: Callable[[], Made] = Made):
        self.slots = list(slots)
        self.shares = shares
        self._made_here = made_here
        self.busy: dict[Slot, int] = {}
        self._pools: dict[Slot, ProcessPoolExecutor] = {}
        self._ending: dict[Slot, threading.Thread] = {}

    @property
    def kinds(self) -> set[Resource]:
        """The kinds of slots of this build, busy or not."""
        return {slot.kind for slot in self.slots}

    def turn(self) -> None:
        """Nothing happens here by itself."""

    def free(self, step: Step, avoid: Slot | None = None) -> list[Slot]:
        """The slots that may take this step now, without `avoid` where there is another one at all."""
        kind = step.resource
        able = [slot for slot in self.slots if slot.kind == kind and slot not in self.busy]
        used = sum(self.busy.values())
        able = [slot for slot in able if not used or used + slot.share <= self.shares]
        if avoid and not self.only(kind, avoid):  # the others may be busy now: worth the wait
            able = [slot for slot in able if slot != avoid]
        # an open process first: it has its imports, and maybe the session, already
        return sorted(able, key=lambda slot: slot not in self._pools)

    def never(self, step: Step) -> str:
        """Nothing. RuntimeError where no slot is of this kind: the build would wait for ever."""
        if step.resource not in self.kinds:
            raise RuntimeError(f"{step.name} needs a slot that this build does not have")
        return ""

    def waiting(self) -> str:
        """What keeps a build from starting anything while it runs nothing."""
        return "waiting for another build on this machine: benchmarks never overlap anything"

    def memory_mb(self, slot: Slot) -> float:
        """Memory of this machine that can be had now, in MB."""
        return machine.memory_mb()

    def made(self, slot: Slot) -> Made:
        """What stamps tell of this machine."""
        return self._made_here()

    def writer(self) -> str:
        """Nobody: a process of this machine that is gone writes no more."""
        return ""

    def only(self, kind: Resource, avoid: Slot | None) -> bool:
        """Whether there is no slot of this kind but `avoid`."""
        return all(slot == avoid for slot in self.slots if slot.kind == kind)

    def submit(self, slot: Slot, call: Call) -> "Future[Done]":
        """Hand a step to this slot's process, which is started where there is none."""
        self.busy[slot] = slot.share
        if slot not in self._pools:
            with semaphores():
                self._pools[slot] = ProcessPoolExecutor(
                    1, multiprocessing.get_context("spawn"), worker.start, (os.getpid(), slot, sys.path)
                )
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = self._pools[slot].submit(worker.perform, call)
            _only_the_worker_writes(self._pools[slot])
            return future
        except BrokenProcessPool:  # its process was killed while it had nothing to do: no step was lost
            self._pools.pop(slot).shutdown(wait=False)
            return self.submit(slot, call)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def release(self, slot: Slot, broken: bool = False) -> None:
        """The slot's step has ended. A broken pool is thrown away: the next step gets a new process."""
        self.busy.pop(slot, None)
        if broken:
            self._pools.pop(slot).shutdown(wait=False)

    def end(self, slot: Slot) -> None:
        """End the process of this slot now; its step's future breaks."""
        for process in list((self._pools[slot]._processes or {}).values()):
            process.kill()

    def rest(self, slot: Slot) -> None:
        """End all idle processes: before a step that must be alone, devices and memory are given back."""
        for idle in [each for each in self._pools if each not in self.busy]:
            self._pools.pop(idle).shutdown(wait=True)

    def close(self) -> None:
        """End all processes, which have nothing left to do, together."""
        for thread in self._shut_down():
            thread.join()
        self._pools.clear()

    def kill(self) -> None:
        """End all processes now, whatever they do."""
        processes = [
            process for pool in self._pools.values() for process in list((pool._processes or {}).values())
        ]
        for process in processes:
            process.kill()
        for process in processes:
            process.join(PATIENCE_S)

    def leave(self, code: int) -> None:
        """Shut the killed pools down; when one of them does not come to an end, leave the program without
        it.
        """
        threads = self._shut_down()
        for thread in threads:
            thread.join(PATIENCE_S)
        if any(thread.is_alive() for thread in threads):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        self._pools.clear()
        self.busy.clear()

    def _shut_down(self) -> list[threading.Thread]:
        """A thread for each pool that shuts it down; those that were begun before go on."""
        for slot, pool in self._pools.items():
            if slot not in self._ending:
                self._ending[slot] = threading.Thread(
                    target=pool.shutdown, kwargs={"cancel_futures": True}, daemon=True
                )
                self._ending[slot].start()
        return list(self._ending.values())
