"""index.csv: read as it was written, and refused where its lines are not its rows."""

import pytest

from pipeline.errors import StepError
from preprocess.dataset import index_csv

HEADER = "row,name,label,shard\n"


def test_an_index_is_read_as_it_was_written(tmp_path):
    names, labels = ["a.jpg", 'b, "c".jpg', "d e.jpg", "\u00fc.jpg", "z.jpg"], [7, 0, 999, 3, 3]
    path = str(tmp_path / "index.csv")
    index_csv.write(path, names, labels, shard_size=2)
    index = index_csv.read(path)
    assert index.names == names and index.labels == labels and index.shards == [0, 0, 1, 1, 2]


def test_a_line_is_a_row_with_the_columns_that_the_documents_name(tmp_path):
    index_csv.write(str(tmp_path / "index.csv"), ["a.jpg", "b,c.jpg"], [5, 6], shard_size=1)
    assert (tmp_path / "index.csv").read_bytes() == (HEADER + '0,a.jpg,5,0\n1,"b,c.jpg",6,1\n').encode()


def test_a_label_for_every_name_or_no_index(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        index_csv.write(str(tmp_path / "index.csv"), ["a.jpg", "b.jpg"], [5], shard_size=1)


@pytest.mark.parametrize(
    "rows",
    [
        "0,a.jpg,5,0\n2,b.jpg,6,0\n",  # one left out
        "1,b.jpg,6,0\n0,a.jpg,5,0\n",  # sorted otherwise
        "0,a.jpg,5,0\n0,a.jpg,5,0\n",  # one twice
        "1,a.jpg,5,0\n2,b.jpg,6,0\n",  # counted from 1
    ],
)
def test_rows_that_are_not_numbered_in_order_are_refused(tmp_path, rows):
    (tmp_path / "index.csv").write_text(HEADER + rows)
    with pytest.raises(StepError, match="index.csv: rows are not numbered 0, 1, 2, ...: . in place of ."):
        index_csv.read(str(tmp_path / "index.csv"))


@pytest.mark.parametrize("text", ["", HEADER])
def test_an_index_without_rows_is_refused(tmp_path, text):
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(StepError, match="index.csv: no rows"):
        index_csv.read(str(tmp_path / "index.csv"))
