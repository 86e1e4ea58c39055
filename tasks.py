"""What you may ask: one Invoke task a stage, and what each needs.

`inv --list` shows them, `inv --help STAGE` the options. A stage does no work here: it declares steps, plain
data (see stages/), and `pre=` names the stages it needs. The executor runs the steps of all stages reached as
one plan.
See docs/design.md.
"""

from collections.abc import Iterator

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Call, task

from configs import options
from configs.given import number
from configs.options import DATA, SHARED
from pipeline.cli import executor
from pipeline.cli.develop import lint, test  # noqa: F401  tasks, too
from pipeline.cli.executor import PlanState
from pipeline.cli.task_types import Kinds, Option
from pipeline.errors import BuildError
from pipeline.outdir import clean as cleaning
from pipeline.outdir import compare_runs
from pipeline.outdir import gc as garbage
from pipeline.outdir import verify as verifying
from pipeline.step import Step
from pipeline.text import INV
from pipeline.ui import doctor as health
from pipeline.ui import views
from stages import closing as ending
from stages import convert
from stages import data as data_stage
from stages import doctor as doctor_stage
from stages import evaluate as eval_stage
from stages import infer as infer_stage
from stages import preprocess as preprocess_stage
from stages import report as report_stage
from stages.judging import results as results_stage
from stages.report import UNSTAMPED
from stages.request.build import Build, resolve
from stages.request.request import out_of
from stages.timing import bench as bench_stage
from stages.timing import compare as compare_stage
from stages.timing import layers as layers_stage

Steps = Iterator[Step]


def invokes(table: tuple[options.Option, ...]) -> dict[str, Option]:
    """Our table of options as Invoke's: a switch is False when it is not given, all else None."""
    return {option.name: Option(False if option.kind == "switch" else None, option.help) for option in table}


HELP = {option.name: option.help for option in SHARED}
kinds = Kinds(invokes(SHARED), resolve)


REPORT = {
    "open": Option(False, "open the page in a browser, where there is a display"),
    "history": Option(False, "show the runs that were saved with --save beside this one"),
}


@kinds.stage(own=REPORT, closing=ending.closing)
def report(build: Build, steps: tuple[Step, ...], open: bool = False, history: bool = False) -> Steps:
    """Gather every record under OUT that is true into index.html, report.md, summary.json and result.json."""
    return report_stage.steps(build, steps, history)


@kinds.stage(post=[report])
def preprocess(build: Build) -> Steps:
    """Turn pictures into shards: resized, cropped, uint8 or normalised float32; and their index."""
    return preprocess_stage.steps(build)


@kinds.stage()
def export(build: Build) -> Steps:
    """Export the checkpoint to ONNX, simplify it, and hold it against PyTorch."""
    return convert.export(build)


@kinds.stage(pre=[export])
def compile(build: Build) -> Steps:
    """Compile the ONNX model for CHIP: one compiled model per batch size."""
    return convert.compile(build)


@kinds.stage(pre=[compile, preprocess], post=[report])
def infer(build: Build) -> Steps:
    """Run every shard through the compiled model on the chip's devices, one shard a step: logits."""
    return infer_stage.steps(build)


RESULTS = {
    "results": Option(None, "score this directory, written by ais_infer or ais_bench, instead of building")
}


@kinds.stage(pre=[infer], post=[report], name="eval", own=RESULTS, instead=["results"])
def evaluate(build: Build, results: str | None = None) -> Steps:
    """Judge the logits: top-1 to top-5 over all labels, and agreement with PyTorch at every batch size."""
    return eval_stage.steps(build) if results is None else results_stage.steps(build, results)


LIMITS = {
    "max_drop": Option(None, "points of top-1 that may be lost; more is exit 3"),
    "max_slow": Option(None, "percent of images/s that may be lost; more is exit 3"),
}
INSTEAD = {
    "profile": Option(False, "instead of timing: where the time of one batch size goes, layer by layer"),
    "tune": Option(False, "instead of timing: which split of the cores is the fastest"),
    "scenario": Option(None, "instead of timing: LoadGen's offline, singlestream, multistream or server"),
}
LOADGEN = {
    "target_qps": Option(None, "with --scenario: queries a second, issued (server) or expected (offline)"),
    "target_latency_ms": Option(None, "with --scenario=server: ms that a query may take"),
    "percentile": Option(None, "with --scenario: of the latency, such as 99"),
    "min_queries": Option(None, "with --scenario: queries at least"),
    "min_seconds": Option(None, "with --scenario: seconds at least (default 1)"),
}
COMPARE = {
    "compare": Option(None, "compare with another build: a summary.json or an OUT"),
    "max_slow": LIMITS["max_slow"],
}


