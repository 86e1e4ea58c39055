"""Why a step must run, in words, and what each step of a plan would do now: fresh, run or maybe.

No reasons means up to date; there is no boolean twin. Build, `--dry`, `status` and `explain` all act on this
one list. `maybe` is the honest third answer: the step waits for one that will run, and whether it runs too
depends on what comes out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline import fingerprint
from pipeline.fingerprint import Fingerprint
from pipeline.freshness import diff
from pipeline.freshness.code import Source
from pipeline.freshness.files import FileState
from pipeline.plan import Plan
from pipeline.step import Step
from pipeline.text import some

NEVER_MADE = "never made"
CUT_SHORT = "no readable stamp: the build that made it was cut short, or the stamp was damaged"
FRESH, RUN, MAYBE = "fresh", "run", "maybe"


@dataclass(frozen=True)
class Verdict:
    """What a step would do now, and why: `run` for its own reasons, `maybe` because it waits for one that
    will run.
    """

    state: str
    why: tuple[str, ...] = ()


def verdicts(plan: Plan, files: FileState, again: Sequence[str] = ()) -> dict[str, Verdict]:
    """What each step would do now. `again` are names of steps to be made anew whatever their stamps say."""
    states: dict[str, Verdict] = {}
    anew = set(again)
    for name in plan.order:
        step = plan.steps[name]
        above = [n for n in plan.needs[name] if states[n].state != FRESH]
        not_yet = {path for n in above for path in plan.steps[n].outputs}
        why = (["asked for again"] if name in anew else []) + reasons(step, files, not_yet)
        files.let_go(step.stamp)
        runs_above = [n for n in above if states[n].state == RUN]
        if not why and step.always_after and runs_above:
            why = [f"{runs_above[0]} runs"]
        if why:
            states[name] = Verdict(RUN, tuple(why))
        elif above:
            states[name] = Verdict(MAYBE, (f"waits for {some(above, 1)}",))
        else:
            states[name] = Verdict(FRESH)
    return states


def reasons(step: Step, files: FileState | None = None, not_yet: Collection[str] = ()) -> list[str]:
    """All reasons why the step must run, [] when it is up to date.

    `not_yet` are inputs whose maker will run first: what they will hold is not known, so they are no reason.
    A step that is up to date though its files have new times is noted in `files.touched`: the driver writes
    that stamp back.
    """
    files = files or FileState()
    old = files.stamp(step.stamp)
    gone = [path for path in step.outputs if files.stat(path) is None]
    if old is None:
        return [NEVER_MADE if len(gone) == len(step.outputs) else CUT_SHORT]
    inputs = files.keyed(step.hashed)
    outputs = files.keyed([path for path in step.outputs if path not in gone])
    changed_inputs, new_inputs = _changed_files("input", inputs, old.inputs, files, not_yet)
    changed_outputs, new_outputs = _changed_files("output", outputs, old.outputs, files, ())
    why = [
        *([f"action: {old.action} -> {step.action}"] if old.action != step.action else []),
        *_gone(gone, step, old.outputs, files),
        *changed_inputs,
        *(f"input {key} is no longer one" for key in old.inputs if key not in inputs),
        *changed_outputs,
        *diff.changed("param", old.params, step.params),
        *diff.changed("tool", old.tools, step.tools),
        *_changed_code(old.code, files.source.hashes(step.action, step.code), files.source),
    ]
    if not why and (new_inputs or new_outputs):
        # an input that changed just now must not be vouched for by its times
        vouched = {key: fingerprint.unless_racy(now) for key, now in new_inputs.items()}
        files.touched[step.stamp] = replace(
            old, inputs={**old.inputs, **vouched}, outputs={**old.outputs, **new_outputs}
        )
    return why


def _gone(gone: Sequence[str], step: Step, known: Collection[str], files: FileState) -> list[str]:
    """Sentences on the outputs that are not there; one whose key the stamp does not know never was."""
    if gone and len(gone) == len(step.outputs):
        return ["its output is gone" if len(gone) == 1 else f"its {len(gone)} outputs are gone"]
    keys = map(files.roots.key, gone)
    return [f"output {key} is {'gone' if key in known else 'new'}" for key in keys]


def _changed_files(
    kind: str,
    keyed: Mapping[str, str],
    known: Mapping[str, Fingerprint],
    files: FileState,
    not_yet: Collection[str],
) -> tuple[list[str], dict[str, Fingerprint]]:
    """Sentences on the files, {key in the stamp: path}, that differ from what the stamp knows; and the
    fingerprints of those whose content is the same and whose times are others.
    """
    why = []
    newer = {}
    for key, path in keyed.items():
        before = known.get(key)
        if before is None:
            why.append(f"{kind} {key} is new")
        elif path not in not_yet:
            now = files.fingerprint(path, before)
            if now is None:
                if not before.sha256:  # nor was it there when the step ran: a link to nothing, say
                    continue
                why.append(f"{kind} {key} is gone")
            elif now.sha256 != before.sha256:
                if now.sha256 == fingerprint.UNREADABLE and key.startswith("out:"):
                    fingerprint.of_content(path)  # OSError: of our own files, which nobody else may close
                why.append(f"{kind} {key} changed")
            elif now is not before and now != before:
                newer[key] = now
    return why, newer


def _changed_code(old: Mapping[str, str], new: Mapping[str, str], source: Source) -> list[str]:
    return [
        f"code {source.file_of(module)} changed"
        if module in old and module in new
        else f"code {module} is {'new' if module in new else 'no longer used'}"
        for module in sorted({*old, *new})
        if old.get(module) != new.get(module)
    ]
