"""What a data set's classes are called, as far as that is known: the sample's own names, those of class
folders, or ImageNet's.
"""

from typing import NamedTuple

from preprocess.dataset.classes import COUNT, TABLE, index_of_wnid, table
from preprocess.sample import splits
from stages.request.dataset import Dataset


class Named(NamedTuple):
    """What a step is told: ImageNet's table is an input, so that its thousand names are in no stamp."""

    inputs: dict[str, str]
    params: dict[str, list[str]]


def of(data: Dataset) -> Named:
    """The names by which the actions that judge call the classes; neither input nor param where there are
    none.
    """
    folders = data.listing.class_folders
    if data.request.sample:
        return Named({}, {"names": list(splits.CLASSES)})
    imagenet = data.request.model.classes == COUNT
    if imagenet and all(folder.lower() in index_of_wnid() for folder in folders.values()):
        return Named({"class_table": TABLE}, {})
    if folders:
        return Named({}, {"names": [_shown(folders.get(each, "")) for each in range(max(folders) + 1)]})
    return Named({}, {})


def _shown(folder: str) -> str:
    """A folder's name as text: of a wnid what it stands for; what cannot be printed is replaced."""
    known = index_of_wnid().get(folder.lower())
    if known is not None:
        return table()[known].name.partition(",")[0]
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in folder)
