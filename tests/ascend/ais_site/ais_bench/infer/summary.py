"""The summary file and the lines that users copy their figures from."""

import json
import os
import sys

import numpy as np


def statistics(times: list[float]) -> dict[str, float]:
    """min, max, mean, median, percentile(99%), count."""
    values = np.array(times or [0.0])
    return {
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "percentile(99%)": float(np.percentile(values, 99)),
        "count": len(times),
    }


def milliseconds(entries: list) -> list[float]:
    """Either flavour's exec_time_list as durations."""
    return [entry[1] - entry[0] if isinstance(entry, tuple) else entry for entry in entries]


def write(
    folder: str | None,
    gen: str,
    infiles: dict,
    times: list[float],
    h2d: list[float],
    d2h: list[float],
    batch: int,
) -> float:
    """Write the summary beside the folder (2022: inside it), print it; return images a second."""
    found = {
        "filesinfo": infiles,
        "args": sys.argv,
        "NPU_compute_time": statistics(times),
        "H2D_latency": statistics(h2d),
        "D2H_latency": statistics(d2h),
        "npu_compute_time_list": times,
        "pid": os.getpid(),
    }
    mean = found["NPU_compute_time"]["mean"]
    found["throughput"] = 1000 * batch / mean if mean else 0.0
    if folder:
        path = os.path.join(folder, "sumary.json") if gen.startswith("2022") else f"{folder}_summary.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(found, file)
    print("[INFO] -----------------Performance Summary------------------")
    for key in ("H2D_latency", "NPU_compute_time", "D2H_latency"):
        told = ", ".join(f"{name} = {value}" for name, value in found[key].items() if name != "count")
        print(f"[INFO] {key} (ms): {told}")
    print(
        f"[INFO] throughput 1000*batchsize.mean({batch})/NPU_compute_time.mean({mean}): {found['throughput']}"
    )
    print("[INFO] ------------------------------------------------------")
    return found["throughput"]
