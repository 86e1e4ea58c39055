"""Real photographs and real weights, as typed in the README; judged by an independent implementation's
logits.
"""

import csv

import numpy as np
import pytest
from inv import REAL, inv, rows, stacked

pytestmark = pytest.mark.shared

REFERENCE = "mobilenet_v1_1.0_224_ref"
TENSORFLOW = "mobilenet_v1_0.5_160_tf"
WORDS = {REFERENCE: (), TENSORFLOW: (f"--model={REAL / (TENSORFLOW + '.toml')}",)}
RIGHT = {REFERENCE: (196, 236), TENSORFLOW: (176, 224)}


BUILDS = [
    pytest.param((name, kind), id=f"{name}-{kind}")
    for kind in ("uint8", "float32")
    for name in (REFERENCE, TENSORFLOW)
]


@pytest.fixture(scope="module", params=BUILDS)
def built(request, tmp_path_factory):
    """(checkpoint's name, input, OUT)."""
    name, kind = request.param
    out = tmp_path_factory.mktemp("real") / "out"
    words = [f"--checkpoint={REAL / name}.tar", f"--dataset={REAL / 'val'}", *WORDS[name]]
    inv("eval", "--chip=cpu", "--bs=16", *words, *([] if kind == "uint8" else [f"--input={kind}"]), out=out)
    return name, kind, out


def test_as_many_are_right_as_with_the_independent_implementation(built):
    name, _, out = built
    (row,) = rows(out, "accuracy")
    top1, top5 = RIGHT[name]
    assert row["images"] == 250 and row["missing"] == 0 and row["sample_data"] is False
    assert row["top1_pct"] == pytest.approx(100 * top1 / 250) and row["top5_pct"] == pytest.approx(
        100 * top5 / 250
    )


def test_logits_are_those_of_the_independent_implementation(built):
    name, kind, out = built
    theirs = np.load(REAL / f"logits_{name}.npz")
    (index,) = out.glob("data/*/index.csv")
    with index.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["name"] for row in table] == theirs["names"].tolist()
    assert [int(row["label"]) for row in table] == theirs["labels"].tolist()
    ours = stacked(out, f"*/cpu/fp32-{kind}/**/bs16/logits-*.npy")
    assert ours.shape == theirs["logits"].shape
    np.testing.assert_allclose(ours, theirs["logits"], rtol=0, atol=1e-3)
    best = np.sort(theirs["logits"], axis=1)
    clear = best[:, -1] - best[:, -2] > 1e-3
    assert clear.sum() > 200
    assert np.array_equal(ours.argmax(1)[clear], theirs["logits"].argmax(1)[clear])


def test_the_compiled_model_agrees_with_pytorch(built):
    (row,) = rows(built[2], "agreement")
    assert row["images"] == 250 and row["same_top1_pct"] >= 99 and row["max_abs_diff"] < 1e-3
