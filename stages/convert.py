"""export and compile: from the checkpoint to one compiled model per batch size."""

import os
import sys
from collections.abc import Iterator, Sequence

from backends import CompileTarget
from configs import schema
from configs.schema import INT8
from pipeline.fingerprint import files_in, versions
from pipeline.step import Step
from stages.calibration import steps as calibration
from stages.request.build import Build
from stages.request.checkpoint import network
from stages.request.request import Request

TORCH_MB = 600.0  # what a process that has imported torch and runs a batch was seen to take


def export(build: Build) -> Iterator[Step]:
    """Export the checkpoint to ONNX, simplify it, and hold it against PyTorch."""
    request, where = build.request, build.request.model_dir
    name, model = f"export/{request.model.name}", network(request.model)
    tools, weights = versions("torch", "onnx", "numpy"), request.weights.asked
    _say_prefix(build)
    yield Step(
        f"{name}/exported",
        "convert.export:write",
        inputs={"checkpoint": request.checkpoint},
        outputs=(f"{where}/exported.onnx",),
        params={"model": model, "weights": weights},
        tools=tools,
        memory_mb=TORCH_MB,
        disk_mb=model_mb(request),
    )
    yield Step(
        f"{name}/simplified",
        "convert.simplify:write",
        inputs={"exported": f"{where}/exported.onnx"},
        outputs=(graph(request),),
        params={"resolution": request.model.resolution},
        tools=versions("onnx", "onnxsim", "onnxruntime"),
    )
    yield Step(
        f"{name}/parity",
        "convert.parity:write",
        inputs={"checkpoint": request.checkpoint, "graph": graph(request)},
        outputs=(f"{where}/parity.json", parity_ok(request)),
        params={"model": model, "weights": weights},
        tools={**tools, **versions("onnxruntime")},
    )


def compile(build: Build) -> Iterator[Step]:
    """Compile the simplified ONNX: one model per batch size."""
    request, target = build.request, build.target
    backend = target.backend
    # a board to which the models were brought may lack the compiler; without its version none is up to date
    here = any(backend.toolchain().values())
    if not (here and all(os.path.isfile(target.compiled(batch)) for batch in request.batches)):
        backend.require_compiler(request.chip.name)
    goal, source = compile_target(request), graph(request)
    if request.precision == INT8:
        yield from calibration.steps(request, source, parity_ok(request))
        source = calibration.quantised(request)
    for batch in request.batches:
        yield Step(
            f"compile/{request.variant}/bs{batch}",
            "convert.compile:write",
            inputs={"graph": source},
            # nothing is compiled from a graph that is not the network
            after=(parity_ok(request), *option_files(goal, backend.READ_FOLDERS)),
            outputs=(target.compiled(batch),),
            params={"backend": request.chip.backend, "batch": batch, "target": goal},
            tools=backend.toolchain(),
            code=(f"backends.{request.chip.backend}",),
            memory_mb=backend.compile_memory_mb(),
            disk_mb=model_mb(request),
        )
    yield from _sizes(build)


def _sizes(build: Build) -> Iterator[Step]:
    """How large the network and its compiled model are: a record, of one batch size."""
    request, batch = build.request, build.request.eval_batch
    counts = f"{request.model_dir}/counts.json"
    yield Step(
        f"export/{request.model.name}/counts",
        "convert.counts:write",
        inputs={"graph": graph(request)},
        outputs=(counts,),
        tools=versions("onnx"),
    )
    yield Step(
        f"size/{request.variant}/bs{batch}",
        "eval.precision.size:write",
        inputs={"counts": counts, "model": build.target.compiled(batch)},
        outputs=(f"{request.chip_dir}/size/bs{batch}/model.json",),
        params={"row": request.row(None, batch)},
    )


def _say_prefix(build: Build) -> None:
    """What was taken off the weights' names, but for `module.`, which published checkpoints have."""
    prefix, request = build.request.weights.prefix, build.request
    if prefix not in ("", "module.") and not request.given.quiet:
        print(f"inv: {request.checkpoint}: {prefix!r} is taken off the names of its weights", file=sys.stderr)


def graph(request: Request) -> str:
    """The simplified ONNX, with a free batch axis."""
    return f"{request.model_dir}/model.onnx"


def parity_ok(request: Request) -> str:
    """The verdict that the ONNX is the network: it never changes while it holds."""
    return f"{request.model_dir}/parity.ok"


def compile_target(request: Request) -> CompileTarget:
    """What the compiler of the chip's backend is told besides the graph and the batch size."""
    target: CompileTarget = {
        "soc_version": request.chip.soc_version,
        "precision": request.precision,
        "input": request.input,
        "mean": request.pixels["mean"],
        "std": request.pixels["std"],
        "resolution": request.model.resolution,
        "outputs": request.model.outputs,
        "options": {key: _beside(value) for key, value in request.chip.compiler_options.items()},
    }
    if request.chip.slice:
        target["slice"] = request.chip.slice
    return target


def option_files(target: CompileTarget, read_folders: Sequence[str]) -> list[str]:
    """Files that the compiler's options name, and those in the folders that it reads: what they say is an
    input of every compiled model. Folders that it writes into are none.
    """
    files: list[str] = []
    for key, value in target["options"].items():
        if not isinstance(value, str) or not os.path.isabs(value):
            continue
        if os.path.isfile(value):
            files.append(value)
        elif key.lstrip("-").replace("-", "_") in read_folders:
            files += files_in(value)
    return files


def model_mb(request: Request) -> float:
    """About what one form of the model takes on the disk: as much as its checkpoint."""
    return os.path.getsize(request.checkpoint) / 2**20


def _beside(value: object) -> object:
    """An option's value; a file or folder beside the chips' files as its absolute path, since compilers run
    in a folder of their own.
    """
    beside = os.path.join(schema.HERE, "chips", value) if isinstance(value, str) and value else ""
    return beside if os.path.exists(beside) else value
