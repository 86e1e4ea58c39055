"""What each figure of the report is: one text each, for report.md and for the page, and which column it
belongs to.
"""

from collections.abc import Iterable

ACCURACY, AGREEMENT, SPEED, STAGES, LAYERS, LOADGEN, CLASSES, HISTORY, PRECISION = (
    "accuracy",
    "agreement",
    "throughput",
    "stages",
    "layers",
    "loadgen",
    "classes",
    "history",
    "precision",
)

DEFINITIONS = {
    "top-1, top-5": """share of all labelled images whose label is the first, or among the first
        five, of the outputs; of equal outputs the lower index comes first. An image without a
        result, or one that cannot be decoded and was skipped, is wrong (*missing*), never left out.""",
    "95 % interval": """Wilson's, for top-1: where the accuracy lies on all images of this kind,
        if these were drawn at random.""",
    "ReaL top-1": """share of images whose first output is among the classes that Beyer et al. 2020 (Are
        we done with ImageNet?) saw in them. Images without such a class do not count; the interval is
        Wilson's, too.""",
    "same top-1": """share of images whose first output is PyTorch's (float32). *Clear* images
        are those whose two best PyTorch outputs differ by more than the margin: only they count for
        the gate.""",
    "loss against fp32": """points of top-1 that the same network loses against float32 on the same chip and
        images; *lost*: images on which float32 alone is right, *won*: on which it alone is wrong. The
        interval is of the paired difference (Bonett and Price, 2012): where it holds 0, chance explains the
        loss.""",
    "images/s": """images completed by all devices in the time when all of them worked, after a
        warm-up; from host array to host array, copies included.""",
    "compute only": """1000 × batch / mean of the device's execution in ms, summed over the
        devices: no copies. The clock of ais_bench, and of the published figures.""",
    "of published": """measured / published, both divided by the number of chips they are of;
        compute only where that was measured. Only where the network is the one that the published
        figures are of, which were taken with float32 input.""",
    "latency (p50, p90, p99)": """one query of a whole batch, host array to host array.
        Percentiles are nearest-rank: a time that was measured. p99 is given from 1,000 queries on.""",
    "CPU ms an image": """CPU time of the devices' processes: it holds on a busy machine, too, where
        images/s do not.""",
    "end to end": """images/s of the stage `infer` on these devices, from shards to logits on the disk; none
        where nothing was inferred at this batch size on these devices in this OUT.""",
    "interval of images/s": """where the mean over many rounds lies, with 95 % certainty: Student's t over
        the rounds, which took turns with those of the other batch sizes, and by how much the speed swings
        from one moment to the next, which no number of rounds averages out. None for a quick cell.""",
    "best": """the most images/s, and every batch size whose interval overlaps that one's; not said of quick
        cells, which have none.""",
    "cliff": """fewer images/s than 0.8 of what a smaller batch gives, where their intervals do not
        overlap.""",
    "noisy": """something else was seen to work on the machine: the devices' processes did not get their
        cores, other programs took CPU time, a quota or heat stopped the cores, the rounds disagree, or the
        speed swings. It was measured again once. Nothing noisy is called best.""",
    "seconds": """how long at least one step of the stage was at work: overlaps count once; the
        starts of processes and the loading of models (*load*, summed over the processes) are not in
        it.""",
}

