"""Before any work: does every node see the same OUT, data set and code as this one, and what is there?"""

import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from pipeline.cluster import look, remote
from pipeline.cluster.fleet import Fleet, Node
from pipeline.cluster.look import Question, View
from pipeline.cluster.wanted import CPU, Asked, Wanted
from pipeline.errors import BuildError
from pipeline.freshness.code import ROOT
from pipeline.freshness.files import FileState
from pipeline.parts import PREFIX
from pipeline.plan import Plan
from pipeline.step import Slot, Step, flat

if TYPE_CHECKING:
    from pipeline.cluster.joined import Joined

Answer = TypeVar("Answer")
MB = 2**20
ANSWER_S = 120.0
LOOKED_AT = 200  # files of the data set, spread over it: to look at all of 14 million takes hours
FIX_OUT = "Mount the same folder there under the same path, or set --out to one that all nodes share"
OURS = (remote.__name__, ())  # the code of ours that runs around the steps


def nodes(
    joined: "Joined",
    asked: Asked,
    plan: Plan,
    stale: Collection[Step],
    files: FileState,
    tell: Callable[[str], None],
) -> list[Node]:
    """The nodes of the cluster, each of which sees what this one sees. BuildError, with its name, for one
    that does not; one that died since Ray last looked is left out, and `tell` is told.
    """
    token = secrets.token_hex(16)
    probe = os.path.join(asked.out, f"{PREFIX}probe-{token}")
    question = _question(asked, plan, stale, probe, token)
    questions = {
        name: replace(question, answer=f"{probe}-{n}") for n, name in enumerate(joined.names.values())
    }
    # not with what this build knows of the code: that is taken when a step starts, and an edit until then
    # must look changed the next time
    code = look.code_of(question)
    look.put(probe, token)
    try:
        answers = {name: joined.ask(name, remote.look_around, each) for name, each in questions.items()}
        views: dict[str, View] = {}
        for name, answer in answers.items():
            try:
                views[name] = cast(View, answered(name, answer, asked.typed))
            except NodeGone:
                if name in joined.left():
                    raise
                tell(f"node {name} is gone; the build does without it")
                continue
            wrong = next(_differences(views[name], questions[name], code, files, asked.out), "")
            if wrong:
                raise BuildError(f"--executor={asked.typed}: node {name} {wrong}")
    finally:
        for path in (probe, *(each.answer for each in questions.values())):
            with suppress(FileNotFoundError):
                os.unlink(path)
    _require_strict(views, joined.here, asked)
    return [_node(joined, asked.wanted, name, view) for name, view in views.items()]


def require_able(fleet: Fleet, stale: Collection[Step], typed: str) -> None:
    """BuildError for a step that no node can do, which says what it lacks on each."""
    for step in stale:
        if not fleet.able(step):
            lacks = "; ".join(f"{node.name} has {_lacks(node, step)}" for node in fleet.nodes.values())
            raise BuildError(f"--executor={typed}: no node can do {step.name}: {lacks}")


def answered(name: str, answer: "Future[Answer]", typed: str) -> Answer:
    """What a node answered. BuildError where it did not, or could not."""
    try:
        return answer.result(ANSWER_S)
    except BuildError as error:
        raise BuildError(f"--executor={typed}: on node {name}: {error}") from None
    except TimeoutError:
        why = f"gives no answer in {ANSWER_S:.0f} s; `ray status` tells what it does"
    except BrokenExecutor as error:
        raise NodeGone(f"--executor={typed}: node {name} gives no answer: {_kind_of(error)}") from None
    except ImportError as error:
        why = (
            f"cannot run our code ({error}). {ROOT} must be there under the same path, and Ray started by"
            " the Python of its .venv"
        )
    raise BuildError(f"--executor={typed}: node {name} {why}")


class NodeGone(BuildError):
    """A node that died before it could answer."""


def _kind_of(error: BrokenExecutor) -> str:
    return str(error).partition(":")[0]


def _question(asked: Asked, plan: Plan, stale: Collection[Step], probe: str, token: str) -> Question:
    """What all nodes are asked; where each is to write its answer comes with the node."""
    outside = {
        path: None
        for step in stale
        for path in (*step.hashed, *flat(step.unhashed_inputs))
        if path not in plan.makers and not path.startswith(asked.out.rstrip("/") + "/")
    }
    return Question(
        probe=probe,
        answer="",
        token=token,
        files=tuple(_spread(list(outside))),
        code=(OURS, *dict.fromkeys((step.action, step.code) for step in stale)),
        tools=tuple(sorted({tool for step in stale for tool in step.tools})),
        inventory=asked.wanted.inventory,
        given=asked.wanted.given,
    )


