"""What a record of each kind holds: every column with its type and its meaning, the unit in the name.

From these types follow the columns that `records.check` asks for, docs/records.md and the JSON Schema of
summary.json. A column that some records of a kind have and others lack is NotRequired.
"""

from functools import cache
from typing import Annotated, Literal, NamedTuple, NotRequired, TypeAlias, TypedDict, get_args, get_type_hints

from eval.common_columns import Common
from eval.judging.real_labels import RealLabels
from eval.precision.columns import ApartFigures, Loss, ModelFigures


class AccuracyFigures(TypedDict):
    """Hits within the first five outputs, over all labels."""

    images: Annotated[int, "labelled images: the denominator of all shares"]
    missing: Annotated[int, "of these, how many could not be decoded: they count as wrong"]
    classes: Annotated[int, "classes of the model, without a background"]
    top1_pct: Annotated[float, "images whose label is the first output, percent of `images`"]
    top2_pct: Annotated[float, "images whose label is among the first 2 outputs, percent of `images`"]
    top3_pct: Annotated[float, "among the first 3, percent of `images`"]
    top4_pct: Annotated[float, "among the first 4, percent of `images`"]
    top5_pct: Annotated[float, "among the first 5, percent of `images`"]
    top1_ci95_pct: Annotated[list[float], "[low, high]: Wilson's 95 % interval of `top1_pct`"]
    top1_hits: Annotated[int, "images whose label is the first output"]
    top2_hits: Annotated[int, "images whose label is among the first 2 outputs"]
    top3_hits: Annotated[int, "among the first 3"]
    top4_hits: Annotated[int, "among the first 4"]
    top5_hits: Annotated[int, "among the first 5"]
    # absent in records of before 2026-11-26, which `compare` and the history still read
    ece: NotRequired[
        Annotated[
            float | None,
            "expected calibration error of the first output's probability, 0 to 1; null without any",
        ]
    ]
    nan_rows: NotRequired[Annotated[int, "images whose outputs hold NaN or infinity: they count as wrong"]]
    constant_rows: NotRequired[Annotated[int, "images whose outputs are all equal"]]


class Accuracy(Common, AccuracyFigures, Loss, RealLabels):
    """Logits against labels, at one batch size."""

    kind: Literal["accuracy"]
    batch: Annotated[int | None, "images a query; null for results that another tool wrote"]
    results: NotRequired[Annotated[str, "the folder's name, of results that another tool wrote"]]
    format: NotRequired[Annotated[str, "txt, bin or npy, of results that another tool wrote"]]
    background: NotRequired[
        Annotated[
            bool, "whether output 0 is a background; of a model that has one, and of another tool's results"
        ]
    ]


class Throughput(Common):
    """One compiled model timed on one or several devices at once."""

    kind: Literal["throughput"]
    batch: Annotated[int, "images a query"]
    devices: Annotated[list[str], "ids of the devices that worked at once"]
    hint: Annotated[str, "throughput (each core a device) or latency (all cores one device), as with --hint"]
    images_per_s: Annotated[
        float, "images that all devices completed per second of their common window, mean over the rounds"
    ]
    images_per_s_ci95: Annotated[
        list[float] | None,
        "[low, high]: 95 % interval of it, Student's t over the rounds and flicker; null when quick",
    ]
    latency_ms_p50: Annotated[
        float, "one query of a whole batch, host array to host array: nearest-rank median"
    ]
    latency_ms_p90: Annotated[float, "the same, 90th percentile"]
    latency_ms_p99: Annotated[float | None, "the same, 99th percentile; null below 1,000 queries"]
    compute_images_per_s: Annotated[
        float | None, "images/s of the devices' execution alone, no copies; null where a device tells none"
    ]
    end_to_end_images_per_s: Annotated[
        float | None, "images/s of the infer stage, shards to logits, on these devices; null without any"
    ]
    warmup: Annotated[int, "queries before the clock, over all devices and rounds"]
    rounds: Annotated[int, "rounds that were timed, in turns with those of the other batch sizes"]
    queries: Annotated[int, "queries that were timed, over all devices and rounds"]
    window_s: Annotated[float, "the seconds in which all devices worked, over all rounds"]
    load_s: Annotated[float, "opening the session, code included: the slowest device's, median over rounds"]
    first_query_ms: Annotated[float, "the first query after that, median"]
    peak_memory_mb: Annotated[float, "the most memory that the devices' processes held, summed, in MB"]
    model_mb: Annotated[float, "the compiled model's size in MB of 1,000,000 bytes"]
    cpu_s_per_image: Annotated[
        float, "CPU seconds of the devices' processes, an image; median over the rounds"
    ]
    core_share: Annotated[
        float | None, "CPU time that they got of their own cores' time, 0 to 1; null without own cores"
    ]
    energy_j_per_image: Annotated[
        float | None, "J an image, by the devices' or the processors' counters; null where nothing reports it"
    ]
    pieces: Annotated[int, "images at a time inside the session"]
    quick: Annotated[bool, "whether it is one short round"]
    quiet: Annotated[bool, "whether nothing else was seen to work on the machine"]
    noise: Annotated[list[str], "why it was not quiet, sentences"]
    measures: Annotated[str, "what was inside the clock"]
    events: NotRequired[Annotated[list[str], "what went wrong and was measured again, sentences"]]


