"""Who performs the steps of a build on a cluster: Ray's tasks, and an actor for each device that Ray gives
out.

Ray places nothing by itself: the loop has chosen the slot, and so the node. What a step takes there (shares
of the processor, memory, a device) is told to Ray all the same, so that other users of the cluster are not
run over. Ray's own second tries are off; the loop has its rule.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import ray

from pipeline.cluster import remote
from pipeline.cluster.fleet import DEVICE, Fleet, Node
from pipeline.cluster.joined import Joined, answer_of
from pipeline.cluster.watch import Queue
from pipeline.errors import StepError
from pipeline.execution.worker import Call, Done
from pipeline.origin import Made
from pipeline.step import Slot, Step

Heard = TypeVar("Heard")
MB = 2**20
PATIENCE_S, USUAL_S = 5.0, 8.0


class NodeWorkers:
    """The workers of one build. `most` accelerators are held at once, for it has no more steps for them;
    `tell` is told what a person should know.
    """

    def __init__(
        self, joined: Joined, fleet: Fleet, accelerator: str, most: int, tell: Callable[[str], None]
    ):
        self.joined, self.fleet, self.accelerator, self.tell = joined, fleet, accelerator, tell
        self._most = most
        self._idle_since = 0.0
        self._perform = ray.remote(remote.perform)
        self._holder = ray.remote(remote.Holder)
        self._holders: dict[Slot, Any] = {}
        self._running: dict[Slot, tuple[Any, Future[Done]]] = {}
        self._queue = Queue(lambda node, *log: joined.ask(node, remote.was_given, *log), USUAL_S)
        self._heard: SimpleQueue[tuple[str, bool]] = SimpleQueue()  # node, whether it answered
        self._opened: SimpleQueue[tuple[Slot, Any, bool]] = SimpleQueue()  # its holder, whether it started

    def free(self, step: Step, avoid: Slot | None = None) -> Iterator[Slot]:
        """The slots that may take this step now, the best first. An accelerator is one of them once Ray has
        given it to us: until then nothing waits on it, and nobody takes it for hanging.
        """
        wanted = self._most - len(self._holders)
        if step.resource == DEVICE and not step.exclusive and wanted > 0:
            unasked = [slot for slot in self.fleet.to_open(step) if slot not in self._holders]
            for slot in unasked[:wanted]:
                self._open(slot)
        return self.fleet.free(step, avoid)

    def never(self, step: Step) -> str:
        """Why no node that is left can run this step, "" where one can."""
        if self.fleet.able(step):
            return ""
        if step.exclusive and self.fleet.measures_on not in self.fleet.nodes:
            return f"node {self.fleet.measures_on}, which measures, is gone"
        return f"no node is left that could run it; there are {', '.join(self.fleet.nodes) or 'none'}"

    def waiting(self) -> str:
        """What a build waits for that may start nothing and runs nothing; "" while that is usual."""
        self._idle_since = self._idle_since or time.monotonic()
        if time.monotonic() - self._idle_since < USUAL_S:
            return ""
        if self._holders and not self.fleet.suspects:
            nodes = sorted({slot.node for slot in self._holders})
            return f"waiting for a device: Ray gives none out of {', '.join(nodes)} yet (held by others?)"
        return f"waiting for {', '.join(sorted(self.fleet.suspects)) or 'a node'}: is it there?"

    def memory_mb(self, slot: Slot) -> float:
        """What steps may take on this node together."""
        node = self.fleet.node_of(slot)
        return node.memory_mb if node else 0.0

    def made(self, slot: Slot) -> Made:
        """What stamps tell of this node."""
        return {**self.fleet.known[slot.node].made, "node": slot.node}

    def writer(self) -> str:
        """A new one for each call: a node that was given up for dead may write on."""
        return secrets.token_hex(4)

    def submit(self, slot: Slot, call: Call) -> "Future[Done]":
        """Hand a step to this slot's node."""
        self._idle_since = 0.0
        self.fleet.take(slot)
        node = self.fleet.nodes[slot.node]
        if slot.kind == "device" and node.accelerators and not call.exclusive:
            reference = self._holders[slot].perform.remote(call, slot)
        else:
            self._queue.enter(slot, call.log)
            reference = self._perform.options(**self._needs(slot, node, call)).remote(call, slot)
        future = cast("Future[Done]", answer_of(reference))
        self._running[slot] = reference, future
        return future

    def release(self, slot: Slot, broken: bool = False) -> None:
        """The slot's step has ended. Where a process died, its node gets no more until it answers: it may be
        the node that died, and Ray takes some seconds to find that out.
        """
        self._running.pop(slot, None)
        self._queue.leave(slot)
        self.fleet.release(slot)
        if broken:
            self._drop(slot)
            self._doubt(slot.node)

    def end(self, slot: Slot) -> None:
        """End the process of this slot now; its step's future breaks."""
        if slot in self._holders:
            self._drop(slot)
        elif slot in self._running:
            ray.cancel(self._running[slot][0], force=True)

    def rest(self, slot: Slot) -> None:
        """Give the devices of this slot's node back."""
        for held in [each for each in self._holders if each.node == slot.node]:
            if held not in self._running:
                self._drop(held)

    def close(self) -> None:
        """Give all devices back."""
        for slot in list(self._holders):
            self._drop(slot)

    def kill(self) -> None:
        """End all processes now, and see them gone as far as they answer. Where the cluster is gone nobody
        can be asked; they end with their nodes, which do not outlive it.
        """
        if self.joined.watch.gone():
            return
        for slot in list(self._running):
            self.end(slot)
        wait([future for _, future in self._running.values()], timeout=PATIENCE_S)
        self.close()

    def leave(self, code: int) -> None:
        """Leave the cluster: whoever made this does, however long it takes."""

    def _needs(self, slot: Slot, node: Node, call: Call) -> dict[str, object]:
        """What Ray is told of a task; one that measures takes its node."""
        needs: dict[str, object] = {
            "num_cpus": node.shares if call.exclusive else slot.share,
            "memory": int(call.memory_mb * MB) or None,
            "max_retries": 0,
            "scheduling_strategy": self.joined.only_on(node.name),
        }
        return needs | (self._accelerators(node.accelerators) if call.exclusive else {})

    def _accelerators(self, count: int) -> dict[str, object]:
        if not count:
            return {}
        if self.accelerator == "GPU":
            return {"num_gpus": count}
        return {"resources": {self.accelerator: count}}

    def _open(self, slot: Slot) -> None:
        """Ask Ray for an accelerator of this node, and a process that holds it."""
        holder = self._holder.options(
            num_cpus=0,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=self.joined.only_on(slot.node),
            **self._accelerators(1),
        ).remote(self.accelerator)
        self._holders[slot] = holder
        answer_of(cast(Any, holder).ready.remote()).add_done_callback(
            lambda answer: self._opened.put((slot, holder, answer.exception() is None))
        )

    def _drop(self, slot: Slot) -> None:
        if slot in self._holders:
            self.fleet.closed.add(slot)
            ray.kill(self._holders.pop(slot))

    def _doubt(self, name: str) -> None:
        if name in self.fleet.nodes and name not in self.fleet.suspects:
            self.fleet.suspects.add(name)

            def heard(answer: "Future[object]") -> None:
                self._heard.put((name, answer.exception() is None))

            self.joined.alive(name).add_done_callback(heard)

    def turn(self) -> None:
        """What came of doubts. StepError where the cluster itself is gone."""
        if gone := self.joined.watch.gone():
            raise StepError(
                f"{gone} is gone; what is complete is kept. Start Ray again, there and on all nodes; the same"
                " command goes on"
            )
        for node in self._queue.crowded():
            self.tell(
                f"waiting for CPU shares, memory or devices: Ray gives a step none of {node} yet (held by"
                " others?)"
            )
        for slot, holder, started in _all_of(self._opened):
            if self._holders.get(slot) is holder and started:
                self.fleet.closed.discard(slot)
            elif self._holders.get(slot) is holder:
                self._drop(slot)
                self._doubt(slot.node)
        for name, answered in _all_of(self._heard):
            self.fleet.suspects.discard(name)
            if not answered:
                self.fleet.lose(name)
                self.tell(f"node {name} is gone; what ran there runs elsewhere")


def _all_of(queue: "SimpleQueue[Heard]") -> Iterator[Heard]:
    """What is in a queue now."""
    with suppress(Empty):
        while True:
            yield queue.get_nowait()
