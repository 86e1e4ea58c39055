"""ImageNet as Kaggle hands it out: its tree is found and its solution file read; what is no validation set is
never taken for one.
"""

import pytest
from inv import inv
from pictures import folder, jpeg, tarred

from pipeline.errors import BuildError
from preprocess.dataset import classes, labels
from preprocess.dataset.listing import listed

WNIDS = [known.wnid for known in classes.table()]
BOX = " 111 108 230 366 "
COUNT = 20


def name_of(number, part="val"):
    return f"ILSVRC2012_{part}_{number:08d}"


def wnid_of(number):
    return WNIDS[number * 29 % 1000]


def solution(path, part="val", boxes=lambda number: (wnid_of(number) + BOX) * (1 + number % 3)):
    path.write_text(
        "ImageId,PredictionString\n"
        + "".join(f"{name_of(number, part)},{boxes(number)}\n" for number in range(1, COUNT + 1))
    )
    return path


@pytest.fixture
def root(tmp_path):
    """The folder that the unpacked download is: a small one in its structure."""
    top = tmp_path / "imagenet"
    inside = top / "ILSVRC"
    for part in ("val", "test"):
        folder(
            inside / "Data/CLS-LOC" / part,
            [f"{name_of(number, part)}.JPEG" for number in range(1, COUNT + 1)],
        )
    folder(inside / "Data/CLS-LOC/train", [f"{wnid}/{wnid}_{n}.JPEG" for wnid in WNIDS[:2] for n in range(3)])
    for place in ("Annotations/CLS-LOC/val", "Annotations/CLS-LOC/train/n01440764", "ImageSets/CLS-LOC"):
        (inside / place).mkdir(parents=True)
    for number in range(1, COUNT + 1):
        (inside / f"Annotations/CLS-LOC/val/{name_of(number)}.xml").write_text("<annotation/>")
    (inside / "ImageSets/CLS-LOC/val.txt").write_text(
        "".join(f"{name_of(number)} {number}\n" for number in range(1, COUNT + 1))
    )
    solution(top / "LOC_val_solution.csv")
    solution(top / "LOC_sample_submission.csv", "test", lambda number: "n03627232 1 1 2 2")
    (top / "LOC_train_solution.csv").write_text("ImageId,PredictionString\nn01440764_0,n01440764 1 2 3 4 \n")
    (top / "LOC_synset_mapping.txt").write_text(
        "".join(f"{known.wnid} {known.name}\n" for known in classes.table())
    )
    return top


RIGHT = [(f"{name_of(number)}.JPEG", WNIDS.index(wnid_of(number))) for number in range(1, COUNT + 1)]


def pairs(listing):
    return [(image.name, image.label) for image in listing.images]


def test_kaggles_tree_as_it_comes_builds_with_the_data_set_alone(root, tmp_path):
    answer = inv("preprocess", f"--dataset={root}", out=tmp_path / "out")
    (index,) = (tmp_path / "out").glob("data/*/index.csv")
    rows = [line.split(",")[1:3] for line in index.read_text().splitlines()[1:]]
    assert [(name, int(label)) for name, label in rows] == RIGHT
    (line,) = [line for line in answer.err.splitlines() if line.startswith("inv: ")]
    assert f"--dataset={root}: the pictures in ILSVRC/Data/CLS-LOC/val are taken" in line


@pytest.mark.parametrize(
    "below", ["", "ILSVRC", "ILSVRC/Data", "ILSVRC/Data/CLS-LOC", "ILSVRC/Data/CLS-LOC/val"]
)
def test_every_folder_down_to_val_gives_the_same_pictures_and_labels(root, below):
    listing = listed(str(root / below), None, 1000)
    assert pairs(listing) == RIGHT and listing.root == f"{root}/ILSVRC/Data/CLS-LOC/val"
    assert listing.part == ("ILSVRC/Data/CLS-LOC/val".removeprefix(below).strip("/"))


def test_a_link_to_val_finds_the_solution_file_above_its_target(root, tmp_path):
    (tmp_path / "here").symlink_to(root / "ILSVRC/Data/CLS-LOC/val")
    assert pairs(listed(str(tmp_path / "here"), None, 1000)) == RIGHT