class AgreementFigures(TypedDict):
    """Logits of a compiled model against PyTorch's."""

    images: Annotated[int, "images that were compared"]
    same_top1_pct: Annotated[float, "images with PyTorch's first output, percent of `images`"]
    same_top1_clear_pct: Annotated[float | None, "the same, percent of `clear_images`; null without any"]
    clear_images: Annotated[int, "images whose two largest PyTorch outputs differ by more than `margin`"]
    margin: Annotated[float, "difference of two logits above which the larger one is clear"]
    max_abs_diff: Annotated[float, "largest difference of a logit from PyTorch's"]
    worst_row: Annotated[int, "row of index.csv of the image that has it"]
    nan_rows: NotRequired[Annotated[int, "images whose logits hold NaN or infinity: not the same"]]


class Agreement(Common, AgreementFigures):
    """A compiled model held against PyTorch's float32 logits on the first images."""

    kind: Literal["agreement"]
    batch: Annotated[int, "images a query"]
    missing: Annotated[int, "images that could not be decoded: not among `images`"]


class StageFigures(TypedDict):
    """How long the steps of one stage worked."""

    stage: Annotated[str, "preprocess or infer"]
    images: Annotated[int, "images that its steps handled"]
    seconds: Annotated[
        float, "how long at least one of its steps worked, without loading: overlaps count once"
    ]
    load_s: Annotated[float, "seconds of loading code and models, summed over its steps"]
    images_per_s: Annotated[float, "`images` / `seconds`"]
    retried: Annotated[int, "steps that ran again because the process under them had ended"]
    devices: NotRequired[Annotated[list[str], "ids of the devices that worked; of infer"]]
    device_cores: NotRequired[Annotated[int, "cores of each; 0 where a device is none of the host's"]]
    device_images: NotRequired[Annotated[list[int], "images that each of them handled"]]
    device_images_per_s: NotRequired[Annotated[list[float], "images/s of each while it worked"]]
    common_images_per_s: NotRequired[
        Annotated[float | None, "images/s in the time when all of them had work; null without such a time"]
    ]
    events: NotRequired[Annotated[list[str], "which steps ran again, and on which device, sentences"]]


class Pipeline(Common, StageFigures):
    """How long one stage of a build took."""

    kind: Literal["pipeline"]
    batch: Annotated[int | None, "images a query; null for a data set alone"]
    missing: Annotated[int, "of these images, how many could not be decoded"]


class Layer(Common):
    """One layer of a compiled model in a query of one batch, by the runtime's own profile."""

    kind: Literal["layer"]
    batch: Annotated[int, "images a query"]
    devices: Annotated[list[str], "the device that was profiled"]
    hint: Annotated[str, "as with --hint"]
    layer: Annotated[str, "its place in the order of the work, and the runtime's name for it"]
    op: Annotated[str, "the runtime's operator"]
    ms: Annotated[float, "milliseconds of one query, mean of several after a warm-up"]
    share_pct: Annotated[float, "of all layers' time, percent"]
    macs: Annotated[int, "multiply-adds of one image; 0 where a layer multiplies nothing"]
    gflops: Annotated[float, "GFLOP/s, a multiply-add counted as two"]
    peak_share_pct: Annotated[float, "of the GFLOP/s that a measured matrix product reached, percent"]


class Loadgen(Common):
    """One scenario of MLPerf's LoadGen."""

    kind: Literal["loadgen"]
    batch: Annotated[int, "images that the compiled model takes at once"]
    devices: Annotated[list[str], "ids of the devices that worked at once"]
    hint: Annotated[str, "as with --hint"]
    scenario: Annotated[str, "offline, singlestream, multistream or server"]
    settings: Annotated[
        str, "those that were asked for, as typed: target-qps=200,percentile=99; empty: defaults"
    ]
    valid: Annotated[bool, "whether LoadGen calls the run VALID"]
    reason: Annotated[str | None, "LoadGen's words when it is INVALID; null when it is VALID"]
    percentile: Annotated[float, "of `latency_ms`, in percent"]
    latency_ms: Annotated[float, "of a query, at that percentile; Offline's one query is all of it"]
    samples_per_s: Annotated[float, "images completed per second"]
    queries: Annotated[int, "queries that LoadGen counted"]
    target_qps: Annotated[float | None, "what it was told to expect or to issue; null where there is none"]
    top1_pct: Annotated[float | None, "top-1 of its accuracy run, percent; null without a data set"]


class Model(Common, ModelFigures):
    """One compiled model."""

    kind: Literal["model"]
    batch: Annotated[int, "images a query"]


class Apart(Common, ApartFigures):
    """One layer of a compiled form beside another form's, both in ONNX Runtime (compare --layers)."""

    kind: Literal["apart"]
    batch: Annotated[int, "as of the model record; both were run picture by picture"]


Record: TypeAlias = Accuracy | Throughput | Agreement | Pipeline | Layer | Loadgen | Model | Apart
KINDS: dict[str, type] = {
    "accuracy": Accuracy,
    "throughput": Throughput,
    "agreement": Agreement,
    "pipeline": Pipeline,
    "layer": Layer,
    "loadgen": Loadgen,
    "model": Model,
    "apart": Apart,
}


class Column(NamedTuple):
    """One column of a kind. `annotation` is its type, of str, int, float, bool, None and lists of these."""

    name: str
    annotation: object
    meaning: str
    required: bool


@cache
def columns_of(kind: type) -> tuple[Column, ...]:
    """The columns of one of the types here, in their order; `kind`, which tells the types apart, left out."""
    required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    columns = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner = hint if name in required else get_args(hint)[0]  # NotRequired[...]
        if name != "kind":
            annotation, meaning = get_args(inner)
            columns.append(Column(name, annotation, meaning, name in required))
    return tuple(columns)
