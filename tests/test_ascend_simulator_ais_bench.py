"""The simulated ais_bench: names, padding, summary, and the other project of that name."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
from machine import Machine

IMAGES = np.random.default_rng(1).normal(size=(6, 3, 16, 16)).astype(np.float32)


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    made.atc()
    (made.work / "in").mkdir()
    (made.work / "res").mkdir()
    for number, image in enumerate(IMAGES):
        image.tofile(made.work / f"in/val_{number}.x.bin")
    return made


def bench(machine, *more, **env):
    return machine.run(sys.executable, "-m", "ais_bench", "--model", "out/model.om", *more, **env)


def results(machine, form):
    done = bench(machine, "--input", "in", "--output", "res", "--output_dirname", "run", "--outfmt", form)
    assert done.returncode == 0, done.stderr
    return done.stdout, sorted((machine.work / "res/run").iterdir())


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("TXT", np.loadtxt),
        ("NPY", lambda path: np.load(path)[0]),
        ("BIN", lambda path: np.fromfile(path, np.float32)),
    ],
)
def test_one_result_an_image_named_up_to_the_first_dot(machine, form, read):
    text, files = results(machine, form)
    assert [path.name for path in files] == [f"val_{n}_0.{form.lower()}" for n in range(6)]
    assert "filesperbatch:4 runcount:2" in text
    want = machine.told("""
x = np.stack([np.fromfile(f"in/val_{n}.x.bin", np.float32).reshape(3, 16, 16) for n in (0, 1, 2, 3)])
tell(logits(open_(), [tensor(x)]).tolist())""")
    np.testing.assert_allclose([read(path) for path in files[:4]], want, atol=1e-6)


def test_the_summary_stands_beside_the_results_or_inside(machine):
    results(machine, "BIN")
    told = json.loads((machine.work / "res/run_summary.json").read_text())
    assert (
        told["filesinfo"]["1"]["infiles"][2:] == ["padding_infer_fake_file"] * 2
        and told["NPU_compute_time"]["count"] == 2
    )
    machine.install(ais_gen="2022")
    results(machine, "BIN")
    assert (machine.work / "res/run/sumary.json").exists()


def test_throughput_is_batch_over_mean_and_counts_the_loop(machine):
    done = bench(machine, "--loop", "5")
    mean, rate = re.search(
        r"throughput 1000\*batchsize.mean\(4\)/NPU_compute_time.mean\(([\d.]+)\): ([\d.]+)", done.stdout
    ).groups()
    assert float(rate) == pytest.approx(4000 / float(mean))


def test_two_devices_add_up_and_a_lost_one_is_told(machine):
    machine.install(inventory="310P3x2")
    assert bench(machine, "-d", "0,1").stdout.count(" throughput:") == 3
    machine.install(inventory="310P3x2", broken=[1])
    done = bench(machine, "-d", "0,1")
    assert done.returncode == 1 and "subprocess run failed error_callback" in done.stdout


def test_wrong_arguments_and_files_are_told(machine):
    assert machine.run(sys.executable, "-m", "ais_bench").returncode == 2
    (machine.work / "in/val_0.x.bin").write_bytes(b"12345")
    done = bench(machine, "--input", "in", "--output", "res")
    assert done.returncode == 1 and "tensorsize: 12288 filesize: 5 not match" in done.stdout
    machine.install(ais_hardened=True)
    machine.om.chmod(0o664)
    done = bench(machine)
    assert done.returncode == 2 and "om path:out/model.om is illegal. Please check." in done.stderr


def test_the_imposter_has_no_infer(machine):
    machine.install(imposter=True)
    assert machine.told("import ais_bench; tell(error(__import__, 'ais_bench.infer.interface'))").startswith(
        "ModuleNotFoundError"
    )
