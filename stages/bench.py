"""bench: how fast each compiled batch size is, in rounds that take turns."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.comparison import runs
from pipeline import machine
from pipeline.errors import BuildError
from pipeline.freshness import stored
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import reasons
from pipeline.step import Step, Versions
from pipeline.text import INV
from stages.compare import compared, limits
from stages.request.build import Build


@dataclass(frozen=True)
class Length:
    """How long a cell is measured: so many rounds, each at least so many seconds and, over all devices,
    queries.
    """

    name: str
    rounds: int
    seconds: float
    queries: int


FULL = Length("full", 6, 0.5, 9)  # 3 s and 54 queries in all
QUICK = Length("quick", 1, 1.0, 10)


def steps(
    build: Build,
    named: bool,
    compare: str | None = None,
    max_drop: str | None = None,
    max_slow: str | None = None,
) -> Iterator[Step]:
    """Time every compiled batch size on all chosen devices, alone on the machine: rounds in turns, A B C A B
    C, each a step of its own, and a record of each batch size. `named`: bench itself was asked for.

    The sample is no real data: unless bench itself was asked for, one short round of it is enough. A cell
    that was measured at length, and still holds, serves a short question, too.
    """
    asked = limits(max_drop, max_slow)
    if compare is not None:
        reference = runs.load(compare)  # a mistake is told before anything is timed
        if reference.out == build.request.out:
            raise BuildError(
                f"--compare={compare}: this build writes its own report there; compare with a copy of it, or"
                " set --out"
            )
    elif asked.any:
        raise BuildError("--max-drop and --max-slow: limits of what? Add --compare=PATH, the reference")
    request, files = build.request, build.files()
    quick = request.given.quick or (request.sample and not named)
    for at, batch in enumerate(request.batches):
        full = [*_cell(build, batch, FULL, at)]
        short = quick and not _holds(full, files)
        yield from _cell(build, batch, QUICK, at) if short else full


def profile(build: Build) -> Iterator[Step]:
    """Where the time of one query goes, layer by layer, on the first device: of the batch size that accuracy
    is measured at.
    """
    request, target, batch = build.request, build.target, build.request.eval_batch
    if not target.backend.PROFILES:
        raise BuildError(
            f"--profile: the runtime of --chip={request.chip.name} does not tell the times of layers;"
            f" {INV} bench --profile --chip=cpu does"
        )
    first = target.devices[0]
    params = {**_timed(build, batch), "device": first, "cores": list(target.cores_of(first))}
    del params["devices"]
    yield Step(
        f"bench/{request.variant}/{target.devices_name}/bs{batch}/layers",
        "infer.profile:write",
        inputs={"model": target.compiled(batch)},
        outputs=(f"{cell_dir(build, batch)}/layers.json",),
        params={"row": request.row(None, batch), **params},
        tools=_tools(build),
        exclusive=True,
        code=(f"backends.{request.chip.backend}",),
    )


def closing(
    build: Build,
    profile: bool = False,
    compare: str | None = None,
    max_drop: str | None = None,
    max_slow: str | None = None,
) -> str:
    """What a benchmark ends with: how this build differs from the one it was asked to be compared with."""
    request = build.request
    asked = limits(max_drop, max_slow)
    return compared(compare, request.out, asked, request.batches) if compare else ""


def _cell(build: Build, batch: int, length: Length, at: int) -> Iterator[Step]:
    """The steps of one batch size: its rounds, those that are measured again when they were noisy, and the
    record.
    """
    request, target, cells = build.request, build.target, len(build.request.batches)
    name = f"bench/{request.variant}/{target.devices_name}/bs{batch}"
    where = cell_dir(build, batch)
    files = [f"{where}/{length.name}/round-{n}.json" for n in range(1, length.rounds + 1)]
    again = f"{where}/{length.name}/again.json"
    for n, path in enumerate(files, 1):
        yield _timing(
            build,
            batch,
            length,
            name=f"{name}/{length.name}/round-{n}",
            action="infer.bench:write",
            inputs={"model": target.compiled(batch)},
            output=path,
            turn=n * cells + at,
        )
    yield _timing(
        build,
        batch,
        length,
        name=f"{name}/{length.name}/again",
        action="infer.bench:again",
        inputs={"model": target.compiled(batch), "rounds": tuple(files)},
        output=again,
        turn=(length.rounds + 1) * cells + at,
    )
    yield Step(
        f"{name}/record",
        "eval.throughput:write",
        inputs={"rounds": tuple(files), "again": again},
        # what comes end to end: of every data set that this batch size has inferred
        stored={
            "stages": tuple(sorted(glob.glob(f"{glob.escape(request.chip_dir)}/*/bs{batch}/pipeline.json")))
        },
        outputs=(f"{where}/throughput.json",),
        params={
            "row": request.row(None, batch),
            "batch": batch,
            "devices": target.devices,
            "hint": request.given.hint,
            "quick": length is QUICK,
        },
    )


def _timing(
    build: Build,
    batch: int,
    length: Length,
    *,
    name: str,
    action: str,
    inputs: dict[str, str | tuple[str, ...]],
    output: str,
    turn: int,
) -> Step:
    return Step(
        name,
        action,
        inputs=inputs,
        outputs=(output,),
        params={**_timed(build, batch), "seconds": length.seconds, "queries": length.queries},
        tools=_tools(build),
        exclusive=True,
        turn=turn,
        code=(f"backends.{build.request.chip.backend}",),
    )


def _timed(build: Build, batch: int) -> dict[str, object]:
    """What every timing is told: the model's input, and the devices with their cores."""
    request, target = build.request, build.target
    side = request.model.resolution
    return {
        "backend": request.chip.backend,
        "batch": batch,
        "shape": [side, side, 3] if request.input == "uint8" else [3, side, side],
        "dtype": request.input,
        "devices": target.devices,
        "cores": [list(target.cores_of(device)) for device in target.devices],
    }


def _tools(build: Build) -> Versions:
    """What a timing depends on besides the compiled model: the runtime, and this machine."""
    backend = build.target.backend
    return {
        **backend.runtime(),
        "host": machine.host(),
        "cpu": machine.cpu_model(),
        **backend.placement(),
    }


def _holds(cell: Sequence[Step], files: FileState) -> bool:
    """Whether all that was timed for this cell still holds, the compiled model included."""
    timings = [step for step in cell if step.exclusive]
    model = str(timings[0].inputs["model"])
    return stored.up_to_date(model, files, {}) and not any(reasons(step, files) for step in timings)


def cell_dir(build: Build, batch: int) -> str:
    """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT/devices-0/bs16: how fast a compiled model is on these
    devices.
    """
    return os.path.join(build.request.chip_dir, build.target.devices_name, f"bs{batch}")
