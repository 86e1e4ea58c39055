"""Rows of records as builds write them, and what is published beside them: for the tests of eval."""

import numpy as np

from eval import accuracy
from eval.accuracy import Judged
from eval.judging.calibration import Calibration

COMMON = {"precision": "fp16", "input": "uint8"}
SAMPLE = {
    **COMMON,
    "model": "sample",
    "checkpoint": "sample-1a2b3c4d",
    "dataset": "sample-99aa88bb",
    "chip": "cpu",
    "sample_data": True,
}
REAL = {
    **COMMON,
    "model": "mobilenet_v1",
    "checkpoint": "sgd-5e6f7a8b",
    "dataset": "val-12345678",
    "chip": "310P3",
    "sample_data": False,
}
PIXELS = {"pixels": "exact", "preset": "seed", "on_bad": "fail"}
OF_DATA_ALONE = dict.fromkeys(("model", "checkpoint", "chip", "precision", "batch"))
PUBLISHED = {
    "310": {"images_per_s": {"1": 4550.44, "64": 5899.52}, "scale": 4, "source": "README of the seed"},
    "310P3": {
        "images_per_s": {"1": 4241.54, "64": 14515.69},
        "scale": 1,
        "source": "README of the seed",
        "note": "Disputed at 64",
    },
}
STATED = {"mobilenet_v1": {"top1_pct": 69.52, "top5_pct": 89.05, "source": "README"}}
SPEEDS = ((1, 4241.54), (64, 3000.0))


def of_ranks(ranks):
    """What a model said of labels that have these ranks; of its probabilities nothing is known."""
    none = np.empty(0, np.int64)
    return Judged(np.array(ranks), np.array(ranks), none, none, Calibration())


def judged(common, ranks=(*[0] * 70, *[1] * 19, *[7] * 11), **more):
    """An accuracy row of labels with these ranks."""
    figures = accuracy.figures(of_ranks(ranks), 1000)
    return {**common, "batch": 16, "kind": "accuracy", **figures, **more}


def timed(common, batch, images_per_s, **more):
    """A throughput row."""
    row = {
        "kind": "throughput",
        "dataset": None,
        "batch": batch,
        "devices": ["0"],
        "hint": "throughput",
        "images_per_s": images_per_s,
        "images_per_s_ci95": [images_per_s * 0.99, images_per_s * 1.01],
        "compute_images_per_s": None,
        "end_to_end_images_per_s": None,
        "latency_ms_p50": 1.0,
        "latency_ms_p90": 2.0,
        "latency_ms_p99": 10.0,
        "warmup": 3,
        "rounds": 6,
        "queries": 1000,
        "window_s": 1.25,
        "load_s": 0.5,
        "first_query_ms": 3.5,
        "peak_memory_mb": 250.0,
        "model_mb": 16.5,
        "cpu_s_per_image": 0.001,
        "core_share": 0.99,
        "energy_j_per_image": None,
        "pieces": batch,
        "quick": False,
        "quiet": True,
        "noise": [],
        "measures": "copies included",
    }
    return {**common, **row, **more}


def compared(common, batch, **more):
    """An agreement row."""
    row = {
        "kind": "agreement",
        "batch": batch,
        "images": 100,
        "missing": 0,
        "same_top1_pct": 99.0,
        "clear_images": 98,
        "same_top1_clear_pct": 100.0,
        "margin": 0.1,
        "max_abs_diff": 0.0123,
        "worst_row": 7,
    }
    return {**common, **row, **more}


def worked(common, stage="infer", **more):
    """A pipeline row."""
    row = {
        "kind": "pipeline",
        "batch": 16,
        "stage": stage,
        "images": 100,
        "missing": 0,
        "seconds": 2.0,
        "load_s": 0.5,
        "retried": 0,
        "images_per_s": 50.0,
    }
    return {**common, **row, **more}


def profiled(common, **more):
    """A layer row."""
    row = {
        "kind": "layer",
        "dataset": None,
        "batch": 16,
        "devices": ["0"],
        "hint": "throughput",
        "layer": "05 conv",
        "op": "Conv",
        "ms": 8.32,
        "share_pct": 40.0,
        "macs": 10_838_016,
        "gflops": 41.7,
        "peak_share_pct": 57.7,
    }
    return {**common, **row, **more}


def sized(common, **more):
    """A model row."""
    row = {
        "kind": "model",
        "dataset": None,
        "batch": 16,
        "size_mb": 16.9,
        "calibration": None,
        "parameters": 4_231_976,
        "macs": 568_740_352,
    }
    return {**common, **row, **more}


def parted(common, **more):
    """A row of a layer beside another form's."""
    row = {
        "kind": "apart",
        "dataset": None,
        "batch": 16,
        "against": "310 fp32 float32",
        "images": 32,
        "layer": "05 conv",
        "op": "Conv",
        "difference_pct": 2.5,
        "max_abs_diff": 0.125,
        "largest": 6.5,
    }
    return {**common, **row, **more}


def tested(common, **more):
    """A row of LoadGen."""
    row = {
        "kind": "loadgen",
        "batch": 1,
        "devices": ["0"],
        "hint": "throughput",
        "settings": "",
        "scenario": "singlestream",
        "valid": True,
        "reason": None,
        "percentile": 90.0,
        "latency_ms": 0.83,
        "samples_per_s": 1210.4,
        "queries": 1213,
        "target_qps": None,
        "top1_pct": 70.0,
    }
    return {**common, **row, **more}


def rows(common, speeds=SPEEDS):
    """The rows of one build: accuracy, throughput and agreement of each batch size, one stage."""
    each = [(timed(common, batch, speed), compared(common, batch)) for batch, speed in speeds]
    return [judged(common), *(row for pair in each for row in pair), worked(common)]


def many():
    """Rows of several builds with all that tables make a difference of: skipped images, a retried step, two
    devices, a clock of the device alone, no clear image, results of another tool, a data set alone.
    """
    several, skip = {**REAL, **PIXELS}, {**SAMPLE, **PIXELS, "on_bad": "skip"}
    other = {**dict.fromkeys(("model", *OF_DATA_ALONE, "dataset", "input")), "sample_data": False}
    return [
        *rows(several, ((1, 4241.54), (8, 10373.66), (16, 12420.51), (64, 6721.18))),
        timed(several, 8, 20000.5, devices=["0", "1"], compute_images_per_s=23456.7),
        timed(several, 16, 19999.5, devices=["0", "1"], latency_ms_p99=123.456, queries=50_000),
        *rows({**several, "chip": "310", "precision": "fp32", "input": "float32"}, ((8, 7.0),)),
        judged(skip, [0] * 3 + [7] * 1200, missing=1199),
        timed(skip, 1, 899.96),
        timed(skip, 8, 899.96),
        compared(skip, 1, same_top1_pct=12.345, same_top1_clear_pct=None, clear_images=0, missing=12_345),
        worked(skip, retried=2, images=50_000, missing=1199, seconds=1234.5678, images_per_s=12345.6),
        worked({**skip, **OF_DATA_ALONE}, "preprocess", missing=1199, batch=None),
        worked({**several, **OF_DATA_ALONE}, "preprocess", retried=1, batch=None),
        profiled(several),
        profiled(several, layer="06 pool", op="AveragePool", ms=1.0, macs=0, gflops=0.0, peak_share_pct=0.0),
        sized(several),
        parted(several),
        tested(several),
        tested(several, scenario="server", valid=False, reason="too slow", target_qps=50.0, top1_pct=None),
        judged(other, [0, 7], batch=None, results="dumpout", format="txt", background=True),
    ]
