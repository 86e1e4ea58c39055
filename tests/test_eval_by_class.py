"""classes.csv and confusions.csv, counted again image by image."""

import csv
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.judging import by_class


def written(folder, labels, answers, classes, names=()):
    paths = [str(folder / "classes.csv"), str(folder / "confusions.csv")]
    by_class.write(paths, np.array(labels), np.array(answers), classes, names)
    tables = []
    for path in paths:
        with open(path, encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    return tables


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 5)), min_size=1, max_size=80))
def test_each_class_has_its_counts_its_share_and_scipys_interval(tmp_path_factory, pairs):
    labels, answers = zip(*pairs, strict=True)
    classes, confusions = written(tmp_path_factory.mktemp("t"), labels, answers, 7)
    assert [int(row["class"]) for row in classes] == sorted(set(labels))
    for row in classes:
        mine = [answer for label, answer in pairs if label == int(row["class"])]
        right = mine.count(int(row["class"]))
        interval = stats.binomtest(right, len(mine)).proportion_ci(method="wilson")
        assert (int(row["images"]), int(row["right"])) == (len(mine), right)
        shares = [float(row[column]) for column in ("top1_pct", "low_pct", "high_pct")]
        assert shares == pytest.approx(
            [100 * right / len(mine), 100 * interval.low, 100 * interval.high], abs=0.0051
        )
        wrong = Counter(answer for answer in mine if answer != int(row["class"]))
        most = max(wrong.values(), default=None)
        assert row["times"] == ("" if most is None else str(most))
        assert most is None or wrong[int(row["taken_for"])] == most
    counted = Counter((label, answer) for label, answer in pairs if label != answer)
    assert {(int(c["label"]), int(c["answer"])): int(c["images"]) for c in confusions} == counted


def test_the_most_frequent_confusions_come_first_and_of_equal_ones_the_lower_classes(tmp_path):
    _, confusions = written(tmp_path, [3, 3, 0, 0, 1], [1, 1, 2, 1, 0], 4)
    pairs = [(int(c["label"]), int(c["answer"])) for c in confusions]
    assert pairs == [(3, 1), (0, 1), (0, 2), (1, 0)]


def test_a_class_has_its_name_as_it_is_and_none_where_it_is_not_known(tmp_path):
    hostile = '<img src=x onerror=alert(1)>, "or so"'
    classes, confusions = written(tmp_path, [0, 1, 3], [0, 1, 1], 4, ["red disc", hostile, "unused"])
    assert list(classes[0])[:3] == ["class", "name", "images"]
    assert [(c["label_name"], c["answer_name"]) for c in confusions] == [("", hostile)]
    assert [(row["class"], row["name"]) for row in classes] == [("0", "red disc"), ("1", hostile), ("3", "")]
