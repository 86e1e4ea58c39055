"""Result folders of ais_infer and ais_bench: all formats and name generations; complete, or not at all."""

import json

import numpy as np
import pytest

from eval.ais_bench import results_dir
from eval.ais_bench import score as scoring
from pipeline.errors import BuildError

NAMES = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 8)]
LABELS = [0, 3, 1, 1, 2, 4, 0]
ROW = {
    **dict.fromkeys(("model", "checkpoint", "dataset", "chip", "precision", "input", "batch")),
    "sample_data": False,
}


def logits(outputs=5):
    return np.random.default_rng(5).normal(0, 4, (len(NAMES), outputs)).astype(np.float32).round(4)


def save(where, stem, row, ending, dtype=np.float32):
    where.mkdir(parents=True, exist_ok=True)
    path = where / f"{stem}{ending}"
    if ending == ".txt":
        path.write_text("".join(f"{value:f} " for value in row) + "\n")
    elif ending == ".bin":
        row.astype(dtype).tofile(path)
    else:
        np.save(path, row.astype(dtype)[None])
    return path


def filled(where, array, ending=".txt", dtype=np.float32, names=NAMES):
    for name, row in zip(names, array, strict=False):
        save(where, name.split(".")[0] + "_0", row, ending, dtype)
    return where


def score(tmp_path, where, names=NAMES, labels=LABELS, classes=5):
    index = tmp_path / "index.csv"
    index.write_text(
        "row,name,label,shard\n"
        + "".join(f"{i},{n},{c},0\n" for i, (n, c) in enumerate(zip(names, labels, strict=True)))
    )
    out = tmp_path / "accuracy.json"
    paths = results_dir.paired(results_dir.listed(str(where)), names)
    row = {**ROW, "results": where.name}
    scoring.write((str(out),), index=str(index), results=tuple(paths), row=row, classes=classes)
    return json.loads(out.read_text())


def hits(array, labels=LABELS, k=1):
    return sum(label in np.argsort(-row, kind="stable")[:k] for row, label in zip(array, labels, strict=True))


def refused(tmp_path, where, **also):
    with pytest.raises(BuildError) as raised:
        score(tmp_path, where, **also)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "ending, dtype",
    [
        (".txt", np.float32),
        (".bin", np.float32),
        (".bin", np.float16),
        (".npy", np.float32),
        (".npy", np.float16),
    ],
)
@pytest.mark.parametrize("background", [False, True])
def test_every_format_gives_the_same_score(tmp_path, ending, dtype, background):
    array = logits(5 + background)
    row = score(tmp_path, filled(tmp_path / "r", array, ending, dtype))
    shifted = [label + background for label in LABELS]
    assert [row["top1_hits"], row["top3_hits"]] == [hits(array, shifted), hits(array, shifted, k=3)]
    assert (row["images"], row["background"], row["results"], row["format"], row["chip"]) == (
        7,
        background,
        "r",
        ending[1:],
        None,
    )


def test_more_files_than_one_chunk_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", 2)
    assert score(tmp_path, filled(tmp_path / "r", logits()))["top1_hits"] == hits(logits())


def test_a_missing_result_is_an_error_and_no_smaller_denominator(tmp_path):
    where = filled(tmp_path / "r", logits())
    for name in NAMES[2:4]:
        (where / (name[:-5] + "_0.txt")).unlink()
    said = refused(tmp_path, where)
    assert (
        "2 of 7 labelled images have no result, first: ILSVRC2012_val_00000003.JPEG" in said
        and str(where) in said
    )


def test_foreign_files_are_counted_and_named(tmp_path):
    where = filled(tmp_path / "r", logits())
    save(where, "cat_0", logits()[0], ".txt")
    (where / "notes.md").write_text("x")
    save(where, "ILSVRC2012_val_00000001_1", logits()[0], ".txt")  # a second output
    said = refused(tmp_path, where)
    assert "3 files are no result of a labelled image, first: " in said and "have no result" not in said


def test_summaries_and_padding_leftovers_are_no_results(tmp_path):
    where = filled(tmp_path / "r", logits())
    (where / "sumary.json").write_text('{"filesinfo": {}, "throughput": 1}')
    (where / ".hidden").write_text("")
    save(where, "padding_infer_fake_file_0", logits()[0], ".txt")
    assert score(tmp_path, where)["images"] == 7


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("form", ["sample_id_{}_output_0", "input{}_output_0"])
def test_the_first_generations_names_are_read_through_their_summary(tmp_path, inside, form):
    where, samples = tmp_path / "r", {}
    for number, (name, row) in enumerate(zip(NAMES[::-1], logits()[::-1], strict=True)):
        path = save(where, form.format(number), row, ".bin")
        samples[str(number)] = {"infiles": [f"/data/bins/{name[:-5]}.bin"], "outfiles": [str(path)]}
    samples["7"] = {
        "infiles": ["padding_infer_fake_file"],
        "outfiles": [str(save(where, form.format(7), logits()[0], ".bin"))],
    }
    assert "need the sumary.json" in refused(tmp_path, where)
    summary = where / "sumary.json" if inside else tmp_path / "r_summary.json"
    summary.write_text(json.dumps({"filesinfo": samples}))
    assert score(tmp_path, where)["top1_hits"] == hits(logits())