@kinds.stage(pre=[compile], post=[report], own={**INSTEAD, **LOADGEN, **COMPARE}, closing=bench_stage.closing)
def bench(build: Build, steps: tuple[Step, ...], named: bool, **asked: object) -> Steps:
    """Time every compiled batch size on all chosen devices, alone on the machine: rounds in turns."""
    return bench_stage.asked_for(build, steps, named, **asked)


@kinds.stage(own=invokes(DATA), closing=data_stage.closing)
def data(build: Build, **asked: object) -> Steps:
    """Look at the data, or make what belongs to it: labels, a check of all files, a contact sheet, ..."""
    return data_stage.steps(build, **asked)


@kinds.stage(pre=[evaluate, bench, report], name="all")
def everything(build: Build) -> Steps:
    """The whole job: from the checkpoint and the pictures to the report."""
    yield from ()


@kinds.view()
def status(state: PlanState) -> None:
    """Every step of `inv all`: fresh, run or maybe, and why."""
    print(views.status(state.plan, state.verdicts, state.files, state.settings.shares))


@kinds.view(
    own={
        "name": Option(None, "a step's name, or how it begins or ends; with --run, the second report"),
        "run": Option(None, f"compare what two reports were made from: {INV} explain --run A B"),
    },
    positional=["name"],
)
def explain(state: PlanState, name: str, run: str | None) -> None:
    """Why one step would run: all its reasons, what it needs and makes. --run A B: how two builds differ."""
    if run:
        print(compare_runs.summary(run, name))
    else:
        print(views.explain(state.plan, state.verdicts, state.files, name))


@kinds.view(own={"format": Option("svg", "svg or mermaid")})
def graph(state: PlanState, format: str) -> None:
    """The plan as a picture: stages with counts, stale parts coloured, durations of the last build."""
    print(views.drawing(state.plan, state.verdicts, state.files, state.settings.out, format))


@kinds.view(
    own={
        "builds": Option("10", "what the last N different builds made stays (default 10)"),
        "yes": Option(False, "remove, not only list"),
    }
)
def gc(state: PlanState, builds: str, yes: bool) -> None:
    """What no current configuration and none of the last builds refers to, with sizes; --yes removes it."""
    last = number("--builds", builds)
    print(garbage.collect(state.settings.out, state.plan.makers, last, yes and not state.dry, UNSTAMPED))


@task(
    auto_shortflags=False,
    positional=["a", "b"],
    help={
        "a": "a summary.json or an OUT: the reference",
        "b": "what is held against it",
        **{name: option.help for name, option in LIMITS.items()},
        "layers": "instead: the first layer where two compiled forms part; a and b are their folders, or"
        " OUTs",
    },
)
def compare(
    context: Context, a: str, b: str, max_drop: str = "", max_slow: str = "", layers: bool = False
) -> None:
    """Two builds: how they were made, throughput with intervals, accuracy image by image; limits as gates."""
    if layers:
        if max_drop or max_slow:
            raise BuildError("--layers: it judges no limit; leave --max-drop and --max-slow out")
        print(layers_stage.compared(a, b))
        return
    print(compare_stage.compared(a, b, compare_stage.limits(max_drop or None, max_slow or None)))


@task(
    auto_shortflags=False,
    help={
        "stage": "only what this stage made",
        "chip": "only what is for this chip",
        "model": "only what is of this model",
        "out": HELP["out"],
    },
)
def clean(context: Context, stage: str = "", chip: str = "", model: str = "", out: str = "") -> None:
    """Remove what builds made: all of it, or one stage's, chip's or model's. Files of your own stay."""
    dry = bool(context.config.run.dry)
    print(cleaning.clean(out_of(out), stage or None, chip or None, model or None, UNSTAMPED, dry=dry))


@task(auto_shortflags=False, help={"out": HELP["out"]})
def verify(context: Context, out: str = "") -> None:
    """Hash every output again and name what rotted or was edited by hand."""
    findings = verifying.verify(out_of(out), UNSTAMPED)
    print(findings)
    raise Exit(code=findings.exit_code)


@task(auto_shortflags=False, help={"chip": HELP["chip"], "out": HELP["out"]})
def doctor(context: Context, chip: str = "", out: str = "") -> None:
    """Is all here that a build needs? One line a check, with the fix."""
    checks = doctor_stage.checks(chip, out)
    print("\n".join([*health.lines(checks), health.verdict(checks)]))
    raise Exit(code=health.exit_code(checks))


def completions(words: list[str]) -> list[str]:
    """What may follow on the command line: values of an option, names of steps after `explain`."""
    if words and words[0] == "explain" and not words[-1].startswith("--"):
        return [step.name for step in executor.declared([Call(everything)], resolve({})).steps]
    return options.completions(words[-1]) if words else []
