"""Looking at a plan without running it: every step's state, one step's reasons, how long it would take, the
whole as a picture.
"""

import importlib
import os
import time
from collections.abc import Mapping

from pipeline.errors import DENIED, BuildError
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import FRESH, Verdict
from pipeline.freshness.stamp import Stamp
from pipeline.plan import Plan
from pipeline.step import Step
from pipeline.text import INV, counted, nearest, time_text
from pipeline.ui import graph
from pipeline.ui.console import plan_lines

UNKNOWN_S = 1.0  # for a step whose like never ran here


def status(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState, shares: int) -> str:
    """A line a step with its state and reasons, and the time that running would take."""
    return "\n".join([*plan_lines(plan, verdicts, every=True), "", estimate(plan, verdicts, files, shares)])


def dry(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState, shares: int) -> str:
    """What running now would do, and the time it would take."""
    return "\n".join([*plan_lines(plan, verdicts), estimate(plan, verdicts, files, shares)])


def estimate(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState, shares: int) -> str:
    """From the last runs: seconds of the same step, or of its stage's steps here; what must be alone adds up,
    the rest shares.
    """
    stale = [plan.steps[name] for name in plan.order if verdicts[name].state != FRESH]
    if not stale:
        return nothing_to_do(plan)
    last = {name: files.seconds(step.stamp) for name, step in plan.steps.items()}
    of_stage: dict[str, list[float]] = {}
    for name, seconds in last.items():
        if seconds is not None:
            of_stage.setdefault(plan.steps[name].stage, []).append(seconds)
    guessed, shared, alone = 0, 0.0, 0.0
    for step in stale:
        seconds = last[step.name]
        if seconds is None:
            like = of_stage.get(step.stage)
            seconds, guessed = (sum(like) / len(like), guessed) if like else (UNKNOWN_S, guessed + 1)
        alone += seconds * step.exclusive
        shared += seconds * (not step.exclusive)
    maybe = sum(verdicts[step.name].state == "maybe" for step in stale)
    perhaps = f", {maybe:,} of them perhaps not needed" if maybe else ""
    source = (
        f"{guessed:,} never ran here: {UNKNOWN_S:.0f} s each is a guess" if guessed else "from the last runs"
    )
    about = time_text(alone + shared / shares, whole=True)
    return f"about {about} for {counted(len(stale), 'step')}{perhaps} ({source})"


def drawing(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState, out: str, format: str) -> str:
    """The plan as Mermaid text; as SVG a line that names the file written, OUT/report/graph.svg."""
    if format == "mermaid":
        return graph.mermaid(plan, verdicts, files)
    if format != "svg":
        raise BuildError(f"--format={format}: expected svg or mermaid")
    path = os.path.join(out, "report", "graph.svg")
    text = svg(plan, verdicts, files)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        if error.errno not in DENIED:
            raise
        raise BuildError(
            f"{path}: {error.strerror}. To print it, as text: {INV} graph --format=mermaid"
        ) from None
    return f"graph: {path}"


def svg(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState) -> str:
    """The picture, as SVG text. BuildError where the drawing library is not installed."""
    try:
        # only now: it imports matplotlib, which is slow and belongs to an extra
        graph_svg = importlib.import_module("pipeline.ui.graph_svg")
    except ModuleNotFoundError as error:
        raise BuildError(
            f"{INV} graph: {error.name} is not installed, needed to draw. pip install -e '.[graph]', or: "
            f"{INV} graph --format=mermaid"
        ) from None
    return str(graph_svg.svg(*graph.nodes(plan, verdicts, files)))


def nothing_to_do(plan: Plan) -> str:
    """What a build and a view say of a plan whose steps are all fresh."""
    return f"nothing to do: all {len(plan.order):,} steps are up to date"


def explain(plan: Plan, verdicts: Mapping[str, Verdict], files: FileState, name: str) -> str:
    """All reasons of one step, one a line, none left out; what its stamp says of tools and of where it was
    made.
    """
    step = find(plan, name)
    verdict = verdicts[step.name]
    lines = [f"{verdict.state:<6} {step.name}", *(f"       {why}" for why in verdict.why)]
    if verdict.state == FRESH:
        lines.append("       its inputs, params, tools, code and outputs are as its stamp says")
    stamp = files.outline(step.stamp)
    lines += _made(stamp) if stamp else []
    lines += [f"needs  {above}  ({verdicts[above].state})" for above in plan.needs[step.name]]
    lines += [f"makes  {path}" for path in step.outputs]
    return "\n".join(lines)


def _made(stamp: Stamp) -> list[str]:
    """The tools whose versions the step depended on, and when and where it was made."""
    tools = [f"{tool} {version or 'absent'}" for tool, version in sorted(stamp.tools.items())]
    made = stamp.made
    place = made.get("node") or made.get("host") or "a machine that it does not name"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(made.get("start", 0)))
    slot = f", {made['slot']}" if "slot" in made else ""
    return [f"tools  {', '.join(tools) or 'none'}", f"made   on {place}{slot}, {when}"]


def find(plan: Plan, name: str) -> Step:
    """The step of this name, or of the one that ends or begins so; else the user is told the nearest one."""
    if name in plan.steps:
        return plan.steps[name]
    near = [known for known in plan.steps if known.startswith(name) or known.endswith("/" + name)]
    if len(near) == 1:
        return plan.steps[near[0]]
    # a person types a part of a name: compare with the parts, too
    parts = {
        part: known
        for known in reversed(plan.steps)
        for part in (known, *known.split("/")[:-1], known.partition("/")[0])
    }
    close = nearest(name, parts, 0.4)
    meant = parts[close] if close else next(iter(plan.steps), None)
    hint = f" Did you mean {meant!r}?" if meant else ""
    if near:
        hint = f" {len(near):,} begin or end so, first {near[0]!r}."
    raise BuildError(f"no step {name!r} in this plan.{hint} List them with: {INV} status")
