"""Which folder holds the results, and which file is which image's: a mistake is told with what to type."""

import json
import os

import pytest
from test_eval_score import NAMES, filled, hits, logits, refused, save, score

from eval.ais_bench import results_dir
from pipeline.errors import BuildError


def two_devices(where, first=logits(), second=logits()):
    filled(where / "device0_0", first)
    filled(where / "device1_1", second)
    return where


def test_whole_results_on_each_device_are_told_with_both_ways_on(tmp_path):
    where = two_devices(tmp_path / "r")
    said = refused(tmp_path, where)
    assert "each of device0_0, device1_1 has results of all 7 images: ais_bench ran all input" in said
    assert f"Name one: --results={where}/device0_0, or infer again with --divide_input 1" in said
    assert "they differ" not in said
    assert score(tmp_path, where / "device1_1")["top1_hits"] == hits(logits())


def test_where_the_devices_differ_the_line_says_in_how_many(tmp_path):
    other = logits()
    other[2:4] += 1
    said = refused(tmp_path, two_devices(tmp_path / "r", second=other))
    assert f"and they differ in 2, first: {NAMES[2]}" in said


def test_of_a_whole_and_an_incomplete_set_the_whole_one_is_named(tmp_path):
    where = two_devices(tmp_path / "r", first=logits()[:5])
    said = refused(tmp_path, where)
    assert "device0_0 has results of 5 images, device1_1 has results of all 7 images" in said
    assert f"--results={where}/device1_1" in said


def test_devices_of_which_none_is_whole_are_leftovers(tmp_path):
    where = two_devices(tmp_path / "r", first=logits()[:5], second=logits()[:4])
    assert "2 of 7 labelled images have no result" in refused(tmp_path, where)


def test_the_folder_above_names_the_dated_folders_in_it_the_newest_first(tmp_path):
    for number, name in enumerate(("2026_11_25-09_00_00", "2026_11_26-10_00_00")):
        folder = filled(tmp_path / "results" / name, logits())
        (tmp_path / "results" / f"{name}_summary.json").write_text('{"filesinfo": {}}')
        os.utime(folder, (number, number))
    (tmp_path / "results" / "empty").mkdir()
    (tmp_path / "results" / "notes.txt").write_text("of last week")
    said = refused(tmp_path, tmp_path / "results")
    assert "no results in it, but in 2 folders below it: 2026_11_26-10_00_00, 2026_11_25-09_00_00" in said
    assert f"Name one: --results={tmp_path}/results/2026_11_26-10_00_00" in said


def test_so_does_the_folder_above_that_and_one_above_device_folders(tmp_path):
    two_devices(tmp_path / "runs" / "results" / "both")
    said = refused(tmp_path, tmp_path / "runs")
    assert f"Name one: --results={tmp_path}/runs/results/both" in said


def test_a_folder_above_without_any_file_is_told_so_too(tmp_path):
    filled(tmp_path / "results" / "run", logits())
    assert f"Name one: --results={tmp_path}/results/run" in refused(tmp_path, tmp_path / "results")


def test_a_run_that_saved_nothing_is_told_by_its_summary(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r_summary.json").write_text('{"filesinfo": {}}')
    said = refused(tmp_path, tmp_path / "r")
    assert "r_summary.json" in said and "the bins and the model differ in input type" in said


def test_a_file_for_a_folder_is_told(tmp_path):
    (tmp_path / "x_0.bin").write_bytes(b"1")
    assert "x_0.bin: a file, no folder" in refused(tmp_path, tmp_path / "x_0.bin")


@pytest.mark.parametrize("ending", [".txt", ".bin", ".npy"])
def test_a_file_that_is_called_as_its_image_is_its_result(tmp_path, ending):
    where = tmp_path / "r"
    for name, row in zip(NAMES, logits(), strict=True):
        save(where, name[:-5], row, ending)
    assert score(tmp_path, where)["top1_hits"] == hits(logits())


def test_a_numbered_result_comes_before_one_that_is_called_as_the_image(tmp_path):
    where = filled(tmp_path / "r", logits())
    save(where, NAMES[0][:-5], logits()[0], ".txt")
    assert f"1 files are no result of a labelled image, first: {NAMES[0][:-5]}.txt" in refused(
        tmp_path, where
    )


def test_an_image_whose_name_ends_like_a_results_has_its_own(tmp_path):
    names = ["a_0.JPEG", "a_1.JPEG", *NAMES[2:]]
    where = tmp_path / "r"
    for name, row in zip(names, logits(), strict=True):
        save(where, name[:-5], row, ".npy")
    assert score(tmp_path, where, names=names)["top1_hits"] == hits(logits())


def test_folders_and_broken_links_called_as_results_are_none(tmp_path):
    where = filled(tmp_path / "r", logits())
    (where / "cat_0.txt").mkdir()
    (where / "dog_0.txt").symlink_to("nowhere")
    assert "2 files are no result of a labelled image, first: cat_0.txt" in refused(tmp_path, where)


def test_the_summary_of_a_device_is_read_beside_its_folder(tmp_path):
    where = tmp_path / "r"
    path = save(where / "device0_0", "input0_output_0", logits()[0], ".bin")
    told = {"0": {"infiles": [f"/bins/{NAMES[0][:-5]}.bin"], "outfiles": [str(path)]}}
    (where / "device0_0_summary.json").write_text(json.dumps({"filesinfo": told}))
    listing = results_dir.listed(str(where))
    assert results_dir.paired(listing, NAMES[:1]) == [str(path)]
    with pytest.raises(BuildError, match="1 of 2 labelled images have no result"):
        results_dir.paired(listing, NAMES[:2])
