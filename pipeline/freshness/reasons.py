"""Why a step must run, in words. No reasons means up to date; there is no boolean twin.

Reads the disk, prints nothing. What it learned on the way (a file that was touched but is the same) is kept
in `Disk.touched` for the driver to write back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipeline import fingerprint
from pipeline.fingerprint import Fingerprint
from pipeline.freshness import diff
from pipeline.freshness.code import Source
from pipeline.freshness.files import Disk
from pipeline.plan import Plan
from pipeline.step import Step

NEVER_MADE = "never made"


def reasons(step: Step, disk: Disk | None = None, not_yet: Collection[str] = ()) -> list[str]:
    """All reasons why the step must run, [] when it is up to date.

    `not_yet` are inputs whose maker will run first: what they will hold is not known, so they are no reason.
    """
    disk = disk or Disk()
    old = disk.stamp(step.stamp)
    gone = [path for path in step.outputs if disk.stat(path) is None]
    if old is None:
        return [
            (
                NEVER_MADE
                if len(gone) == len(step.outputs)
                else "no readable stamp: the build that made it was cut short, or the stamp was damaged"
            )
        ]
    new = {**old, "inputs": dict(old["inputs"]), "outputs": dict(old["outputs"])}
    why = [f"action: {old['action']} -> {step.action}"] if old["action"] != step.action else []
    if gone and len(gone) == len(step.outputs):
        why.append("its output is gone" if len(gone) == 1 else f"its {len(gone)} outputs are gone")
    else:
        why += [f"output {disk.roots.key(path)} is gone" for path in gone]
    why += _changed_files("input", step.inputs, new["inputs"], disk, not_yet)
    why += _changed_files(
        "output", [path for path in step.outputs if path not in gone], new["outputs"], disk, ()
    )
    why += diff.changed("param", old["params"], step.params)
    why += diff.changed("tool", old["tools"], step.tools)
    why += _changed_code(old["code"], disk.source.of(step.action, step.code), disk.source)
    if not why and (new["inputs"] != old["inputs"] or new["outputs"] != old["outputs"]):
        disk.touched[step.stamp] = new
    return why


def _changed_files(
    kind: str, paths: Collection[str], known: dict[str, Fingerprint], disk: Disk, not_yet: Collection[str]
) -> list[str]:
    """Sentences on files that differ from what the stamp knows; `known` gets new times where the content is
    the same.
    """
    why = []
    keyed = disk.keyed(paths)
    for key, path in keyed.items():
        before = known.get(key)
        if before is None:
            why.append(f"{kind} {key} is new")
            continue
        if path in not_yet:
            continue
        now = disk.print_of(path, before)
        if now is None:
            why.append(f"{kind} {key} is gone")
        elif now[3] != before[3]:
            why.append(f"{kind} {key} changed")
        elif now is not before and now != before:
            known[key] = now if kind == "output" else fingerprint.unless_racy(now)
    if kind == "input":
        why += [f"input {key} is no longer one" for key in known if key not in keyed]
    return why


def _changed_code(old: Mapping[str, str], new: Mapping[str, str], source: Source) -> list[str]:
    return [
        (
            f"code {source.file_of(module)} changed"
            if module in old and module in new
            else f"code {module} is {'new' if module in new else 'no longer used'}"
        )
        for module in sorted({*old, *new})
        if old.get(module) != new.get(module)
    ]


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
