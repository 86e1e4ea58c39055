"""Numbers and lists as people read them."""

import pytest

from pipeline import text
from pipeline.freshness import diff


def test_sizes_read_as_people_say_them():
    sizes = (0, 999, 7_526_400, 7_526_400_000, 2e12)
    assert [text.size_text(size) for size in sizes] == ["0 B", "999 B", "7.5 MB", "7.5 GB", "2,000.0 GB"]


def test_times_read_as_people_say_them():
    seconds = (0.04, 9.94, 11.6, 119, 121, 7199, 7200)
    assert [text.time_text(s) for s in seconds] == [
        "0.0 s",
        "9.9 s",
        "12 s",
        "119 s",
        "2 min",
        "120 min",
        "2.0 h",
    ]


def test_an_estimate_has_no_tenths():
    assert [text.time_text(s, whole=True) for s in (0.4, 8.2, 5400)] == ["0 s", "8 s", "90 min"]


def test_one_is_not_many_and_thousands_are_set_apart():
    assert [text.counted(n, "file") for n in (0, 1, 2, 50_000)] == [
        "0 files",
        "1 file",
        "2 files",
        "50,000 files",
    ]


@pytest.mark.parametrize(
    ("count", "more", "line"),
    [
        (0, {}, ""),
        (3, {}, "a, b, c"),
        (5, {}, "a, b, c and 2 more"),
        (5, {"most": 1}, "a and 4 more"),
        (5, {"noun": "steps"}, "a, b, c and 2 more steps"),
        (4, {"noun": "steps"}, "a, b, c and 1 more step"),
        (5, {"between": "; "}, "a; b; c; and 2 more"),
        (3, {"between": "; "}, "a; b; c"),
    ],
)
def test_the_first_few_of_many_and_how_many_more(count, more, line):
    assert text.some("abcde"[:count], **more) == line


def test_a_thousand_more_is_set_apart():
    assert text.some(map(str, range(1503)), 3) == "0, 1, 2 and 1,500 more"


def test_a_near_word_is_offered_and_a_far_one_is_not():
    known = ["infer", "eval", "bench"]
    assert text.did_you_mean("infre", known) == " Did you mean 'infer'?"
    assert text.did_you_mean("infre", known, before="--stage=") == " Did you mean --stage=infer?"
    assert text.did_you_mean("xyz", known) == "" and text.nearest("xyz", known) is None


GROUPS = [{"name": f"stage {n}", "steps": 7, "running": 0} for n in range(9)]


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        (1.0, 0.5, "1.0 -> 0.5"),
        ("a" * 90, "b" * 90, f'"{"a" * 49}... -> "{"b" * 49}...'),
        (
            GROUPS,
            [*GROUPS[:8], {**GROUPS[8], "steps": 8}],
            '...nning": 0, "steps": 7}] -> ...nning": 0, "steps": 8}]',
        ),
        (GROUPS, GROUPS[:8], None),
        (GROUPS[:8], GROUPS, None),
        ("x" * 60 + "a" * 200, "x" * 60 + "b" * 200, None),
        ("a" * 300, "a" * 301, None),
    ],
)
def test_what_changed_is_to_be_seen_however_long_the_two_values_are(one, two, words):
    (said,) = diff.changed("param", {"key": one}, {"key": two})
    before, _, after = said.removeprefix("param key: ").partition(" -> ")
    assert before != after and max(len(before), len(after)) <= 63
    assert words in (None, f"{before} -> {after}")


def test_a_folder_is_a_line_the_largest_first(tmp_path):
    sizes = {f"{tmp_path}/a/x": 10, f"{tmp_path}/a/y": 20, f"{tmp_path}/b/z": 4000}
    assert text.by_folder(str(tmp_path), sizes) == ["  4.0 kB  b  (1 file)", "    30 B  a  (2 files)"]


def test_what_is_not_there_has_no_size(tmp_path):
    (tmp_path / "a").write_text("xyz")
    assert text.size_of([f"{tmp_path}/a", f"{tmp_path}/none"]) == {f"{tmp_path}/a": 3}
