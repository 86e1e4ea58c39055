"""Numbers of text files: the quick reading gives what float() gives, or leaves it to float()."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.ais_bench import txt
from pipeline.errors import BuildError

numbers = st.floats(-99_999_999, 99_999_999).map(lambda value: round(value, 6)) | st.floats(-40, 40)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 6).flatmap(
        lambda count: st.lists(st.lists(numbers, min_size=count, max_size=count), min_size=1, max_size=4)
    )
)
def test_six_decimals_are_read_as_float_reads_them(rows):
    lines = ["".join(f"{value:f} " for value in row) + "\n" for row in rows]
    found = txt.fixed([line.encode() for line in lines], len(rows[0]))
    assert found is not None
    assert found.tolist() == [[float(token) for token in line.split()] for line in lines]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("0123456789.-+ e\nx", max_size=40), min_size=1, max_size=3), st.integers(1, 4))
def test_whatever_else_a_text_holds_is_never_read_as_other_numbers(lines, count):
    found = txt.fixed([line.encode() for line in lines], count)
    if found is not None:
        assert found.tolist() == [[float(token) for token in line.split()] for line in lines]


@pytest.mark.parametrize(
    "text", ["1.5 -2 3e0", "1.500000\n-2.000000\n3.000000\n", "1.500000,", " 1.500000 -2.000000 3.000000 \n"]
)
def test_other_forms_are_read_number_by_number(tmp_path, text):
    path = tmp_path / "a_0.txt"
    path.write_text(text)
    if "," in text:
        with pytest.raises(BuildError, match=f"{path}: .*'1.500000,'.*expected numbers"):
            txt.read([str(path)], 1)
    else:
        np.testing.assert_array_equal(txt.read([str(path)], 3), [[1.5, -2.0, 3.0]])


def test_a_file_with_another_count_is_named_also_when_the_total_is_right(tmp_path):
    for name, text in (
        ("a_0.txt", "1.000000 2.000000 \n"),
        ("b_0.txt", "1.000000 \n"),
        ("c_0.txt", "1.000000 2.000000 3.000000 \n"),
    ):
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in ("a_0.txt", "b_0.txt", "c_0.txt")]
    with pytest.raises(BuildError, match="b_0.txt: 1 numbers, the first result has 2"):
        txt.read(paths, txt.outputs(paths[0]))