def _spread(paths: Sequence[str]) -> list[str]:
    """Some of many, evenly: the first and the last with them."""
    if len(paths) <= LOOKED_AT:
        return list(paths)
    return [paths[at * (len(paths) - 1) // (LOOKED_AT - 1)] for at in range(LOOKED_AT)]


def _differences(
    view: View, question: Question, code: Mapping[str, str], files: FileState, out: str
) -> Iterator[str]:
    """What this node sees that is not what this machine does; `code`: its hashes here."""
    if view.probe != question.token:
        yield f"does not see --out={out}: a file that was just written there is not there. {FIX_OUT}"
    if view.wrote:
        yield f"cannot write into --out={out}: {view.wrote}. {FIX_OUT}"
    try:
        with open(question.answer, encoding="utf-8") as file:
            back = file.read()
    except OSError:
        back = ""
    if back != question.token:
        yield f"writes into another --out={out}: what it wrote is not here. {FIX_OUT}"
    if view.lock:
        yield f"has no lock: {view.lock}"
    for path, seen in view.files.items():
        if (here := files.stat(path)) and not look.same(seen, here):
            what = f"sees another {path}" if seen else f"does not see {path}"
            yield f"{what}: mount the same folder there under the same path"
    if different := sorted(key for key in {*code, *view.code} if code.get(key) != view.code.get(key)):
        yield (
            f"has other code in {files.source.file_of(different[0])}: {ROOT} must be the same folder on all"
            " nodes"
        )


def _require_strict(views: Mapping[str, View], here: str, asked: Asked) -> None:
    for tool in asked.wanted.strict:
        ours = views[here].inventory.tools.get(tool)
        for name, view in views.items():
            theirs = view.inventory.tools.get(tool)
            if theirs != ours:
                raise BuildError(
                    f"--executor={asked.typed}: node {name} has {tool} {theirs or 'not at all'}, {here} has"
                    f" {ours}: --pixels=exact means one version on all nodes. Install {ours} there, or"
                    " --pixels=fast"
                )


def _node(joined: "Joined", wanted: Wanted, name: str, view: View) -> Node:
    has = joined.resources[name]
    ray_cpus = int(has.get("CPU", 0))
    shares = min(ray_cpus, wanted.jobs or ray_cpus)
    # with fewer shares than cores the others are somebody else's: which ones is not ours to say
    own = view.cores if ray_cpus == len(view.cores) else ()
    slots = [Slot("cpu", str(n), own[n : n + 1], node=name) for n in range(shares)]
    accelerators = 0 if wanted.resource == CPU else int(has.get(wanted.resource, 0))
    there = view.inventory.chips
    if there and there < accelerators:
        raise BuildError(promised_too_many(name, accelerators, there))
    accelerators = 0 if there is None else accelerators
    if wanted.resource == CPU:
        slots += _groups_of_cores(name, view, shares)
    else:
        slots += [Slot("device", str(n), (), 0, name) for n in range(accelerators)]
    return Node(
        id=joined.ids[name],
        name=name,
        shares=shares,
        slots=tuple(slots),
        memory_mb=min(view.memory_mb, has.get("memory", 0.0) / MB),
        tools=view.inventory.tools,
        made=view.made,
        accelerators=accelerators,
        cannot=view.inventory.cannot,
    )


def promised_too_many(name: str, promised: int, there: int) -> str:
    """One line on a node that was started with more devices than it has."""
    return (
        f"node {name} was started with {promised} devices for Ray and has {there}: start Ray there with as"
        " many as there are"
    )


def _groups_of_cores(name: str, view: View, shares: int) -> Iterable[Slot]:
    """Slots of devices that are cores, none where Ray has no shares to give."""
    for id, cores in view.inventory.devices.items() if shares else ():
        yield Slot("device", id, cores, min(len(cores), shares), name)


def _lacks(node: Node, step: Step) -> str:
    """In a few words why this node cannot do this step."""
    if step.resource not in {slot.kind for slot in node.slots}:
        return "no device" if step.resource == "device" else "no CPU shares"
    if step.stage in node.cannot:
        return f"no tools to {step.stage}"
    for tool, version in step.tools.items():
        if node.tools.get(tool) != version:
            return f"{tool} {node.tools.get(tool) or 'not at all'} (this build: {version or 'none'})"
    if step.memory_mb > node.memory_mb:
        return f"{node.memory_mb:,.0f} MB of {step.memory_mb:,.0f}"
    return "no part in what is measured"
