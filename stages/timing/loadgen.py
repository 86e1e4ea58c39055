"""bench --scenario: MLPerf's LoadGen on one compiled model, for speed and, with a data set, for accuracy."""

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from pipeline.errors import BuildError
from pipeline.fingerprint import of_package
from pipeline.step import Step
from pipeline.text import did_you_mean, time_text
from stages import preprocess
from stages.request.build import Build
from stages.timing import cells

SETTINGS = ("target_qps", "target_latency_ms", "percentile", "min_queries", "min_seconds")
PERCENTILES = ("50", "90", "95", "97", "99", "99.9")  # those that LoadGen's summary has
INSTALL = ".venv/bin/python -m pip install 'mlcommons-loadgen>=6.0,<7'"


@dataclass(frozen=True)
class Scenario:
    """What a scenario is asked with by default: the shortest that LoadGen calls VALID (its early stopping
    needs so many queries to be sure of the percentile).
    """

    percentile: float
    queries: int
    batch: int | None  # the batch size that suits it; None: the one that accuracy is measured at


SCENARIOS = {
    "offline": Scenario(99, 1, None),
    "singlestream": Scenario(90, 64, 1),
    "multistream": Scenario(99, 662, 8),
    "server": Scenario(99, 459, None),
}
SECONDS = 1.0


def steps(build: Build, scenario: str, asked: Mapping[str, str]) -> Iterator[Step]:
    """Run one scenario; `asked` holds its settings as typed."""
    settings = _settings(scenario, asked)
    if importlib.util.find_spec("mlperf_loadgen") is None:
        raise BuildError(f"--scenario={scenario}: needs the package mlcommons-loadgen; type: {INSTALL}")
    request, target = build.request, build.target
    batch = _batch(build, scenario)
    data = build.dataset if request.sample or request.given.dataset else None
    inputs: dict[str, str | tuple[str, ...]] = {"model": target.compiled(batch)}
    if data:
        yield from preprocess.steps(build)
        inputs |= {"shards": tuple(data.shards), "index": data.index_csv}
    # whatever changes the result is in its path: the data set, and the settings that were typed
    of_data = data.name if data else "random"
    name = "-".join([scenario, *filter(None, [str(settings["settings"]).replace(",", "-")])])
    where = os.path.join(cells.cell_dir(build, batch), "loadgen", of_data, name)
    throughput = os.path.join(cells.cell_dir(build, batch), "throughput.json")
    known = (throughput,) if os.path.exists(throughput) else ()
    logs = [
        "mlperf_log_summary.txt",
        "mlperf_log_detail.txt",
        *(["mlperf_log_accuracy.json"] if data else []),
    ]
    print(f"inv: {_forecast(settings, known)}", file=sys.stderr)
    yield Step(
        f"bench/{target.variant}/{target.devices_name}/bs{batch}/loadgen/{of_data}/{name}",
        "infer.mlperf.scenario:write",
        inputs=inputs,
        # where LoadGen begins, not what it finds: a cell that is timed anew does not take its row away
        unhashed_inputs={"timed": known},
        outputs=(f"{where}/loadgen.json", *(f"{where}/{log}" for log in logs)),
        params={
            **cells.timing(build, batch),
            "row": {
                **build.row(batch, data=data is not None),
                "hint": request.given.hint,
            },
            "background": request.model.background,
            "asked": settings,
        },
        tools={**cells.tools(build), "mlcommons-loadgen": of_package("mlcommons-loadgen")},
        exclusive=True,
        turn=1,
        code=(f"backends.{request.chip.backend}",),
    )


def _batch(build: Build, scenario: str) -> int:
    """The one batch size asked for; of several the one that suits the scenario."""
    suits = SCENARIOS[scenario].batch
    batches = build.request.batches
    return suits if len(batches) > 1 and suits in batches else build.request.eval_batch


def _settings(scenario: str, asked: Mapping[str, str]) -> dict[str, object]:
    """LoadGen's settings, what was not given by the scenario's defaults. BuildError for anything odd."""
    if scenario not in SCENARIOS:
        near = did_you_mean(scenario, SCENARIOS)
        raise BuildError(f"--scenario={scenario}: expected one of: {', '.join(SCENARIOS)}.{near}")
    default = SCENARIOS[scenario]
    percentile = asked.get("percentile")
    if percentile is not None and percentile not in PERCENTILES:
        raise BuildError(f"--percentile={percentile}: expected one of: {', '.join(PERCENTILES)}")
    queries = _above_0("--min-queries", asked.get("min_queries"))
    if queries is not None and queries != round(queries):
        raise BuildError(f"--min-queries={asked['min_queries']}: expected a whole number")
    if "target_latency_ms" in asked and scenario != "server":
        raise BuildError(f"--target-latency-ms: --scenario={scenario} has no such target; server has")
    if "target_qps" in asked and scenario not in ("server", "offline"):
        raise BuildError(f"--target-qps: --scenario={scenario} has no such target; server and offline have")
    typed = [f"{key.replace('_', '-')}={asked[key]}" for key in SETTINGS if key in asked]
    return {
        "scenario": scenario,
        "settings": ",".join(typed),
        "target_qps": _above_0("--target-qps", asked.get("target_qps")),
        "target_latency_ms": _above_0("--target-latency-ms", asked.get("target_latency_ms")),
        "percentile": float(percentile) if percentile else default.percentile,
        "min_queries": round(queries) if queries else default.queries,
        "min_seconds": _above_0("--min-seconds", asked.get("min_seconds")) or SECONDS,
    }


def _above_0(flag: str, typed: str | None) -> float | None:
    if typed is None:
        return None
    try:
        value = float(typed)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise BuildError(f"{flag}={typed}: expected a number above 0")
    return value


def _forecast(settings: Mapping[str, object], known: tuple[str, ...]) -> str:
    """How long the run for speed will take, before it starts."""
    seconds, queries = cast(float, settings["min_seconds"]), cast(int, settings["min_queries"])
    words = (
        f"LoadGen {settings['scenario']}, for speed: at least {time_text(seconds)} and {queries:,} queries"
    )
    for path in known:
        with open(path, encoding="utf-8") as file:
            about = max(seconds, _expected_s(settings, json.load(file)))
        return f"{words}, about {time_text(about, whole=True)}"
    return f"{words}; a query's time is not known yet"


def _expected_s(settings: Mapping[str, object], cell: Mapping[str, float]) -> float:
    """Seconds that the queries take, by what the cell's record says of one of them."""
    queries, asked = cast(float, settings["min_queries"]), cast(float | None, settings["target_qps"])
    latency_s, rate = cell["latency_ms_p90"] / 1000, cell["images_per_s"]
    if settings["scenario"] == "offline":  # as many images at once as should take the time, and a tenth more
        return 1.1 * cast(float, settings["min_seconds"]) * (asked or rate) / rate
    if settings["scenario"] == "server":  # one image a query: by its rate, or as fast as the devices can
        alone = 1 / latency_s
        return queries / min(asked or alone / 2, alone)
    return queries * latency_s
