"""What you may ask, and what is made from what: one Invoke task a stage. `inv --list` shows them, `inv --help
STAGE` the options.

A stage does no work here: it declares steps, plain data, and `pre=` names the stages it needs. The executor
runs the steps of all stages reached as one plan. See docs/design.md.
"""

import functools
import os
from collections.abc import Iterator, Mapping
from typing import Any

from invoke import task
from invoke.context import Context
from invoke.exceptions import Exit

from configs import completion, site
from configs.options import DATA, SHARED, checked, one_of_data
from configs.site import RECORDS, UNSTAMPED, Build
from eval import steps as scores
from pipeline import machine
from pipeline.cli import executor, task_types
from pipeline.cli.develop import lint, test  # noqa: F401  tasks, too
from pipeline.cli.executor import Scene
from pipeline.cli.task_types import Option
from pipeline.fingerprint import of_package
from pipeline.outdir import clean as cleaning
from pipeline.outdir import compare_runs
from pipeline.outdir import gc as garbage
from pipeline.outdir import verify as verifying
from pipeline.step import Step
from pipeline.ui import doctor as health
from pipeline.ui import graph as graphs
from pipeline.ui import views
from preprocess import look
from preprocess.dataset import labels
from preprocess.pixels import native

Steps = Iterator[Step]
TORCH_MB = 600.0  # what a process that has imported torch and runs a batch was seen to take
REPORT = ("summary.json", "report.md", "result.json")
OPTIONS = {name: Option(default, text) for name, (default, text) in SHARED.items()}


def resolve(given: Mapping[str, Any]) -> Build:
    """The options given -> the request on this machine."""
    return site.of(checked(dict(given)))


stage = functools.partial(task_types.stage, OPTIONS, resolve)
view = functools.partial(task_types.view, OPTIONS, resolve)


@stage()
def report(build: Build, steps: tuple[Step, ...]) -> Steps:
    """Gather every record under OUT that is up to date into summary.json, report.md and result.json."""
    build.results.append(functools.partial(scores.told, build))
    planned = [path for step in steps for path in step.outputs if path.rpartition("/")[2] in RECORDS]
    yield Step(
        "report",
        "eval.report.write:write",
        (*sorted(planned), *build.kept_records(planned)),
        # result.json is of one accuracy: a build that judges none leaves the last one alone
        tuple(f"{build.out}/report/{name}" for name in REPORT[: 3 if build.judged else 2]),
        {**build.published(), "current": build.judged or None, "planned": len(planned)},
        reads=(build.out,),
    )


@stage(post=[report])
def preprocess(build: Build) -> Steps:
    """Turn pictures into shards: resized, cropped, uint8 or normalised float32; and their index."""
    if build.sample:
        yield from look.pictures(build.pictures, "test")
    images, size = build.listing.images, build.shard_size
    lists = (
        tuple(f"{build.data_dir}/bad-{n:05d}.json" for n in range(len(build.shards)))
        if build.skips_bad
        else ()
    )
    for n, shard in enumerate(build.shards):
        part = images[n * size : (n + 1) * size]
        yield Step(
            f"preprocess/{build.data_name(build.listing.identity)}/{n:05d}",
            "preprocess.shards:write",
            inputs=build.picture_paths(part),
            reads=build.tar,
            outputs=(shard, *lists[n : n + 1]),
            params=build.pixel_params(part),
            tools=build.pixel_tools,
            images=len(part),
            disk_mb=build.shard_mb(len(part)),
            memory_mb=build.shard_mb(len(part)) + 200,
        )
    yield Step(
        f"preprocess/{build.data_name(build.listing.identity)}/index",
        "preprocess.shards:index",
        inputs=lists,
        outputs=(build.index_csv, *([f"{build.data_dir}/bad.json"] if lists else [])),
        params={"names": [i.name for i in images], "labels": [i.label for i in images], "shard_size": size},
    )
    yield Step(
        f"preprocess/{build.data_name(build.listing.identity)}/pipeline",
        "eval.stage_times:write",
        (*build.shards, *build.bad_lists),
        (f"{build.data_dir}/pipeline.json",),
        {"row": build.data_row(), "stage": "preprocess"},
        eager=True,
        reads=tuple(f"{path}.stamp" for path in build.shards),
    )


@stage()
def export(build: Build) -> Steps:
    """Export the checkpoint to ONNX, simplify it, and hold it against PyTorch."""
    where, tools = build.model_dir, {name: of_package(name) for name in ("torch", "onnx", "numpy")}
    name, network = f"export/{build.model.name}", build.network()
    yield Step(
        f"{name}/exported",
        "convert.export:write",
        (build.checkpoint,),
        (f"{where}/exported.onnx",),
        {"model": network},
        tools,
        memory_mb=TORCH_MB,
        disk_mb=build.model_mb,
    )
    yield Step(
        f"{name}/simplified",
        "convert.simplify:write",
        (f"{where}/exported.onnx",),
        (f"{where}/model.onnx",),
        {"resolution": build.model.resolution},
        {p: of_package(p) for p in ("onnx", "onnxsim", "onnxruntime")},
    )
    yield Step(
        f"{name}/parity",
        "convert.parity:write",
        (build.checkpoint, f"{where}/model.onnx"),
        (f"{where}/parity.json", f"{where}/parity.ok"),
        {"model": network},
        tools | {"onnxruntime": of_package("onnxruntime")},
    )


