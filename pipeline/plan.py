"""Which steps there are, which waits for which, and what each would do now: fresh, run or maybe.

Edges are never declared. An input that is somebody's output is the edge.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.errors import BuildError
from pipeline.reasons import Disk, reasons
from pipeline.step import Step

FRESH, RUN, MAYBE = "fresh", "run", "maybe"


@dataclass(frozen=True)
class Verdict:
    """What a step would do now, and why: `run` for its own reasons, `maybe` because it waits for one that will run."""

    state: str
    why: tuple[str, ...] = ()


class Plan:
    """Steps in an order in which they could run one after the other, with their edges."""

    def __init__(self, steps: Iterable[Step]):
        self.steps: dict[str, Step] = {}
        self.makers: dict[str, str] = {}  # output path -> step name
        for step in steps:
            self._add(step)
        self.needs = {name: self._needs(step) for name, step in self.steps.items()}
        self.order = self._sorted()
        self.feeds: dict[str, list[str]] = {name: [] for name in self.steps}
        for name in self.order:
            for above in self.needs[name]:
                self.feeds[above].append(name)

    def _add(self, step: Step) -> None:
        known = self.steps.get(step.name)
        if known == step:
            return
        if known:
            raise ValueError(f"two different steps are called {step.name}")
        self.steps[step.name] = step
        for path in step.outputs:
            maker = self.makers.setdefault(path, step.name)
            if maker != step.name:
                raise ValueError(f"{path} is made by {maker} and by {step.name}")

    def _needs(self, step: Step) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.makers[path] for path in step.inputs if path in self.makers))

    def _sorted(self) -> list[str]:
        """Topological order that keeps the declared one where it can."""
        order: list[str] = []
        state: dict[str, int] = {}  # 1: its needs are being placed, 2: placed
        for first in self.steps:
            stack = [(first, iter(self.needs[first]))] if first not in state else []
            state.setdefault(first, 1)
            while stack:
                name, above = stack[-1]
                nearest = next((n for n in above if state.get(n) != 2), None)
                if nearest is None:
                    state[name] = 2
                    order.append(name)
                    stack.pop()
                elif state.get(nearest) == 1:
                    raise ValueError(f"a cycle: {nearest} and {name} need each other's outputs")
                else:
                    state[nearest] = 1
                    stack.append((nearest, iter(self.needs[nearest])))
        return order

    def find(self, name: str) -> Step:
        """The step of this name, or the user is told the nearest one."""
        if name in self.steps:
            return self.steps[name]
        close = get_close_matches(name, self.steps, 1, 0.5)
        raise BuildError(f"no step {name!r} in this plan." + (f" Did you mean {close[0]!r}?" if close else "")
                         + " List them with: inv status")

    def verdicts(self, disk: Disk, again: Sequence[str] = ()) -> dict[str, Verdict]:
        """What each step would do now. `again` are names of steps to be made anew whatever their stamps say."""
        found: dict[str, Verdict] = {}
        anew = set(again)
        for name in self.order:
            step = self.steps[name]
            above = [n for n in self.needs[name] if found[n].state != FRESH]
            not_yet = {path for n in above for path in self.steps[n].outputs}
            why = (["asked for again"] if name in anew else []) + reasons(step, disk, not_yet)
            runs_above = [n for n in above if found[n].state == RUN]
            if not why and step.eager and runs_above:
                why = [f"{runs_above[0]} runs"]
            if why:
                found[name] = Verdict(RUN, tuple(why))
            elif above:
                found[name] = Verdict(MAYBE, (f"waits for {above[0]}" + (f" and {len(above) - 1} more" if above[1:] else ""),))
            else:
                found[name] = Verdict(FRESH)
        return found
