"""The driver's side of the workers: one single-process pool a slot, rebuilt when its process dies."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from pipeline.execution import worker
from pipeline.execution.worker import Call, Done
from pipeline.step import Resource, Slot

PATIENCE_S = 1.0  # for a pool whose process was killed to come to its end


class Slots:
    """The slots of one build: who is free, who works on what. Processes start with the first call."""

    def __init__(self, slots: Sequence[Slot], shares: int):
        self.slots = list(slots)
        self.shares = shares
        self.busy: dict[Slot, int] = {}
        self._pools: dict[Slot, ProcessPoolExecutor] = {}
        self._ending: dict[Slot, threading.Thread] = {}

    @property
    def kinds(self) -> set[Resource]:
        """The kinds of slots of this build, busy or not."""
        return {slot.kind for slot in self.slots}

    def free(self, kind: Resource, avoid: Slot | None = None) -> Slot | None:
        """A slot of this kind that may start now, another one than `avoid` where there is one; None when none
        may.
        """
        able = [slot for slot in self.slots if slot.kind == kind and slot not in self.busy]
        used = sum(self.busy.values())
        able = [slot for slot in able if not used or used + slot.share <= self.shares]
        if avoid and not self.only(kind, avoid):  # the others may be busy now: worth the wait
            able = [slot for slot in able if slot != avoid]
        # an open process first: it has its imports, and maybe the session, already
        return min(able, key=lambda slot: slot not in self._pools, default=None)

    def only(self, kind: Resource, avoid: Slot | None) -> bool:
        """Whether there is no slot of this kind but `avoid`."""
        return all(slot == avoid for slot in self.slots if slot.kind == kind)

    def submit(self, slot: Slot, call: Call) -> "Future[Done]":
        """Hand a step to this slot's process."""
        self.busy[slot] = slot.share
        if slot not in self._pools:
            self._pools[slot] = ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn"), worker.start, (os.getpid(), slot, sys.path)
            )
        # a worker that still imports must not die of Ctrl-C with a traceback: it inherits this mask until it
        # ignores the signal
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pools[slot].submit(worker.perform, call)
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

    def rest(self) -> None:
        """End all idle processes: before a step that must be alone, devices and memory are given back."""
        for slot in [slot for slot in self._pools if slot not in self.busy]:
            self._pools.pop(slot).shutdown(wait=True)

    def close(self) -> None:
        """End all processes, which have nothing left to do; together, since an interpreter takes 60 ms to
        come to its end.
        """
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
        threads = self._shut_down()  # those that an interrupted close() has begun, too
        for thread in threads:
            thread.join(PATIENCE_S)
        if any(thread.is_alive() for thread in threads):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # the interpreter's own end would wait for the pool's thread for ever
        self._pools.clear()
        self.busy.clear()

    def _shut_down(self) -> list[threading.Thread]:
        """A thread a pool that shuts it down; each once, since a second shutdown returns without waiting."""
        for slot, pool in self._pools.items():
            if slot not in self._ending:
                self._ending[slot] = threading.Thread(
                    target=pool.shutdown, kwargs={"cancel_futures": True}, daemon=True
                )
                self._ending[slot].start()
        return list(self._ending.values())
