"""What a record of each kind holds: every column with its type and its meaning, the unit in the name.

From these types follow the columns that `records.check` asks for, docs/records.md and the JSON Schema of
summary.json. A column that some records of a kind have and others lack is NotRequired.
"""

from functools import cache
from typing import Annotated, Literal, NamedTuple, NotRequired, TypeAlias, TypedDict, get_args, get_type_hints


class Common(TypedDict):
    """Which model, data and chip a record of any kind is about."""

    model: Annotated[str | None, "the model file's name; null for a data set alone"]
    checkpoint: Annotated[str | None, "the checkpoint's name and the first 8 hex digits of its SHA-256"]
    weights: NotRequired[
        Annotated[
            str | None, "the key in the checkpoint of the weights that were read; empty for a bare state dict"
        ]
    ]
    dataset: Annotated[str | None, "the data set's name and 8 hex digits of a hash of its names and labels"]
    chip: Annotated[str | None, "what the model was compiled for and ran on: a name in configs/chips"]
    slice: NotRequired[Annotated[str, "the slice of the chip (vNPU), such as vir04; of a whole chip absent"]]
    slice_cores: NotRequired[Annotated[int, "AI cores of the slice, its share of the chip's; as `slice`"]]
    precision: Annotated[str | None, "of the compiled model, as with --precision"]
    input: Annotated[str | None, "what the compiled model takes: uint8 (HWC) or float32 (NCHW)"]
    sample_data: Annotated[
        bool, "whether the images are generated and the network a small one: no real figures"
    ]
    preset: NotRequired[Annotated[str, "how images were resized and cropped; of records of a data set"]]
    pixels: NotRequired[Annotated[str, "exact (the reference's pixels) or fast; of records of a data set"]]
    on_bad: NotRequired[
        Annotated[str, "fail or skip: what an undecodable image did; of records of a data set"]
    ]


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


class Accuracy(Common, AccuracyFigures):
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
    images_per_s: Annotated[float, "images that all devices completed in `window_s`, per second"]
    latency_ms_p50: Annotated[
        float, "one query of a whole batch, host array to host array: nearest-rank median"
    ]
    latency_ms_p90: Annotated[float, "the same, 90th percentile"]
    latency_ms_p99: Annotated[float, "the same, 99th percentile; of fewer than 100 queries the slowest"]
    warmup: Annotated[int, "queries before the clock, over all devices"]
    rounds: Annotated[int, "queries that were timed, over all devices"]
    window_s: Annotated[float, "the seconds in which all devices worked: latest begin to earliest end"]
    measures: Annotated[str, "what was inside the clock"]
    compute_images_per_s: NotRequired[
        Annotated[float, "images/s of the devices' execution alone, no copies; where a device tells it"]
    ]


class AgreementFigures(TypedDict):
    """Logits of a compiled model against PyTorch's."""

    images: Annotated[int, "images that were compared"]
    same_top1_pct: Annotated[float, "images with PyTorch's first output, percent of `images`"]
    same_top1_clear_pct: Annotated[float | None, "the same, percent of `clear_images`; null without any"]
    clear_images: Annotated[int, "images whose two largest PyTorch outputs differ by more than `margin`"]
    margin: Annotated[float, "difference of two logits above which the larger one is clear"]
    max_abs_diff: Annotated[float, "largest difference of a logit from PyTorch's"]
    worst_row: Annotated[int, "row of index.csv of the image that has it"]


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


class Pipeline(Common, StageFigures):
    """How long one stage of a build took."""

    kind: Literal["pipeline"]
    batch: Annotated[int | None, "images a query; null for a data set alone"]
    missing: Annotated[int, "of these images, how many could not be decoded"]


Record: TypeAlias = Accuracy | Throughput | Agreement | Pipeline
KINDS: dict[str, type] = {
    "accuracy": Accuracy,
    "throughput": Throughput,
    "agreement": Agreement,
    "pipeline": Pipeline,
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
