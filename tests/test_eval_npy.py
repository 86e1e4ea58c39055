"""Arrays as results: what is read, and what is refused by its header alone."""

import pickle
import zipfile

import numpy as np
import pytest
from test_eval_score import LABELS, NAMES, filled, hits, logits, refused, score


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i4", "|i1"])
def test_numbers_of_either_byte_order_are_read(tmp_path, dtype):
    array = (logits() * 8).round()
    ranked = array.astype(dtype).astype(np.float64)
    assert score(tmp_path, filled(tmp_path / "r", array, ".npy", dtype))["top1_hits"] == hits(ranked)


@pytest.mark.parametrize("dtype", ["uint16", "int16", ">u2"])
def test_integers_of_two_bytes_are_half_precision_of_the_pipeline_and_refused(tmp_path, dtype):
    array = logits().astype(np.float16).view(np.uint16)
    said = refused(tmp_path, filled(tmp_path / "r", array, ".npy", np.dtype(dtype)))
    assert "integers of two bytes" in said and "--pipeline writes half-precision outputs so" in said
    assert "Infer again with --outfmt BIN" in said


def test_so_are_integers_of_two_bytes_in_text(tmp_path):
    array = logits().astype(np.float16).view(np.uint16)
    where = filled(tmp_path / "r", logits())
    for name, row in zip(NAMES, array, strict=True):
        (where / f"{name[:-5]}_0.txt").write_text("".join(f"{value:d} " for value in row) + "\n")
    assert "integers of two bytes: ais_bench --pipeline" in refused(tmp_path, where)
    for name, row in zip(NAMES, array % 256, strict=True):  # quantised outputs
        (where / f"{name[:-5]}_0.txt").write_text("".join(f"{value:d} " for value in row) + "\n")
    assert score(tmp_path, where)["images"] == len(LABELS)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (5, 1), (1, 5, 1, 1)])
def test_one_row_is_one_row_whatever_its_shape_and_order(tmp_path, shape):
    where = filled(tmp_path / "r", logits(), ".npy")
    for name, row in zip(NAMES, logits(), strict=True):
        np.save(where / f"{name[:-5]}_0.npy", np.asfortranarray(row.reshape(shape)))
    assert score(tmp_path, where)["top1_hits"] == hits(logits())


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize(
    "content, words",
    [
        (lambda path: np.array([Trap(f"{path}.sprung")] * 5, object), "Python objects, which are never read"),
        (lambda path: np.zeros(5, [("a", "<f4"), ("b", "<f4")]), "expected numbers, one an output"),
        (lambda path: np.zeros(5, bool), "an array of bool"),
        (lambda path: np.zeros(5, complex), "an array of complex128"),
        (lambda path: np.zeros(5, "U3"), "expected numbers, one an output"),
        (lambda path: np.float32(1), "1 outputs; expected 5, or 6"),
        (lambda path: np.zeros(0, np.float32), "0 outputs; expected 5, or 6"),
    ],
    ids=["objects", "structured", "bool", "complex", "text", "0-d", "empty"],
)
def test_what_cannot_be_outputs_is_refused_by_its_header(tmp_path, content, words):
    where = filled(tmp_path / "r", logits(), ".npy")
    np.save(where / f"{NAMES[0][:-5]}_0.npy", content(tmp_path))
    assert words in refused(tmp_path, where)
    assert not (tmp_path.parent / f"{tmp_path.name}.sprung").exists()


def test_outputs_in_rows_and_columns_are_refused(tmp_path):
    where = filled(tmp_path / "r", logits(6), ".npy")
    for name in NAMES:
        np.save(where / f"{name[:-5]}_0.npy", np.zeros((2, 3), np.float32))
    assert "shape (2, 3); expected 6 numbers in one row" in refused(tmp_path, where)


def test_files_that_are_no_npy_are_told_as_such(tmp_path):
    where = filled(tmp_path / "r", logits(), ".npy")
    path = where / f"{NAMES[0][:-5]}_0.npy"
    whole = path.read_bytes()
    for content in (b"", b"x", whole[:9], whole[:40], pickle.dumps([1.0] * 5)):
        path.write_bytes(content)
        assert f"{path}: not a .npy file" in refused(tmp_path, where)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", whole)
    assert f"{path}: not a .npy file" in refused(tmp_path, where)
    path.write_bytes(whole[:-4])
    assert f"{path}: {len(whole) - 4} bytes, too few or too many for its shape (1, 5)" in refused(
        tmp_path, where
    )
