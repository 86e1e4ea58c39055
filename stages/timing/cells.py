"""The steps of one cell: a batch size of one compiled model on the chosen devices."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.freshness import stored
from pipeline.freshness.files import FileState
from pipeline.freshness.reasons import reasons
from pipeline.step import Step, Versions
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


def inferred(build: Build, batch: int, declared: Sequence[Step]) -> tuple[str, ...]:
    """The pipeline records of what this batch size has inferred, of every data set: those that are there, and
    those that this build will make.
    """
    folder = build.target.run_dir
    there = glob.glob(f"{glob.escape(folder)}/*/bs{batch}/pipeline.json")
    planned = [path for step in declared if step.stage == "infer" for path in step.outputs]
    coming = [path for path in planned if path.endswith(f"/bs{batch}/pipeline.json")]
    return tuple(sorted({*there, *coming}))


def cell(build: Build, batch: int, length: Length, at: int, inferred: tuple[str, ...]) -> Iterator[Step]:
    """The steps of one batch size: its rounds, those that are measured again when they were noisy, and the
    record, which also tells what came end to end.
    """
    request, target, cells = build.request, build.target, len(build.request.batches)
    name = f"bench/{target.variant}/{target.devices_name}/bs{batch}"
    where = cell_dir(build, batch)
    files = [f"{where}/{length.name}/round-{n}.json" for n in range(1, length.rounds + 1)]
    again = f"{where}/{length.name}/again.json"
    for n, path in enumerate(files, 1):
        yield _step(
            build,
            batch,
            length,
            name=f"{name}/{length.name}/round-{n}",
            action="infer.bench.measure:write",
            inputs={"model": target.compiled(batch)},
            output=path,
            turn=n * cells + at,
        )
    yield _step(
        build,
        batch,
        length,
        name=f"{name}/{length.name}/again",
        action="infer.bench.measure:again",
        inputs={"model": target.compiled(batch), "rounds": tuple(files)},
        output=again,
        turn=(length.rounds + 1) * cells + at,
    )
    yield Step(
        f"{name}/record",
        "infer.bench.throughput:write",
        inputs={"rounds": tuple(files), "again": again},
        stored={"stages": inferred},
        outputs=(f"{where}/throughput.json", f"{where}/latencies.json"),
        params={
            "row": build.row(batch, data=False),
            "batch": batch,
            "devices": target.devices,
            "hint": request.given.hint,
            "quick": length is QUICK,
        },
    )


def _step(
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
        params={**timing(build, batch), "seconds": length.seconds, "queries": length.queries},
        tools=tools(build),
        exclusive=True,
        turn=turn,
        code=(f"backends.{build.request.chip.backend}",),
    )


def timing(build: Build, batch: int) -> dict[str, object]:
    """What every timing is told: the model's input, and the devices with their cores."""
    request, target = build.request, build.target
    side = request.model.resolution
    return {
        "backend": target.running_backend,
        "batch": batch,
        "shape": [side, side, 3] if request.input == "uint8" else [3, side, side],
        "dtype": request.input,
        "devices": target.devices,
        "cores": [list(target.cores_of(device)) for device in target.devices],
    }


def tools(build: Build) -> Versions:
    """What a timing depends on besides the compiled model: the runtime, and the machine that measures."""
    target = build.target
    return {
        **target.runtime_versions,
        "host": build.site.host(),
        "cpu": build.site.cpu_model(),
        **target.backend.placement(),
    }


def holds(cell: Sequence[Step], files: FileState) -> bool:
    """Whether all that was timed for this cell still holds, the compiled model, by the code that is here,
    included.
    """
    timings = [step for step in cell if step.exclusive]
    model = str(timings[0].inputs["model"])
    compiled = stored.whose(model, files, {}) == stored.OURS
    return compiled and not any(reasons(step, files) for step in timings)


def cell_dir(build: Build, batch: int) -> str:
    """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT[/RUNTIME]/devices-0/bs16: how fast a compiled model is on these
    devices.
    """
    return os.path.join(build.target.run_dir, build.target.devices_name, f"bs{batch}")
