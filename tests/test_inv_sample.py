"""`inv all` with nothing given: the sample, from its checkpoint to its report, with all six batch sizes."""

import csv
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from inv import built_sample, inv, rows, stacked, summary

BATCHES = [1, 4, 8, 16, 32, 64]
COLUMNS = {"kind", "model", "checkpoint", "dataset", "chip", "precision", "input", "batch", "sample_data"}
COLUMNS_OF = {
    "accuracy": {"images", "missing", "top1_pct", "top5_pct", "top1_ci95_pct"},
    "throughput": {
        "devices",
        "images_per_s",
        "latency_ms_p50",
        "latency_ms_p90",
        "latency_ms_p99",
        "warmup",
        "rounds",
        "measures",
    },
    "agreement": {"images", "same_top1_pct", "max_abs_diff"},
    "model": {"size_mb", "parameters", "macs"},
    "pipeline": {"stage", "images", "seconds", "load_s", "images_per_s"},
}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    return built_sample(tmp_path_factory)


@pytest.fixture(scope="module")
def out(build):
    return build[0]


@pytest.fixture(scope="module")
def index(out):
    (path,) = out.glob("data/*/index.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_ends_with_a_table_of_all_batch_sizes_and_the_reports_path(build):
    out, answer = build
    lines = answer.out.splitlines()
    first = [line.split()[0] for line in lines if line.split()]
    assert [word for word in first if word.isdigit() and int(word) in BATCHES][-6:] == [
        str(batch) for batch in BATCHES
    ]
    assert any("top-1" in line and "top-5" in line for line in lines)
    assert lines[-1] == f"report: {out}/report/report.md"


def test_it_says_that_it_is_the_sample_in_the_table_the_report_and_every_record(build):
    out, answer = build
    assert "SAMPLE" in answer.out
    assert "published figures are for 1.0/224" in answer.out or "published for 1.0/224" in answer.out
    report = (out / "report" / "report.md").read_text()
    assert "sample" in report.lower() and "1.0/224" in report
    assert all(row["sample_data"] is True for row in summary(out)["rows"])


def test_top1_is_at_least_90(out):
    (row,) = rows(out, "accuracy")
    assert row["images"] == 320 and row["missing"] == 0
    assert row["top1_pct"] >= 90
    assert row["top1_ci95_pct"][0] <= row["top1_pct"] <= row["top1_ci95_pct"][1]


def test_summary_has_one_row_for_each_thing_measured_with_its_columns(out):
    found = summary(out)
    assert found["schema"] == 1
    for row in found["rows"]:
        assert row.keys() >= COLUMNS | COLUMNS_OF[row["kind"]], row
        assert row["input"] == "uint8"
        if row.get("stage") == "preprocess":  # shards are the same for all networks and chips
            assert [row[column] for column in ("model", "checkpoint", "chip", "precision", "batch")] == [
                None
            ] * 5
            continue
        assert row["model"] == "sample" and row["chip"] == "cpu" and row["precision"] == "fp32"
        assert row["checkpoint"].startswith("sample-") and len(row["checkpoint"].rpartition("-")[2]) == 8
    assert sorted(row["batch"] for row in rows(out, "throughput")) == BATCHES
    assert sorted(row["batch"] for row in rows(out, "agreement")) == BATCHES
    assert sorted(row["stage"] for row in rows(out, "pipeline")) == ["infer", "preprocess"]
    assert [row["batch"] for row in (*rows(out, "accuracy"), *rows(out, "model"))] == [16, 16]


def test_throughput_rows_are_measurements(out):
    for row in rows(out, "throughput"):
        assert row["images_per_s"] > 0 and row["rounds"] > 0 and row["warmup"] > 0
        assert row["devices"] and all(isinstance(device, str) for device in row["devices"])
        assert 0 < row["latency_ms_p50"] <= row["latency_ms_p90"]
        assert (row["latency_ms_p99"] is None) == (row["queries"] < 1000)
        assert row["latency_ms_p99"] is None or row["latency_ms_p90"] <= row["latency_ms_p99"]


def test_every_batch_size_agrees_with_pytorch(out):
    for row in rows(out, "agreement"):
        assert row["images"] == 256 and row["same_top1_pct"] >= 99 and row["max_abs_diff"] < 1e-3


def test_result_json_has_the_references_form(out):
    result = json.loads((out / "report" / "result.json").read_text())
    (row,) = rows(out, "accuracy")
    assert result["title"] == "Overall statistical evaluation"
    assert [entry["key"] for entry in result["value"]] == [
        "Number of images",
        "Number of classes",
        *(f"Top{k} accuracy" for k in range(1, 6)),
    ]
    values = {entry["key"]: entry["value"] for entry in result["value"]}
    assert values["Number of images"] == "320" and values["Number of classes"] == "16"
    for k in (1, 5):
        assert values[f"Top{k} accuracy"] == str(round(np.float64(row[f"top{k}_hits"]) / 320 * 100, 2)) + "%"


def test_index_names_every_row_in_order(out, index):
    (path,) = out.glob("data/*/index.csv")
    assert path.read_text().splitlines()[0] == "row,name,label,shard"
    assert [int(line["row"]) for line in index] == list(range(320))
    names = [line["name"] for line in index]
    assert names == sorted(names) and len(set(names)) == 320
    labelled = dict(
        line.split() for line in (out / "data" / "sample-pictures" / "val_label.txt").read_text().splitlines()
    )
    assert {line["name"]: line["label"] for line in index} == labelled


def test_shards_hold_every_image_once(out, index):
    paths = sorted(out.glob("data/*/shard-*.npy"))
    assert [path.name for path in paths] == [f"shard-{n:05d}.npy" for n in range(10)]
    for number, path in enumerate(paths):
        shard = np.load(path)
        assert shard.dtype == np.uint8 and shard.shape == (
            sum(int(line["shard"]) == number for line in index),
            128,
            128,
            3,
        )
        assert shard.flags.c_contiguous


def test_logits_are_float32_one_row_an_image(out):
    shards = sorted(out.glob("data/*/shard-*.npy"))
    logits = sorted(out.glob("sample-*/cpu/fp32-uint8/**/bs16/logits-*.npy"))
    assert [path.name.partition("-")[2] for path in logits] == [
        path.name.partition("-")[2] for path in shards
    ]
    for a, b in zip(logits, shards, strict=True):
        found = np.load(a)
        assert (
            found.dtype == np.float32
            and found.shape == (len(np.load(b, mmap_mode="r")), 16)
            and np.isfinite(found).all()
        )


def test_logits_and_labels_give_the_accuracy_in_the_report(out, index):
    logits = stacked(out, "sample-*/cpu/fp32-uint8/**/bs16/logits-*.npy")
    labels = np.array([int(line["label"]) for line in index])
    (row,) = rows(out, "accuracy")
    assert row["top1_pct"] == pytest.approx(100 * np.mean(logits.argmax(1) == labels))


def test_a_compiled_model_for_each_batch_size_lies_where_the_path_tells(out):
    (folder,) = out.glob("sample-*")
    assert (folder / "model.onnx").is_file()
    assert sorted(path.name for path in (folder / "cpu" / "fp32-uint8").glob("*.onnx")) == sorted(
        f"bs{b}.onnx" for b in BATCHES
    )


def test_logits_and_shards_are_names_of_the_evaluated_set_alone(out):
    assert len({path.parent for path in out.rglob("logits-*.npy")}) == 1
    assert len({path.parent for path in out.rglob("shard-*.npy")}) == 1
    assert len(list(out.rglob("index.csv"))) == 1


def test_every_output_has_its_stamp_and_nothing_half_made_is_left(out):
    assert not list(out.rglob(".part-*"))
    for path in (
        *out.rglob("*.npy"),
        *out.rglob("*.onnx"),
        *out.rglob("accuracy.json"),
        *out.rglob("throughput.json"),
    ):
        assert path.with_name(path.name + ".stamp").is_file(), path


@pytest.fixture(scope="module")
def predicted(out, index):
    """Top-1 in percent of the exported network on pixels given as float32 (n, 128, 128, 3), already
    normalised.
    """
    (model,) = out.glob("sample-*/model.onnx")
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    labels = np.array([int(line["label"]) for line in index])

    def top1(pixels, shift=0):
        planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)
        logits = np.concatenate(
            [session.run(None, {"image": planes[n : n + 32]})[0] for n in range(0, len(planes), 32)]
        )
        return 100 * np.mean(logits.argmax(1) == (labels + shift) % 16)

    return top1


