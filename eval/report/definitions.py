"""What each figure of the report is: one text each, for report.md and for the page, and which column it
belongs to.
"""

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
    "end to end": """images/s of the stage `infer` on these devices, from shards to logits on the disk.""",
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

# of the page alone, whose every figure has one
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
    "size": """the compiled model's file, in MB of 1,000,000 bytes.""",
    "off by": """the root of the mean squared difference between a layer's output and the other form's,
        percent of the other's own, on the same pictures; behind its activation, and as the number that a step
        of int8 stands for.""",
    "guess": """the five classes with the largest outputs; the share is the probability that a softmax of all
        outputs gives; the label's own is set bold.""",
    "margin of probability": """the probability of the first output less that of the second: how clear an
        answer was.""",
}
