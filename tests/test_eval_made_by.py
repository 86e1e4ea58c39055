"""Where and by what a report's records were made: whatever ran is listed, by the stamps under OUT."""

import json
from pathlib import Path

import pytest
from eval_rows import REAL, judged

from eval import records
from eval.report import write

MADE = {"host": "h", "cpu": "a processor", "python": "3.11", "git": {"commit": "0123456789abcdef"}}
ANY = [0, 0, 1, "0" * 64]


def stamped(out, name, outputs, inputs=(), **tools):
    """A stamp beside the first of these outputs, as the driver writes it; the files may be gone."""
    path = out / f"{outputs[0]}.stamp"
    path.parent.mkdir(parents=True, exist_ok=True)
    keyed = [{key if ":" in key else f"out:{key}": ANY for key in keys} for keys in (inputs, outputs)]
    content = {"name": name, "inputs": keyed[0], "outputs": keyed[1], "tools": tools, "made": MADE}
    path.write_text(json.dumps(content))


@pytest.fixture
def out(tmp_path):
    """An OUT with one accuracy, whose logits some runtime gave."""
    stamped(tmp_path, "eval/x", ["m/a/accuracy.json"], ["m/logits-00000.npy", "m/executed.json"], numpy="2.4")
    records.write(str(tmp_path / "m" / "a" / "accuracy.json"), judged(REAL))
    return tmp_path


def tools(out):
    """The line of tools, the same in report.md and on the page."""
    (out / "report").mkdir()
    outputs = [str(out / "report" / name) for name in ("report.md", "index.html")]
    paths = [str(out / "m" / "a" / "accuracy.json")]
    write.write(outputs, records=paths, published={}, published_accuracy={})
    report, page = (Path(path).read_text(encoding="utf-8") for path in outputs)
    (line,) = [line for line in report.splitlines() if line.startswith("- tools: ")]
    assert line.removeprefix("- ") in page
    return line.removeprefix("- tools: ").split(", ")


@pytest.mark.parametrize("runtime", ["openvino", "aclruntime", "pyacl", "onnxruntime", "one of tomorrow"])
def test_the_runtime_that_gave_the_logits_is_listed_whatever_it_is_called(out, runtime):
    stamped(out, "infer/x", ["m/logits-00000.npy"], ["m/bs16.x", "data/shard.npy"], **{runtime: "1.2.3"})
    assert tools(out) == sorted(["numpy 2.4", f"{runtime} 1.2.3"])


def test_what_was_made_further_up_is_followed_and_what_is_no_tool_is_left_out(out):
    # executed.json is its step's second output: the stamp lies beside the first
    stamped(out, "executed/x", ["m/about.json", "m/executed.json"], ["m/bs16.x"], openvino="1", acl=None)
    stamped(
        out, "compile/x", ["m/bs16.x"], ["file:weights.tar", "m/a/accuracy.json"], onnx="3", cpu=MADE["cpu"]
    )
    assert tools(out) == ["numpy 2.4", "onnx 3", "openvino 1"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"outputs": 3}', '{"outputs": {"out:x": 1}}'])
def test_a_stamp_further_up_that_is_damaged_costs_its_own_tools_alone(out, content):
    stamped(out, "executed/x", ["m/executed.json"], openvino="1")
    (out / "m" / "logits-00000.npy.stamp").write_text(content)
    assert tools(out) == ["numpy 2.4", "openvino 1"]
