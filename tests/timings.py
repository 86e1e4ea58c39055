"""Rounds of benchmarks as infer writes them: for tests of what they amount to."""

COUNTERS = {"busy_s": 100.0, "steal_s": 1.0, "throttled": 3, "load": 0.5, "energy_j": None}


def queries(begin, seconds, count):
    """`count` queries of so many seconds, one after the other."""
    return [(begin + n * seconds, begin + (n + 1) * seconds) for n in range(count)]


def device(times, device="0", **more):
    """One device's times of a quiet round: its one core was its own."""
    spent = times[-1][1] - times[0][0]
    row = {
        "device": device,
        "warmup": 3,
        "queries": times,
        "compute_ms": [],
        "load_s": 0.5,
        "first_query_ms": 4.0,
        "cpu_s": spent,
        "cores": 1,
        "watched": 2,
        "pieces": 8,
        "peak_memory_mb": 100.0,
        "before": COUNTERS,
        "after": {**COUNTERS, "busy_s": COUNTERS["busy_s"] + spent},
    }
    return {**row, **more}


def measured(*devices, **more):
    """One round of these devices."""
    row = {
        "devices": list(devices),
        "model_mb": 16.5,
        "governor": "",
        "foreign": [],
        "power_w": None,
        "events": [],
    }
    return {**row, **more}