def test_a_solution_file_of_other_pictures_is_not_taken(root, tmp_path):
    own = folder(root / "mine", [f"{wnid}/{wnid}.JPEG" for wnid in WNIDS[5:7]])
    assert [image.label for image in listed(own, None, 1000).images] == [5, 6]


def test_a_val_that_was_sorted_into_wnid_folders_is_read(root):
    val = root / "ILSVRC/Data/CLS-LOC/val"
    for number in range(1, COUNT + 1):
        (val / wnid_of(number)).mkdir(exist_ok=True)
        (val / f"{name_of(number)}.JPEG").rename(val / wnid_of(number) / f"{name_of(number)}.JPEG")
    assert pairs(listed(str(root), None, 1000)) == RIGHT
    (root / "LOC_val_solution.csv").unlink()
    assert pairs(listed(str(root), None, 1000)) == RIGHT


def test_a_tar_of_the_tree_is_read_as_the_tree(root, tmp_path):
    packed = {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.glob("ILSVRC/**/*"))
        if path.is_file()
    }
    tar = tarred(tmp_path / "kaggle.tar", packed)
    (root / "LOC_val_solution.csv").rename(tmp_path / "LOC_val_solution.csv")
    listing = listed(tar, None, 1000)
    assert pairs(listing) == RIGHT and listing.part == "ILSVRC/Data/CLS-LOC/val"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("labels.txt", "{name} {wnid}\n"),
        ("labels.txt", "{name}.JPEG {wnid}\n"),
        ("labels.txt", "{name},{wnid}\n"),
        ("labels.txt", "{name}.JPEG, {wnid}\n"),
        ("labels.txt", "val/{name}\t{wnid}\r\n"),
        ("labels.csv", "{name},{wnid}\n"),
        ("labels.csv", "{name}.JPEG,{wnid}\n"),
    ],
)
def test_labels_may_be_wnids_and_names_without_their_ending(root, tmp_path, name, line):
    text = "".join(line.format(name=name_of(n), wnid=wnid_of(n)) for n in range(1, COUNT + 1))
    (tmp_path / name).write_text(text)
    assert pairs(listed(str(root / "ILSVRC/Data/CLS-LOC/val"), str(tmp_path / name), 1000)) == RIGHT


@pytest.mark.parametrize("part", ["train", "test"])
def test_train_and_test_are_never_taken_unasked(root, part, tmp_path):
    places = root / "ILSVRC/Data/CLS-LOC"
    (places / "val").rename(tmp_path / "gone")
    with pytest.raises(
        BuildError, match="no val/ in it, only .*train and .*test, which is no .*--dataset=.*/train"
    ):
        listed(str(root), None, 1000)
    (places / ("test" if part == "train" else "train")).rename(tmp_path / "gone too")
    with pytest.raises(BuildError, match=f"no val/ in it, only .*{part}, which is no "):
        listed(str(root), None, 1000)
    # that a flat folder called test is none of the classes shows in its pictures' names
    with pytest.raises(BuildError, match="no val/ in it, only train, |test part are not published"):
        listed(str(places), None, 1000)


def test_train_is_evaluated_only_where_it_is_named_and_says_so(root, tmp_path):
    train = root / "ILSVRC/Data/CLS-LOC/train"
    answer = inv("preprocess", f"--dataset={train}", out=tmp_path / "out")
    assert "the part train are taken, which is no validation set" in answer.err


def test_the_test_part_has_no_labels_and_the_form_for_answers_is_none(root):
    test = str(root / "ILSVRC/Data/CLS-LOC/test")
    with pytest.raises(BuildError, match="test part are not published"):
        listed(test, None, 1000)
    with pytest.raises(BuildError, match="sample_submission.csv: Kaggle's form for answers, and no labels"):
        listed(test, str(root / "LOC_sample_submission.csv"), 1000)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("LOC_synset_mapping.txt", "line 1 is 'n01440764 tench.*a table of classes"),
        ("ILSVRC/ImageSets/CLS-LOC/val.txt", "numbers count the lines"),
    ],
)
def test_other_files_of_the_download_are_no_labels(root, name, says):
    with pytest.raises(BuildError, match=f"{says}.*LOC_val_solution.csv"):
        listed(str(root), str(root / name), 1000)


