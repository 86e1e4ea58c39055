"""The plan stage by stage, for `inv graph`: how many steps, how many stale, how long the last build took; as
Mermaid text.

The picture (SVG) of the same nodes is drawn by graph_svg.py, which needs the extra `graph`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import FRESH, MAYBE, RUN, Verdict
from pipeline.origin import Made
from pipeline.plan import Plan
from pipeline.text import counted, time_text
from pipeline.timing import union_seconds

FEW = 4  # second parts of the names that are still worth a node each
COLOURS = {
    FRESH: ("#e3f1e5", "#4f8f5a"),
    RUN: ("#fbdcc4", "#c4601d"),
    MAYBE: ("#fdf3cf", "#b08d1e"),
}  # fill, edge


@dataclass
class Node:
    """The steps of one stage, or of one part of it. `seconds`: how long at least one of them worked, when
    last made.
    """

    name: str
    states: dict[str, int] = field(default_factory=lambda: {FRESH: 0, RUN: 0, MAYBE: 0})
    seconds: float | None = None

    @property
    def state(self) -> str:
        """run when one step runs, else maybe when one waits, else fresh."""
        return next((state for state in (RUN, MAYBE) if self.states[state]), FRESH)

    @property
    def lines(self) -> list[str]:
        """What stands in its box."""
        steps = sum(self.states.values())
        stale = steps - self.states[FRESH]
        count = counted(steps, "step") + (f", {stale:,} stale" if stale else "")
        return [self.name, count, "never made" if self.seconds is None else time_text(self.seconds)]


def nodes(
    plan: Plan, verdicts: Mapping[str, Verdict], files: FileState
) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """(nodes by name in plan order, edges between them; an edge that a longer way says already is left
    out).
    """
    of_step = _grouped(plan)
    drawn: dict[str, Node] = {}
    times: dict[str, list[tuple[float, float]]] = {}
    for name in plan.order:
        node = drawn.setdefault(of_step[name], Node(of_step[name]))
        node.states[verdicts[name].state] += 1
        stamp = files.outline(plan.steps[name].stamp)
        facts: Made = stamp.made if stamp else {}
        if "start" in facts and "seconds" in facts:
            times.setdefault(node.name, []).append((facts["start"], facts["start"] + facts["seconds"]))
    for name, intervals in times.items():
        drawn[name].seconds = union_seconds(intervals)
    return drawn, _edges(plan, of_step)


def shape(plan: Plan) -> dict[str, list[list[str | int]]]:
    """The groups of steps, [name, how many] in the order of the plan, and the edges between them: what stays
    the same from build to build.
    """
    of_step = _grouped(plan)
    groups = Counter(of_step[name] for name in plan.order)  # in the order of their first steps
    edges = _edges(plan, of_step)
    return {"groups": [[*item] for item in groups.items()], "edges": [[*edge] for edge in edges]}


def mermaid(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState) -> str:
    """A Mermaid flowchart."""
    drawn, edges = nodes(plan, verdicts, files)
    short = {name: f"n{number}" for number, name in enumerate(drawn)}
    lines = ["flowchart LR"]
    lines += [
        f'    {short[name]}["<b>{node.lines[0]}</b><br/>{"<br/>".join(node.lines[1:])}"]:::{node.state}'
        for name, node in drawn.items()
    ]
    lines += [f"    {short[one]} --> {short[two]}" for one, two in edges]
    lines += [
        f"    classDef {state} fill:{fill},stroke:{edge},color:#1b1b1b"
        for state, (fill, edge) in COLOURS.items()
    ]
    return "\n".join(lines)


def _grouped(plan: Plan) -> dict[str, str]:
    """{step: its node}: the stage, with the name's second part where a stage has a few of them
    (agree/reference, agree/cpu).
    """
    seconds: dict[str, set[str]] = {}
    parts = {name: name.split("/") for name in plan.order}
    for first, *rest in parts.values():
        seconds.setdefault(first, set()).add(rest[0] if rest[1:] else "")
    return {
        name: "/".join(words[:2]) if 1 < len(seconds[words[0]]) <= FEW and words[2:] else words[0]
        for name, words in parts.items()
    }


def _edges(plan: Plan, of_step: Mapping[str, str]) -> list[tuple[str, str]]:
    """Between the nodes of different steps, less those that a longer way says already."""
    edges = dict.fromkeys(
        (of_step[above], of_step[name]) for name in plan.order for above in plan.needs[name]
    )
    return _reduced([(one, two) for one, two in edges if one != two])


def _reduced(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges without those that follow from others. Groups may need each other; such edges all stay."""
    below: dict[str, list[str]] = {}
    for one, two in edges:
        below.setdefault(one, []).append(two)
    reach = {name: _reached(name, below) for name in below}
    return [
        (one, two)
        for one, two in edges
        if not any(
            two in reach.get(other, ()) and one not in reach.get(other, ())
            for other in below[one]
            if other != two
        )
    ]


def _reached(name: str, below: Mapping[str, list[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(below.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += below.get(one, ())
    return reached
