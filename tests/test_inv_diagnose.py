"""`inv data --diagnose` on real photographs and real networks: each mistake by its name, and nothing where
nothing is wrong.
"""

import re

import pytest
import torch
from inv import REAL, ROOT, inv

from preprocess.dataset import classes

pytestmark = pytest.mark.shared

REFERENCE, TENSORFLOW = "mobilenet_v1_1.0_224_ref", "mobilenet_v1_0.5_160_tf"
OF = {known.index: known.ilsvrc_id for known in classes.table()}
LABELS = {
    "right": lambda label: label,
    "one-based": lambda label: label + 1,
    "too low": lambda label: label - 1,
    "devkit": lambda label: OF[label],
    "devkit from 0": lambda label: OF[label] - 1,
}


def label_file(folder, kind):
    """The photographs' labels with a mistake in them."""
    lines = [line.split() for line in (REAL / "val_label.txt").read_text().splitlines()]
    (folder / "labels.txt").write_text(
        "".join(f"{name} {LABELS[kind](int(label))}\n" for name, label in lines)
    )
    return folder / "labels.txt"


def diagnosis(tmp_path, network, labels="right", words=()):
    """The line that the command ends with."""
    model = [f"--model={REAL / (network + '.toml')}"] if network == TENSORFLOW else []
    model = [word for word in model if not any(other.startswith("--model") for other in words)]
    checkpoint = (
        []
        if any(word.startswith("--checkpoint") for word in words)
        else [f"--checkpoint={REAL / network}.tar"]
    )
    answer = inv(
        "data",
        "--diagnose",
        f"--dataset={REAL / 'val'}",
        f"--labels={label_file(tmp_path, labels)}",
        *checkpoint,
        *model,
        *words,
        out=tmp_path / "out",
    )
    return answer.out.splitlines()[-1]


@pytest.mark.parametrize("limit", [120, 250])
@pytest.mark.parametrize("network", [REFERENCE, TENSORFLOW])
def test_where_nothing_is_wrong_nothing_is_named(tmp_path, network, limit):
    assert diagnosis(tmp_path, network, words=[f"--limit={limit}"]).startswith("none: ")


@pytest.mark.parametrize(
    ("network", "labels", "says"),
    [
        (REFERENCE, "one-based", "one-based: .*subtract 1 from each"),
        (REFERENCE, "devkit", "devkit: .*inv data --devkit"),
        (REFERENCE, "devkit from 0", "devkit: .*inv data --devkit"),
        (REFERENCE, "too low", "background: .*add 1 to each"),
        (TENSORFLOW, "one-based", "background: .*subtract 1 from each"),
        (TENSORFLOW, "devkit", "devkit: .*inv data --devkit"),
        (TENSORFLOW, "too low", "background: .*add 1 to each"),
    ],
)
def test_a_wrong_label_file_is_named_for_what_it_is(tmp_path, network, labels, says):
    assert re.match(says, found := diagnosis(tmp_path, network, labels)), found


@pytest.mark.parametrize(
    ("network", "preset", "says"),
    [
        (REFERENCE, "mlperf", "preset: .*leave --preset out"),
        (REFERENCE, "caffe-bgr", "(bgr|preset): .*leave --preset out"),
        (TENSORFLOW, "seed", "preset: .*leave --preset out"),
    ],
)
def test_a_preset_that_does_not_fit_is_named_with_the_way_back(tmp_path, network, preset, says):
    assert re.match(says, found := diagnosis(tmp_path, network, words=[f"--preset={preset}"])), found


def test_a_network_trained_on_bgr_is_named(tmp_path):
    kept = torch.load(REAL / f"{REFERENCE}.tar", weights_only=False)
    name = next(iter(kept["state_dict"]))
    kept["state_dict"][name] = kept["state_dict"][name].flip(1)
    torch.save(kept, tmp_path / "bgr.tar")
    assert diagnosis(tmp_path, REFERENCE, words=[f"--checkpoint={tmp_path / 'bgr.tar'}"]).startswith("bgr: ")


def test_a_model_file_that_does_not_normalise_is_named(tmp_path):
    text = (ROOT / "configs/models/mobilenet_v1.toml").read_text()
    text = re.sub(
        r"mean = \[[^]]*\]",
        "mean = [0.0, 0.0, 0.0]",
        re.sub(r"std = \[[^]]*\]", "std = [1.0, 1.0, 1.0]", text),
    )
    (tmp_path / "plain.toml").write_text(text)
    assert diagnosis(tmp_path, REFERENCE, words=[f"--model={tmp_path / 'plain.toml'}"]).startswith(
        "unnormalised: "
    )
