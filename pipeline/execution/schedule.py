"""What may start next, and what the end of a step means for the rest: who waits for whom, which chain is the
longest, what fits beside what runs, what a failure stops.

Plain data only: no process is started here, no file read, no clock asked, so that every rule is tested
without them. The loop that does what this says is run.py.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from pipeline.errors import GATE_MISSED
from pipeline.execution.events import Outcome
from pipeline.plan import Plan
from pipeline.step import Slot, Step

# a step on a device takes seconds; at most so many times as long as it last took
HANG_S, HANG_TIMES = 600.0, 50
DISK_HEAVY_MB, DISK_HEAVY_AT_ONCE = 64, 8  # past eight writers of big files a disk only gets slower


class Work(NamedTuple):
    """A step that runs: where, and since when, in seconds of a clock that only goes forward."""

    step: Step
    slot: Slot
    since: float


class Schedule:
    """The state of one run. `stale`: the steps that are not up to date, in plan order; `seconds`: how long
    steps took last time, None or nothing for one that nobody knows of.
    """

    def __init__(
        self,
        plan: Plan,
        stale: Collection[str],
        seconds: Mapping[str, float | None],
        keep_going: bool = False,
    ):
        self.plan, self.keep_going = plan, keep_going
        self.outcome = Outcome()
        self.running: dict[str, Work] = {}
        self._on: dict[str, dict[str, Step]] = {}  # node -> the steps that run there
        self.crashed_on: dict[str, Slot] = {}  # step -> the slot whose process died under it
        above = set(stale)
        self._waiting = {name: {need for need in plan.needs[name] if need in above} for name in stale}
        self.ready = [name for name, needs in self._waiting.items() if not needs]
        self._seconds = seconds
        self._ahead = seconds_ahead(plan, stale, seconds)
        self._drain: set[str] = set()  # stages that name all bad files before the build stops

    @property
    def unfinished(self) -> bool:
        """Whether something runs or may start."""
        return bool(self.ready or self.running)

    @property
    def stopping(self) -> bool:
        """A failed step stops the build, a missed gate does not: nothing is made from a gate."""
        codes = (code for code, _ in self.outcome.failed.values())
        return not self.keep_going and any(code != GATE_MISSED for code in codes)

    def startable(self) -> list[str]:
        """The steps that wait for nothing, by their turn and then the longest chain first; while the build
        stops, only those of stages that look at all their files.
        """
        stopping = self.stopping
        steps = [n for n in self.ready if not stopping or self.plan.steps[n].stage in self._drain]
        return sorted(steps, key=lambda name: (self.plan.steps[name].turn, -self._ahead[name]))

    def fits(self, step: Step, slot: Slot, memory_mb: Callable[[], float]) -> bool:
        """Whether the step may run on this slot, beside those that run on the same node. `memory_mb` tells
        how much memory can be had there now, in MB, and is asked only where that matters.
        """
        beside = list(self._on.get(slot.node, {}).values())
        if any(other.exclusive for other in beside) or (step.exclusive and beside):
            return False
        needed_mb = step.memory_mb + sum(other.memory_mb for other in beside)
        if beside and step.memory_mb and needed_mb > memory_mb():
            return False
        heavy = sum(other.disk_mb >= DISK_HEAVY_MB for other in beside)
        return step.disk_mb < DISK_HEAVY_MB or heavy < DISK_HEAVY_AT_ONCE

    def overdue(self, now: float) -> dict[str, float]:
        """{step on a device: the seconds it was given}, of those that gave no answer in them. What measures
        is given all the time it takes.
        """
        late = {}
        for name, work in self.running.items():
            limit = max(HANG_S, HANG_TIMES * (self._seconds.get(name) or 0))
            # cores of a cluster are no device that hangs, and may be others' until Ray gives them
            device = work.slot.kind == "device" and not (work.slot.node and work.slot.cores)
            if device and not work.step.exclusive and now - work.since > limit:
                late[name] = limit
        return late

    def start(self, name: str, slot: Slot, now: float) -> None:
        """The step runs on this slot from now on."""
        self.ready.remove(name)
        self.running[name] = Work(self.plan.steps[name], slot, now)
        self._on.setdefault(slot.node, {})[name] = self.plan.steps[name]

    def ask_again(self, name: str, now: float) -> None:
        """Its process was told to end: that, too, is given its time."""
        self.running[name] = self.running[name]._replace(since=now)

    def end(self, name: str) -> Work:
        """The step runs no more, whatever came of it."""
        work = self.running.pop(name)
        del self._on[work.slot.node][name]
        return work

    def ran(self, name: str) -> None:
        """Its outputs are stamped: those that waited for it may be ready."""
        self.outcome.ran.append(name)
        self._settle(name)

    def unchanged(self, name: str) -> None:
        """It waited for others, and what they made changes nothing for it: it need not run."""
        self.ready.remove(name)
        self.outcome.unchanged.append(name)
        self._settle(name)

    def failed(self, name: str, code: int, message: str, bad_data: bool = False) -> None:
        """Nothing that waits for it can start. After bad data its whole stage is still gone through, so that
        all bad files are named at once.
        """
        self.outcome.failed[name] = (code, message)
        if bad_data:
            self._drain.add(self.plan.steps[name].stage)

    def put_back(self, name: str) -> None:
        """It could not begin: it is ready again."""
        self.ready.append(name)

    def crashed(self, name: str, slot: Slot) -> None:
        """Its process died on this slot, for the first time: it is ready again."""
        self.crashed_on[name] = slot
        self.ready.append(name)

    def finish(self) -> Outcome:
        """What the run came to, with the steps that nobody tried and the one that each waited for in vain."""
        outcome = self.outcome
        settled = {*outcome.ran, *outcome.unchanged, *outcome.failed}
        for name in self._waiting:
            if name not in settled:
                lost = {*outcome.failed, *outcome.not_tried}
                above = next((need for need in self.plan.needs[name] if need in lost), "")
                outcome.not_tried[name] = f"needs {above}" if above else "the build stopped before it"
        return outcome

    def _settle(self, name: str) -> None:
        for below in self.plan.dependents[name]:
            self._waiting[below].discard(name)
            if not self._waiting[below]:
                self.ready.append(below)


def seconds_ahead(
    plan: Plan, stale: Collection[str], seconds: Mapping[str, float | None]
) -> dict[str, float]:
    """For each stale step the longest chain that starts with it, in seconds of the last build (1 where there
    was none). What waits for a stale step is stale itself.
    """
    ahead: dict[str, float] = {}
    for name in reversed(list(stale)):
        own = seconds.get(name) or 1.0
        ahead[name] = own + max((ahead[below] for below in plan.dependents[name]), default=0.0)
    return ahead
