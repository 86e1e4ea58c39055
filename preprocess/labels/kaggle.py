"""ImageNet as Kaggle hands it out: the tree of folders, and the solution file somewhere above the pictures.

LOC_val_solution.csv  LOC_synset_mapping.txt  ...
ILSVRC/Annotations/...  ILSVRC/ImageSets/...
ILSVRC/Data/CLS-LOC/train/n01440764/...  .../val/ILSVRC2012_val_00000001.JPEG  .../test/...
"""

import os
from collections.abc import Sequence

from preprocess.labels.lines import SOLUTION

VAL = "val"
CLS_LOC = "CLS-LOC"
OTHER_PARTS = ("train", "test")  # never taken for the validation set
# what may lie between the folder that is named and those of the parts, outermost first
ABOVE = ("", f"{CLS_LOC}/", f"Data/{CLS_LOC}/", f"ILSVRC/Data/{CLS_LOC}/")
LEVELS = 5  # folders that are looked in: from CLS-LOC/val to the one that ILSVRC lies in


def part_taken(dataset: str, part: str) -> str:
    """Say which part of ImageNet is evaluated, where that is not what was typed (`part`: a path in the tree)
    or is no validation set; else nothing.
    """
    if part:
        return f"the pictures in {part} are taken; the other parts are not"
    folder, name = os.path.split(dataset.rstrip("/"))
    if name not in OTHER_PARTS or not (os.path.basename(folder) == CLS_LOC or _beside(folder)):
        return ""
    return f"the pictures of the part {name} are taken, which is no validation set"


def _beside(folder: str) -> bool:
    return os.path.isdir(os.path.join(folder, VAL))


def solution(dataset: str, root: str) -> str | None:
    """The solution file that lies nearest to the images in `root`: in it, or in a folder above it. Of an
    archive or an index file, only beside it.
    """
    above = [root, os.path.realpath(root)] if os.path.isdir(dataset) else []
    folders = [root]
    for folder in above:
        for _ in range(LEVELS):
            folders.append(folder)
            folder = os.path.dirname(folder)
    places = (os.path.join(folder, SOLUTION) for folder in folders)
    return next((place for place in places if os.path.isfile(place)), None)


def packed_solution(places: Sequence[str]) -> str | None:
    """The solution file as a zip, in which it is handed out beside a tar: in the folders of these `places`,
    or above them.
    """
    for place in places:
        folder = os.path.dirname(place)
        for _ in range(LEVELS):
            packed = os.path.join(folder, SOLUTION + ".zip")
            if os.path.isfile(packed):
                return packed
            folder = os.path.dirname(folder)
    return None