@stage(pre=[export])
def compile(build: Build) -> Steps:
    """Compile the ONNX model for CHIP: one compiled model per batch size."""
    backend = build.backend
    if not (
        build.toolchain_here
        and all(os.path.isfile(build.compiled(batch, backend.SUFFIX)) for batch in build.batches)
    ):
        build.require("compiler")  # a board to which the models were brought may lack it
    for batch in build.batches:
        yield Step(
            f"compile/{build.variant}/bs{batch}",
            "convert.compile:write",
            (f"{build.model_dir}/model.onnx", f"{build.model_dir}/parity.ok", *build.option_files),
            (build.compiled(batch, backend.SUFFIX),),
            {"backend": build.chip.backend, "batch": batch, "target": build.target()},
            backend.toolchain(),
            code=(f"backends.{build.chip.backend}",),
            memory_mb=build.compile_memory_mb,
            disk_mb=build.model_mb,
        )


@stage(pre=[compile, preprocess], post=[report])
def infer(build: Build) -> Steps:
    """Run every shard through the compiled model on the chip's devices, one shard a step: logits."""
    batch, name = build.eval_batch, build.data_name(build.listing.identity)
    for n, (shard, logits) in enumerate(zip(build.shards, build.logits(batch), strict=True)):
        yield Step(
            f"infer/{build.variant}/{name}/bs{batch}/{n:05d}",
            "infer.logits:write",
            (build.compiled(batch, build.backend.SUFFIX), shard),
            (logits,),
            {"backend": build.chip.backend, "batch": batch},
            build.backend.runtime(),
            needs="device",
            code=(f"backends.{build.chip.backend}",),
            images=build.images_in(n),
            disk_mb=build.images_in(n) * build.model.outputs * 4 / 2**20,
        )
    yield Step(
        f"infer/{build.variant}/{name}/bs{batch}/pipeline",
        "eval.stage_times:write",
        (*build.logits(batch), *build.bad_lists),
        (f"{build.logits_dir(batch)}/pipeline.json",),
        {"row": build.row(build.dataset_row, batch), "stage": "infer"},
        eager=True,
        reads=tuple(f"{path}.stamp" for path in build.logits(batch)),
    )


@stage(
    pre=[infer],
    post=[report],
    name="eval",
    own={
        "results": Option(
            None, "score this directory, written by ais_infer or ais_bench, instead of building"
        )
    },
    instead=["results"],
)
def evaluate(build: Build, results: str | None = None) -> Steps:
    """Judge the logits: top-1 to top-5 over all labels, and agreement with PyTorch at every batch size."""
    if results:
        yield from scores.scored(build, results, labels.read(build.labels_of(results)))
        return
    where = build.logits_dir(build.eval_batch)
    build.judged.update(build.row(build.dataset_row, build.eval_batch))
    yield Step(
        f"eval/{build.variant}/{build.data_name(build.listing.identity)}/bs{build.eval_batch}",
        "eval.accuracy:write",
        (build.index_csv, *build.logits(build.eval_batch), *build.bad_lists),
        (f"{where}/accuracy.json",),
        {
            "row": build.row(build.dataset_row, build.eval_batch),
            "classes": build.model.classes,
            "background": build.model.background,
        },
        {"numpy": of_package("numpy")},
    )
    yield from _agreement(build)


@stage(pre=[compile], post=[report])
def bench(build: Build) -> Steps:
    """Time every compiled batch size on all chosen devices, alone on the machine."""
    shape = (
        [build.model.resolution] * 2 + [3] if build.input == "uint8" else [3] + [build.model.resolution] * 2
    )
    for batch in build.batches:
        yield Step(
            f"bench/{build.variant}/devices-{'-'.join(build.devices)}/bs{batch}",
            "infer.bench:write",
            (build.compiled(batch, build.backend.SUFFIX),),
            (f"{build.bench_dir(batch)}/throughput.json",),
            {
                "row": build.row(None, batch),
                "backend": build.chip.backend,
                "batch": batch,
                "shape": shape,
                "dtype": build.input,
                "devices": build.devices,
                "cores": [list(build.cores_of(device)) for device in build.devices],
            },
            {
                **build.backend.runtime(),
                "host": machine.host(),
                "cpu": machine.cpu_model(),
                **build.placement,
            },
            alone=True,
            code=(f"backends.{build.chip.backend}",),
        )


@stage(own={name: Option(default, text) for name, (default, text) in DATA.items()})
def data(build: Build, **asked: Any) -> Steps:
    """Look at the data, or make what belongs to it: labels, a check of all files, a contact sheet, ..."""
    what = one_of_data(asked)
    if what in ("show", "bins"):
        yield from preprocess.declare(build)
    yield from look.DECLARE[what](build, asked[what])
    build.results.append(functools.partial(look.told, build, what, asked[what]))