def test_a_summary_that_is_none_is_named(tmp_path):
    where = filled(tmp_path / "r", logits())
    (tmp_path / "r_summary.json").write_text("[]")
    assert "r_summary.json: not a summary of ais_infer" in refused(tmp_path, where)


def test_dots_in_names_are_followed_up_to_the_first_one_and_whole(tmp_path):
    names = [f"dog.{number}.jpeg" for number in range(6)] + ["cat.v2.jpeg"]
    where = filled(tmp_path / "r", logits()[6:], names=names[6:])  # as ais_bench cuts it: cat_0.txt
    for name, row in zip(names[:6], logits(), strict=False):
        save(where, name[:-5] + "_0", row, ".txt")  # named by hand: dog.3_0.txt
    assert score(tmp_path, where, names=names)["top1_hits"] == hits(logits())


def test_names_that_ais_bench_cannot_tell_apart_are_an_error_that_says_so(tmp_path):
    names = ["dog.1.jpeg", "dog.2.jpeg", *NAMES[2:]]
    said = refused(tmp_path, filled(tmp_path / "r", logits(), names=names), names=names)
    assert "dog_0.txt (of dog.1.jpeg or dog.2.jpeg? the tool cuts names at the first dot)" in said


def test_one_folder_a_device_is_one_set_and_an_image_in_two_is_an_error(tmp_path):
    where = tmp_path / "r"
    filled(where / "device0", logits()[:4], names=NAMES[:4])
    filled(where / "device1_1", logits()[4:], names=NAMES[4:])
    assert score(tmp_path, where)["top1_hits"] == hits(logits())
    filled(where / "device1_1", logits()[:1])
    assert "1 images have two results, first: ILSVRC2012_val_00000001.JPEG (device0/" in refused(
        tmp_path, where
    )


def test_results_of_two_runs_in_one_folder_are_refused(tmp_path):
    where = filled(tmp_path / "r", logits())
    save(where, "ILSVRC2012_val_00000001_0", logits()[0], ".bin")
    assert "several formats: .bin, .txt" in refused(tmp_path, where)


def test_no_folder_and_an_empty_one_are_told_apart(tmp_path):
    assert "no such folder" in refused(tmp_path, tmp_path / "r")
    (tmp_path / "r").mkdir()
    assert "no results in it; expected files NAME_0.txt" in refused(tmp_path, tmp_path / "r")


@pytest.mark.parametrize(
    "ending, words",
    [
        (".txt", "4 numbers, the first result has 5"),
        (".bin", "16 bytes, unlike the first"),
        (".npy", "bytes, unlike the first"),
    ],
)
def test_a_truncated_result_is_named(tmp_path, ending, words):
    where = filled(tmp_path / "r", logits(), ending)
    save(where, "ILSVRC2012_val_00000004_0", logits()[3, :4], ending)
    said = refused(tmp_path, where)
    assert f"ILSVRC2012_val_00000004_0{ending}: " in said and words in said


@pytest.mark.parametrize(
    "ending, words",
    [
        (".txt", "7 outputs; expected 5, or 6"),
        (".bin", "28 bytes; 5 or 6 outputs take"),
        (".npy", "7 outputs; expected 5, or 6"),
    ],
)
def test_results_of_another_number_of_classes_are_refused(tmp_path, ending, words):
    assert words in refused(tmp_path, filled(tmp_path / "r", logits(7), ending))


def test_nan_in_a_result_names_the_file_and_the_image(tmp_path):
    array = logits()
    array[5, 0] = np.nan
    for ending in (".txt", ".bin", ".npy"):
        said = refused(tmp_path, filled(tmp_path / ending[1:], array, ending))
        assert f"{NAMES[5][:-5]}_0{ending}: the result of {NAMES[5]} holds NaN" in said


@pytest.mark.parametrize("ending, dtype", [(".txt", None), (".bin", np.float32), (".npy", np.float16)])
@pytest.mark.parametrize("classes, packed", [(1000, "4 x 1000"), (1001, "4 x 1001"), (500, "2 x 1000")])
def test_several_images_in_one_result_are_bins_of_another_type(tmp_path, ending, dtype, classes, packed):
    array = np.resize(logits(), (len(NAMES), classes * 4))
    said = refused(tmp_path, filled(tmp_path / "r", array, ending, dtype), classes=1000)
    assert f"{packed} outputs" in said and "the bins and the model differ in input type" in said
    assert "--input=uint8 (or float32)" in said


def test_half_precision_results_of_several_images_are_named_by_both_counts(tmp_path):
    array = np.resize(logits(), (len(NAMES), 4000))
    said = refused(tmp_path, filled(tmp_path / "r", array, ".bin", np.float16), classes=1000)
    assert "2 x 1000 outputs (or 4 x 1000 in half precision)" in said


def test_a_part_of_an_images_outputs_is_bins_of_another_type_too(tmp_path):
    array = np.resize(logits(), (len(NAMES), 250))
    said = refused(tmp_path, filled(tmp_path / "r", array, ".npy"), classes=1000)
    assert "1/4 of 1000 outputs: the bins and the model differ in input type" in said