# on the page, whose every figure has one, and in report.md beside a table that has the figure
FURTHER = {
    "batch": """images that one query holds; the compiled model takes no other number.""",
    "images": """labelled images; missing ones could not be decoded and count as wrong; right ones have their
        label as the first output.""",
    "published": """what others measured and stated; under the tables stands who. ×4 is of four chips.""",
    "largest difference": """the largest difference of one logit from PyTorch's in float32, over all images
        and classes.""",
    "queries": """batches that were timed, over all devices and rounds.""",
    "images/s of a stage": """images that the stage handled / the seconds in which at least one of its steps
        was at work.""",
    "layer": """milliseconds of one query by the runtime's own profile, mean of several after a warm-up; the
        share is of all layers' time.""",
    "multiply-adds": """of one image, in millions; GFLOP/s counts each as two operations.""",
    "peak": """of the GFLOP/s that a measured matrix product of this machine reached: the best of several
        sizes.""",
    "LoadGen": """MLPerf's own load generator, its words and settings; VALID by its own rules, on settings
        that are shorter than a submission's.""",
    "taken for": """the wrong class that the model names most often for images of this one.""",
    "ratio": """images/s of the one chip / images/s of the other, at the same batch size; best: the most of
        the one over the most of the other, whichever batch sizes these are at.""",
    "expected calibration error": """the mean difference between how sure the model is of its first output and
        how often it is right, over 15 bins of equal width (Guo et al., 2017); 0 is best, 1 worst.""",
    "executed": """what the runtime says, from its own graph, that it computed the layers with weights in; a
        compiled model only says what may be computed so.""",
    "same answers": """share of images whose first output is float32's, be it right or wrong.""",
    "size, MB": """the compiled model's file, in MB of 1,000,000 bytes.""",
    "off by": """the root of the mean squared difference between a layer's output and the other form's,
        percent of the other's own, on the same pictures; behind its activation, and as the number that a step
        of int8 stands for.""",
    "largest difference, largest value": """of one number of a layer's output: the largest difference between
        the two forms, and the largest size that it has in the other form, over all pictures.""",
    "guess": """the five classes with the largest outputs; the share is the probability that a softmax of all
        outputs gives; the label's own is set bold.""",
    "margin of probability": """the probability of the first output less that of the second: how clear an
        answer was.""",
}

# columns that are another figure in another table
OF_TABLE = {
    (SPEED, "95 % interval"): "interval of images/s",
    (STAGES, "images/s"): "images/s of a stage",
    (PRECISION, "largest difference"): "largest difference, largest value",
}
# the definition of each column; a column that begins so, where no name fits whole
OF_COLUMN = {
    "batch": "batch",
    "images": "images",
    "missing": "images",
    "top-1": "top-1, top-5",
    "top-1, %": "top-1, top-5",
    "top-5": "top-1, top-5",
    "top-5, %": "top-1, top-5",
    "95 % interval": "95 % interval",
    "published top-1 / top-5": "published",
    "same top-1, %": "same top-1",
    "clear": "same top-1",
    "of clear, %": "same top-1",
    "margin": "same top-1",
    "largest difference": "largest difference",
    "images/s": "images/s",
    "compute only": "compute only",
    "p50 ms": "latency (p50, p90, p99)",
    "p90 ms": "latency (p50, p90, p99)",
    "p99 ms": "latency (p50, p90, p99)",
    "queries": "queries",
    "CPU ms an image": "CPU ms an image",
    "end to end": "end to end",
    "of published": "of published",
    "seconds": "seconds",
    "load s": "seconds",
    "ms": "layer",
    "share, %": "layer",
    "M multiply-adds": "multiply-adds",
    "GFLOP/s": "multiply-adds",
    "of peak, %": "peak",
    "samples/s": "LoadGen",
    "latency ms": "LoadGen",
    "percentile": "LoadGen",
    "target": "LoadGen",
    "right": "images",
    "loss, points": "loss against fp32",
    "loss, 95 %": "loss against fp32",
    "lost": "loss against fp32",
    "won": "loss against fp32",
    "executed": "executed",
    "same answers, %": "same answers",
    "most images/s": "images/s",
    "MB": "size, MB",
    "off by, %": "off by",
    "largest value": "largest difference, largest value",
    "from": "95 % interval",
    "to": "95 % interval",
    "times": "taken for",
    "taken for": "taken for",
}
BEGINNING = {
    "published": "published",
    "measured": "images/s",
    "top-1 above": "published",
    "ReaL": "ReaL top-1",
}
NAMES = ("executed",)  # columns of words that are a figure, too


def of_column(kind: str, column: str, left: bool = False) -> str:
    """The key of a column's definition, "" for none; of a ratio of chips, whose names no list has, that of
    ratios. `left`: the column holds names.
    """
    if left and column not in NAMES:
        return ""
    if " / " in column and kind == SPEED:
        return "ratio"
    if column.endswith("compute only"):
        return "compute only"
    begun = next((key for begin, key in BEGINNING.items() if column.startswith(begin)), "")
    known = OF_TABLE.get((kind, column)) or OF_COLUMN.get(column) or begun
    if known or not column:
        return known
    return "images/s" if kind in (SPEED, HISTORY) else ""


def used(keys: Iterable[str]) -> dict[str, str]:
    """The texts of DEFINITIONS, and those of FURTHER that are among the keys."""
    asked = set(keys)
    return {**DEFINITIONS, **{key: text for key, text in FURTHER.items() if key in asked}}
