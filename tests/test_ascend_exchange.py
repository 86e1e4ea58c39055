"""To ais_bench and back: `inv data --bins`, the tool on our compiled models, `inv eval --results`: our own
accuracy comes out.
"""

import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from inv import rows
from onnx import numpy_helper

from pipeline.errors import BuildError
from stages import data

sys.path.append(str(Path(__file__).parent / "ascend"))
import server as servers
from server import LIMITED

# what it starts from takes two minutes to build
pytestmark = pytest.mark.slow

BACKGROUND = """
name = "with_background"
width = 0.25
resolution = 128
classes = 1000
background = true
activation = "relu"
padding = "symmetric"
preprocess = { resize = 146, crop = 128, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A machine of its own with a copy of what was built, and both kinds of .bin files beside it."""
    made = servers.copied(servers.built(tmp_path_factory)[0], tmp_path_factory.mktemp("exchange") / "server")
    for form, limit in (("uint8", ()), ("float32", (f"--limit={LIMITED}",))):
        with servers.umask(0o002):  # AIT's ais_bench refuses what a group may write
            made.inv("data", f"--bins={made.folder / form}", "--chip=310P3", f"--input={form}", *limit)
    return made


def ais_bench(server, model, form, name, outfmt, *more, **scenario):
    """Run the tool over the .bin files; the folder of its results."""
    server.install(profile="cann8", inventory="300I_Duo", ais_hardened=True, **scenario)
    results = server.folder / "results"
    results.mkdir(exist_ok=True)
    argv = [
        sys.executable,
        "-m",
        "ais_bench",
        "--model",
        model,
        "--input",
        server.folder / form,
        "--output",
        results,
        "--output_dirname",
        name,
        "--outfmt",
        outfmt,
        *more,
    ]
    done = subprocess.run(
        list(map(str, argv)),
        env=servers.command_line.environment(**server.env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return results / name


def om(server, form, batch=16):
    (path,) = server.out.glob(f"sample-*/310P3/fp16-{form}/bs{batch}.om")
    return path


def labels(server, form):
    """The label file of just these images: the index that lies beside their shards."""
    (path,) = server.out.glob(f"data/*-{form}-*/index.csv")
    return f"--labels={path}"


def scored(server, folder, form, model="sample", name=None):
    """The row that `inv eval --results` adds."""
    server.inv("eval", f"--results={folder}", labels(server, form), f"--model={model}")
    (row,) = [row for row in rows(server.out, "accuracy") if row.get("results") == (name or folder.name)]
    return row


def our_own(server, form):
    (row,) = [row for row in rows(server.out, "accuracy") if (row["chip"], row["input"]) == ("310P3", form)]
    return row


FIGURES = ("images", "missing", "top1_pct", "top2_pct", "top3_pct", "top4_pct", "top5_pct")


@pytest.mark.parametrize(
    ("form", "outfmt", "generation"),
    [
        ("uint8", "TXT", "2023"),
        ("uint8", "BIN", "2022"),
        ("float32", "NPY", "2023"),
        ("float32", "TXT", "2022"),
    ],
)
def test_its_results_on_our_model_score_as_our_own(server, form, outfmt, generation):
    folder = ais_bench(
        server, om(server, form), form, f"{form}-{outfmt}.{generation}", outfmt, ais_gen=generation
    )
    assert len(list(folder.glob(f"*.{outfmt.lower()}"))) == (320 if form == "uint8" else LIMITED)
    assert (folder / "sumary.json").exists() == (generation == "2022")
    row, ours = scored(server, folder, form), our_own(server, form)
    assert {key: row[key] for key in FIGURES} == {key: ours[key] for key in FIGURES}
    assert row["chip"] is None and row["background"] is False and row["format"] == outfmt.lower()


def test_the_bins_are_the_shards_rows(server):
    (shard,) = server.out.glob("data/*-float32-*/shard-00000.npy")
    (index,) = server.out.glob("data/*-float32-*/index.csv")
    first = index.read_text().splitlines()[1].split(",")[1]
    path = server.folder / "float32" / (first.rpartition(".")[0] + ".bin")
    np.testing.assert_array_equal(np.fromfile(path, np.float32).reshape(3, 128, 128), np.load(shard)[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640  # ais_bench refuses files that others may write
    sizes = {path.stat().st_size for path in (server.folder / "uint8").glob("*.bin")}
    assert sizes == {128 * 128 * 3} and len(list((server.folder / "uint8").glob("*.bin"))) == 320


def test_dots_in_names_stay_and_names_that_the_tool_would_mix_up_are_refused():
    assert data.bin_names(["a.b.JPEG", "c.jpeg"]) == ["a.b.bin", "c.bin"]
    with pytest.raises(BuildError, match="a.b.JPEG and a.c.JPEG are the same up to the first dot"):
        data.bin_names(["a.b.JPEG", "a.c.JPEG"])


def test_1001_outputs_are_the_background_and_the_classes(server, tmp_path):
    model = with_background(server, tmp_path)
    folder = ais_bench(server, model, "uint8", "with-background", "TXT")
    (tmp_path / "with_background.toml").write_text(BACKGROUND)
    row, ours = scored(server, folder, "uint8", tmp_path / "with_background.toml"), our_own(server, "uint8")
    assert row["background"] is True
    assert (row["images"], row["top1_pct"], row["top5_pct"]) == (320, ours["top1_pct"], ours["top5_pct"])


def with_background(server, folder):
    """The sample's model with 1001 outputs, of which 1 to 16 are its classes, compiled by hand for batches of
    32.
    """
    (path,) = server.out.glob("sample-*/model.onnx")
    model = onnx.load(path)
    (last,) = [node for node in model.graph.node if node.op_type == "Gemm"]
    assert {value.name: value.i for value in last.attribute}.get("transB") == 1
    for tensor in model.graph.initializer:
        if tensor.name in last.input[1:]:
            old = numpy_helper.to_array(tensor)
            new = np.full((1001, *old.shape[1:]), -1000.0 if old.ndim == 1 else 0.0, np.float32)
            new[1:17] = old
            tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1001
    onnx.save(model, folder / "model.onnx")
    argv = [
        "atc",
        "--framework=5",
        f"--model={folder}/model.onnx",
        f"--output={folder}/model",
        "--soc_version=Ascend310P3",
        "--input_shape=image:32,3,128,128",
        f"--insert_op_conf={aipp(server, folder)}",
    ]
    done = subprocess.run(
        argv,
        cwd=folder,
        env=servers.command_line.environment(**server.env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return folder / "model.om"


def aipp(server, folder):
    """The AIPP file of our own conversion, as its log keeps it."""
    log = Path(f"{om(server, 'uint8')}.log").read_text()
    path = folder / "aipp.cfg"
    path.write_text(log[log.index("aipp_op") : log.index("}\n") + 2])
    return path


def test_results_of_fewer_images_are_refused_by_name(server):
    folder = ais_bench(server, om(server, "float32"), "float32", "incomplete", "BIN")
    lost = sorted(folder.glob("*.bin"))[7]
    lost.unlink()
    answer = server.inv("eval", f"--results={folder}", labels(server, "float32"), "--model=sample", code=2)
    (line,) = answer.err.splitlines()
    assert (
        f"1 of {LIMITED} labelled images have no result" in line and lost.name.removesuffix("_0.bin") in line
    )


def test_float32_bins_with_a_uint8_model_are_four_results_in_one(server):
    folder = ais_bench(server, om(server, "uint8"), "float32", "packed", "NPY")
    answer = server.inv("eval", f"--results={folder}", labels(server, "float32"), "--model=sample", code=2)
    assert "4 x 16 outputs: the bins and the model differ in input type" in answer.err


def test_uint8_bins_with_a_float32_model_leave_no_result_and_the_line_says_why(server):
    folder = ais_bench(server, om(server, "float32"), "uint8", "none-saved", "BIN")
    answer = server.inv("eval", f"--results={folder}", labels(server, "uint8"), "--model=sample", code=2)
    assert "'save out files error', the bins and the model differ in input type" in answer.err


def test_all_input_on_each_of_two_devices_is_told_and_either_folder_scores(server):
    folder = ais_bench(server, om(server, "float32"), "float32", "both", "BIN", "--device", "0,1")
    given = (labels(server, "float32"), "--model=sample")
    (line,) = server.inv("eval", f"--results={folder}", *given, code=2).err.splitlines()
    assert f"each of device0_0, device1_1 has results of all {LIMITED} images" in line
    assert f"--results={folder}/device0_0, or infer again with --divide_input 1" in line
    row, ours = (
        scored(server, folder / "device0_0", "float32", name="both/device0_0"),
        our_own(server, "float32"),
    )
    assert {key: row[key] for key in FIGURES} == {key: ours[key] for key in FIGURES}
