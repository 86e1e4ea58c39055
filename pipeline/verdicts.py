"""What each step of a plan would do now: fresh, run or maybe. Build, --dry, status and explain all act on
this one list.

`maybe` is the honest third answer: the step waits for one that will run, and whether it runs too depends on
what comes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.disk import Disk
from pipeline.plan import Plan
from pipeline.reasons import reasons

FRESH, RUN, MAYBE = "fresh", "run", "maybe"


@dataclass(frozen=True)
class Verdict:
    """What a step would do now, and why: `run` for its own reasons, `maybe` because it waits for one that
    will run.
    """

    state: str
    why: tuple[str, ...] = ()


def verdicts(plan: Plan, disk: Disk, again: Sequence[str] = ()) -> dict[str, Verdict]:
    """What each step would do now. `again` are names of steps to be made anew whatever their stamps say."""
    found: dict[str, Verdict] = {}
    anew = set(again)
    for name in plan.order:
        step = plan.steps[name]
        above = [n for n in plan.needs[name] if found[n].state != FRESH]
        not_yet = {path for n in above for path in plan.steps[n].outputs}
        why = (["asked for again"] if name in anew else []) + reasons(step, disk, not_yet)
        runs_above = [n for n in above if found[n].state == RUN]
        if not why and step.eager and runs_above:
            why = [f"{runs_above[0]} runs"]
        if why:
            found[name] = Verdict(RUN, tuple(why))
        elif above:
            found[name] = Verdict(
                MAYBE, (f"waits for {above[0]}" + (f" and {len(above) - 1} more" if above[1:] else ""),)
            )
        else:
            found[name] = Verdict(FRESH)
    return found
