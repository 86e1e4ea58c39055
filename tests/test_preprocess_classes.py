"""The shipped table of classes."""

from preprocess.dataset import classes


def test_the_table_is_sorted_by_wnid_and_whole():
    table = classes.table()
    assert [known.index for known in table] == list(range(1000))
    assert [known.wnid for known in table] == sorted(known.wnid for known in table)
    assert sorted(known.ilsvrc_id for known in table) == list(range(1, 1001))


def test_known_classes_are_where_they_belong():
    assert classes.index_of_wnid()["n01440764"] == 0 and classes.table()[0].name == "tench, Tinca tinca"
    assert classes.index_of_ilsvrc_id()[490] == 65 and classes.table()[65].name == "sea snake"