@stage(pre=[evaluate, bench, report], name="all")
def everything(build: Build) -> Steps:
    """The whole job: from the checkpoint and the pictures to the report."""
    yield from ()


@view()
def status(scene: Scene) -> None:
    """Every step of `inv all`: fresh, run or maybe, and why."""
    print(views.status(scene.plan, scene.verdicts, scene.disk, scene.request.shares))


@view(
    own={
        "name": Option(None, "a step's name, or how it begins or ends; with --run, the second report"),
        "run": Option(None, "compare what two reports were made from: inv explain --run A B"),
    },
    positional=["name"],
)
def explain(scene: Scene, name: str, run: str | None) -> None:
    """Why one step would run: all its reasons, what it needs and makes. --run A B: how two builds differ."""
    print(compare_runs.told(run, name) if run else views.explain(scene.plan, scene.verdicts, name))


@view(own={"format": Option("svg", "svg or mermaid")})
def graph(scene: Scene, format: str) -> None:
    """The plan as a picture: stages with counts, stale parts coloured, durations of the last build."""
    print(graphs.written(scene.plan, scene.verdicts, scene.disk, scene.request.out, format))


@view(
    own={
        "builds": Option(10, "what the last N different builds made stays"),
        "yes": Option(False, "remove, not only list"),
    }
)
def gc(scene: Scene, builds: int, yes: bool) -> None:
    """What no current configuration and none of the last builds refers to, with sizes; --yes removes it."""
    print(garbage.collect(scene.request.out, scene.plan.makers, builds, yes and not scene.dry, UNSTAMPED))


@task(
    auto_shortflags=False,
    help={
        "stage": "only what this stage made",
        "chip": "only what is for this chip",
        "model": "only what is of this model",
        "out": SHARED["out"][1],
    },
)
def clean(context: Context, stage: str = "", chip: str = "", model: str = "", out: str = "") -> None:
    """Remove what builds made: all of it, or one stage's, chip's or model's. Files of your own stay."""
    print(
        cleaning.clean(
            site.out_of(out),
            stage or None,
            chip or None,
            model or None,
            UNSTAMPED,
            dry=bool(context.config.run.dry),
        )
    )


@task(auto_shortflags=False, help={"out": SHARED["out"][1]})
def verify(context: Context, out: str = "") -> None:
    """Hash every output again and name what rotted or was edited by hand."""
    found = verifying.verify(site.out_of(out), UNSTAMPED)
    print(found)
    raise Exit(code=found.exit_code)


@task(auto_shortflags=False, help={"chip": SHARED["chip"][1], "out": SHARED["out"][1]})
def doctor(context: Context, chip: str = "", out: str = "") -> None:
    """Is all here that a build needs? One line a check, with the fix."""
    found = [*health.checks(site.out_of(out)), *native.checks(), *site.chip_checks(chip, site.out_of(out))]
    print("\n".join([*health.lines(found), health.verdict(found)]))
    raise Exit(code=2 if health.exit_code(found) else 0)


def completions(words: list[str]) -> list[str]:
    """What may follow on the command line, for the shell: values of an option, names of steps after
    `explain`.
    """
    if words and words[0] == "explain" and not words[-1].startswith("--"):
        return [step.name for step in executor.declared([executor.Call(everything)], resolve({}))[0]]
    return completion.values(words[-1]) if words else []


def _agreement(build: Build) -> Steps:
    """Hold every compiled batch size against PyTorch's float32 logits on the first images: records and
    gates.
    """
    name, shards = build.data_name(build.listing.identity), tuple(build.agreement_shards)
    common = {"images": build.agreement_images}
    yield Step(
        f"agree/reference/{name}",
        "mobilenet.reference:reference",
        (build.checkpoint, *shards, f"{build.model_dir}/parity.ok"),
        (build.reference,),  # a wrong checkpoint is told once
        {"model": build.network(), "mean": build.pixels["mean"], "std": build.pixels["std"], **common},
        {name: of_package(name) for name in ("torch", "numpy")},
        memory_mb=TORCH_MB,
    )
    for batch in build.batches:
        where, step = build.logits_dir(batch), f"agree/{build.variant}/{name}/bs{batch}"
        yield Step(
            f"{step}/logits",
            "infer.logits:first",
            (build.compiled(batch, build.backend.SUFFIX), *shards),
            (f"{where}/agreement.npy",),
            {"backend": build.chip.backend, "batch": batch, **common},
            build.backend.runtime(),
            needs="device",
            code=(f"backends.{build.chip.backend}",),
        )
        yield Step(
            f"{step}/record",
            "eval.agreement:write",
            (f"{where}/agreement.npy", build.reference, *build.bad_lists),
            (f"{where}/agreement.json",),
            {"row": build.row(build.dataset_row, batch), "margin": build.margin},
            {"numpy": of_package("numpy")},
        )
        yield Step(
            f"{step}/gate", "eval.agreement:gate", (f"{where}/agreement.json",), (f"{where}/agreement.ok",)
        )