@pytest.mark.parametrize("mistake", ["swapped channels", "lost normalisation", "shifted labels"])
def test_a_mistake_costs_at_least_20_points(out, predicted, mistake):
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    pixels = stacked(out, "data/*/shard-*.npy").astype(np.float32) / 255
    right = predicted((pixels - mean) / std)
    assert right >= 90
    wrong = {
        "swapped channels": lambda: predicted((pixels[..., ::-1] - mean) / std),
        "lost normalisation": lambda: predicted(pixels),
        "shifted labels": lambda: predicted((pixels - mean) / std, shift=1),
    }[mistake]()
    assert wrong <= right - 20


def test_a_second_run_runs_nothing_loads_nothing_and_starts_nothing(build):
    out, _ = build
    again = inv("all", "--chip=cpu", out=out, watch=True)
    assert again.ran == []
    assert any(line.startswith("nothing to do") for line in again.out.splitlines())
    assert again.out.splitlines()[-1] == f"report: {out}/report/report.md"
    loaded = {name.partition(".")[0] for name in again.watched["modules"]}
    assert not loaded & {"torch", "onnx", "onnxruntime", "onnxsim", "PIL", "simplejpeg"}
    assert again.watched["begun"] == []


def test_the_chip_left_to_be_found_is_the_cpu_where_there_is_no_board(build):
    out, _ = build
    if any((Path(path) / "npu-smi").exists() for path in ("/usr/local/sbin", "/usr/local/bin", "/usr/bin")):
        pytest.skip("npu-smi is installed: a board may be there")
    assert inv("all", out=out).ran == []
