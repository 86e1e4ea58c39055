"""Which steps there are and which waits for which.

Edges are never declared. An input that is somebody's output is the edge.
"""

from collections.abc import Iterable

from pipeline.step import Step


class Plan:
    """Steps in an order in which they could run one after the other, with their edges."""

    def __init__(self, steps: Iterable[Step]):
        self.steps: dict[str, Step] = {}
        self.makers: dict[str, str] = {}  # output path -> step name
        for step in steps:
            self._add(step)
        self.needs = {name: self._needs(step) for name, step in self.steps.items()}
        self.order = self._sorted()
        self.dependents: dict[str, list[str]] = {name: [] for name in self.steps}
        for name in self.order:
            for above in self.needs[name]:
                self.dependents[above].append(name)

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
        return tuple(dict.fromkeys(self.makers[path] for path in step.hashed if path in self.makers))

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