@pytest.mark.parametrize(
    ("boxes", "says"),
    [
        ("n01440764 1 2 3 4 n15075141 1 2 3 4 ", "boxes of n01440764 and n15075141"),
        ("n01440764 1 2 3", "expected the wnid and four coordinates"),
        ("", "expected the wnid and four coordinates"),
        ("n99999999 1 2 3 4 ", "n99999999 is none of the 1,000 wnids"),
    ],
)
def test_a_line_of_boxes_that_says_no_single_class_is_told(tmp_path, boxes, says):
    (tmp_path / "LOC_val_solution.csv").write_text(f"ImageId,PredictionString\n{name_of(1)},{boxes}\n")
    with pytest.raises(BuildError, match=f"line 2.*{says}"):
        labels.read(str(tmp_path / "LOC_val_solution.csv"))


def test_wnids_are_no_classes_of_another_model(root):
    with pytest.raises(BuildError, match="its classes are wnids, .* and the model has 16"):
        listed(str(root), None, 16)


def test_wnids_and_numbers_in_one_file_are_told(tmp_path):
    (tmp_path / "labels.txt").write_text("a.JPEG n01440764\nb.JPEG 1\n")
    with pytest.raises(BuildError, match="line 1 has a wnid and line 2 a number"):
        labels.read(str(tmp_path / "labels.txt"))


def test_what_is_packed_is_to_be_unpacked(root, tmp_path):
    packed = tmp_path / "all" / "imagenet-object-localization-challenge.zip"
    packed.parent.mkdir()
    packed.write_bytes(b"PK\x03\x04" + bytes(99))
    with pytest.raises(BuildError, match="a zip: unzip it and name the folder"):
        listed(str(packed), None, 1000)
    with pytest.raises(BuildError, match="but imagenet-object-localization-challenge.zip: unpack it"):
        listed(str(packed.parent), None, 1000)
    (root / "LOC_val_solution.csv").unlink()
    (root / "LOC_val_solution.csv.zip").write_bytes(b"PK\x03\x04\xff\xff")
    with pytest.raises(BuildError, match=r"LOC_val_solution.csv.zip: unzip it"):
        listed(str(root), None, 1000)
    with pytest.raises(BuildError, match="not a text file .a zip: unzip it"):
        listed(str(root), str(root / "LOC_val_solution.csv.zip"), 1000)


def test_a_missing_solution_file_is_named_in_one_short_line(root):
    (root / "LOC_val_solution.csv").unlink()
    with pytest.raises(BuildError) as told:
        listed(str(root), None, 1000)
    line = str(told.value)
    assert "(looked for val_label.txt and LOC_val_solution.csv). Give --labels=FILE, or" in line
    assert (
        "data --devkit=" in line
        and len(f"inv: {line}".replace(str(root), "/a/folder/of/somebody/KAGGLE")) < 200
    )


def test_a_label_file_beside_the_solution_must_say_the_same(root):
    right = "".join(f"{name} {label}\n" for name, label in RIGHT)
    place = root / "ILSVRC/Data/CLS-LOC/val_label.txt"
    place.write_text(right)
    assert pairs(listed(str(root / "ILSVRC/Data/CLS-LOC"), None, 1000)) == RIGHT
    place.write_text(right.replace(f" {RIGHT[0][1]}\n", " 7\n", 1))
    with pytest.raises(BuildError, match="val_label.txt and .*LOC_val_solution.csv differ"):
        listed(str(root / "ILSVRC/Data/CLS-LOC"), None, 1000)


def test_a_picture_of_its_own_beside_the_parts_hides_nothing(root):
    (root / "ILSVRC/Data/CLS-LOC/x.JPEG").write_bytes(jpeg())
    with pytest.raises(BuildError, match="1 picture lies beside val/"):
        listed(str(root), None, 1000)
