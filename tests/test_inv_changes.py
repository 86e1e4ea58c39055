"""One change at a time in a copy of the project: exactly the expected steps would run, and the reason names
that change alone.
"""

import re
import shutil
from pathlib import Path

import inv
import pytest
from seeds import prepared

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "out", "wheels", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "build"
)
FORM = "cpu/fp32-uint8"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """(a copy of the project, its OUT): built once, with batch size 1 and a contact sheet."""
    folder = tmp_path_factory.mktemp("changes")
    root, out = folder / "project", folder / "out"
    shutil.copytree(inv.ROOT, root, ignore=LEFT_OUT)
    prepared(tmp_path_factory, out)
    inv.inv("all", "--bs=1", out=out, root=root)
    inv.inv("data", "--show", out=out, root=root)
    return root, out


def stale(project, *words, **env):
    """{name: reasons} of the steps that would run for reasons of their own; the eager ones, which follow
    others, left out.
    """
    root, out = project
    told = inv.inv("--dry", *(words or ("all", "--bs=1")), out=out, root=root, **env).out
    found = re.findall(r"^run +(\S+) +(.*)$", told, re.MULTILINE)
    return {name: why for name, why in found if not re.fullmatch(r"\S+ runs", why)}


def edited(path: Path, old: str, new: str):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return lambda: path.write_text(text, encoding="utf-8")


def steps(found):
    """The names without the data set's part and the shard's number."""
    return {re.sub(r"/sample-[^/]+", "", re.sub(r"/\d{5}$", "", name)) for name in found}


ORT = {
    f"compile/{FORM}/bs1",
    f"infer/{FORM}/bs1",
    f"executed/{FORM}/bs1",
    f"agree/{FORM}/bs1/logits",
    *(f"bench/{FORM}/devices-{{devices}}/bs1/quick/{step}" for step in ("round-1", "again")),
}
CHANGES = {
    "a comment": ("backends/ort/session.py", "import os\n", "import os  # of the machine\n", set(), ""),
    "a docstring": ("convert/export.py", '"""Checkpoint to ONNX', '"""From checkpoint to ONNX', set(), ""),
    "a blank line": ("infer/logits.py", "import numpy as np\n", "import numpy as np\n\n", set(), ""),
    "a line of a backend": (
        "backends/ort/session.py",
        "log_severity_level = 3",
        "log_severity_level = 4",
        ORT | {"export/sample/counts"},  # which counts multiply-adds as the backend's profile does
        "code backends/ort/session.py changed",
    ),
    "the report's page": (
        "eval/report/markdown.py",
        "# MobileNetV1 build report",
        "# Build report",
        {"report"},
        "code eval/report/markdown.py changed",
    ),
    "a published figure": (
        "configs/chips/T4.toml",
        "6657.6",
        "6657.7",
        {"report"},
        "param published.T4.images_per_s.64: 6657.6 -> 6657.7",
    ),
    "a value of the model file": (
        "configs/models/sample.toml",
        "mean = [0.485",
        "mean = [0.486",
        {f"compile/{FORM}/bs1", "agree/reference"},
        "mean: [0.485, 0.456, 0.406] -> [0.486, 0.456, 0.406]",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_runs_what_depends_on_it_and_is_named(project, name):
    file, old, new, expected, reason = CHANGES[name]
    assert stale(project) == {}
    undo = edited(project[0] / file, old, new)
    try:
        found = stale(project)
    finally:
        undo()
    devices = "-".join(str(n) for n in range(len(inv.cores())))
    if (
        name == "a value of the model file"
    ):  # the preset's name follows the values, and with it the data's place
        found = {
            step: why for step, why in found.items() if steps({step}) <= expected and "never made" not in why
        } or found
        assert any(reason in why for why in found.values())
        return
    assert steps(found) == {step.format(devices=devices) for step in expected}
    assert all(why == reason for why in found.values())


def test_a_project_table_is_an_input(project):
    assert stale(project, "data", "--show") == {}
    undo = edited(project[0] / "preprocess/dataset/imagenet_classes.csv", "goldfish", "gold fish")
    try:
        found = stale(project, "data", "--show")
    finally:
        undo()
    assert found == {"show/sheet": "input repository:preprocess/dataset/imagenet_classes.csv changed"}


def test_another_version_of_a_tool_runs_its_steps(project, tmp_path):
    info = tmp_path / "onnxruntime-9.9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime\nVersion: 9.9.9\n")
    found = stale(project, PYTHONPATH=str(tmp_path))
    devices = "-".join(str(n) for n in range(len(inv.cores())))
    wanted = (ORT - {f"compile/{FORM}/bs1"}) | {"export/sample/simplified", "export/sample/parity"}
    assert steps(found) == {step.format(devices=devices) for step in wanted}
    assert all(re.fullmatch(r'tool onnxruntime: "[^"]+" -> "9.9.9"', why) for why in found.values())


def test_a_touched_file_runs_nothing_and_an_edited_output_its_maker(project):
    picture = sorted(project[1].rglob("sample_00001.JPEG"))[0]
    picture.touch()
    assert stale(project) == {}
    data = picture.read_bytes()
    picture.write_bytes(data + b"\0")
    found = stale(project)
    picture.write_bytes(data)
    assert list(steps(found)) == ["pictures/test"] and "sample_00001.JPEG changed" in next(
        iter(found.values())
    )
