"""Which line of a label file is which image's. A line names an image as it is called, or without its ending;
in a data set whose base names are not unique by a path, of which folders may be left out at the front.

What else differs is not guessed at: it is said.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import combinations
from operator import eq

from pipeline.errors import BuildError
from preprocess.dataset.image_files import is_image, stem_of

NUMBER = re.compile(r"\d+")
FOLDER, ENDING = "the folder", "the ending"
# what may be different about one name in two places, in the order in which it is evened out
DIFFERENCES: dict[str, Callable[[str], str]] = {
    "blanks or quotes": lambda name: "".join(name.split()).replace('"', "").replace("'", ""),
    "the slashes (\\ and /)": lambda name: name.replace("\\", "/"),
    FOLDER: lambda name: name.rpartition("/")[2],
    ENDING: stem_of,
    "upper and lower case": str.casefold,
    "the Unicode form of its letters": lambda name: unicodedata.normalize("NFC", name),
    "zeros before a number": lambda name: NUMBER.sub(lambda digits: digits[0].lstrip("0"), name),
}


def in_order(label_of: Collection[str], images: Collection[str]) -> bool:
    """Whether these are the same names in the same order, as they mostly are: that is known without looking
    each of them up, which takes the longer the more there are.
    """
    return len(label_of) == len(images) and all(map(eq, label_of, images))


def renamed(label_of: Mapping[str, int], images: Collection[str], source: str) -> Mapping[str, int]:
    """The labels under the names of their images; what is no image's stays under its own.

    `source` is the file that they are from. BuildError for a line that may be of two images, and for two
    lines of one.
    """
    if in_order(label_of, images) or label_of.keys() == set(images):
        return label_of
    known, stems = _known(sorted(images))
    line_of: dict[str, str] = {}
    labels: dict[str, int] = {}
    for written, label in label_of.items():
        fitting = _fitting(written, known if is_image(written) else stems)
        if len(fitting) > 1:
            raise BuildError(
                f"{source}: {written} may be {fitting[0]} or {fitting[1]}: write"
                f" {'the path' if '/' in fitting[0] else 'its ending'}, too"
            )
        name = fitting[0] if fitting else written
        if line_of.setdefault(name, written) != written:
            raise BuildError(
                f"{source}: {line_of[name]} and {written} are both the picture {name}. Keep one line for each"
            )
        labels[name] = label
    return labels


def _known(names: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """({what an image may be called: the images}, the same without their endings)."""
    known: dict[str, list[str]] = {}
    stems: dict[str, list[str]] = {}
    for name in names:
        short = name
        while True:
            known.setdefault(short, []).append(name)
            stems.setdefault(stem_of(short), []).append(name)
            if "/" not in short:
                break
            short = short.partition("/")[2]
    return known, stems


def _fitting(written: str, known: Mapping[str, list[str]]) -> list[str]:
    """The images that a line may be of: by its whole path, else with ever more folders left out."""
    while written not in known and "/" in written:
        written = written.partition("/")[2]
    return known.get(written, [])


def difference(written: Iterable[str], images: Iterable[str]) -> tuple[str, str, str]:
    """Where no line is any image's: (the first line's name, the name of the image that it may mean, or else
    the first, what differs).
    """
    line, names = next(iter(written)), list(images)
    # the same folder, if possible: the picture beside the line should be the one that it means
    alike = _alike(line, names, [words for words in DIFFERENCES if words != FOLDER])
    alike = alike or _alike(line, names, list(DIFFERENCES))
    if alike is None:
        return line, names[0], "nothing of them is the same"
    words = next(
        words
        for count in range(len(DIFFERENCES) + 1)
        for words in combinations(DIFFERENCES, count)
        if _even(line, words) == _even(alike, words)
    )
    return line, alike, f"they differ in {' and '.join(words)}"


def _alike(line: str, names: Iterable[str], differences: Collection[str]) -> str | None:
    """The first name that is the line's once these differences are evened out."""
    plain = _even(line, differences)
    return next((name for name in names if _even(name, differences) == plain), None)


def _even(name: str, differences: Iterable[str]) -> str:
    for words in differences:
        name = DIFFERENCES[words](name)
    return name
