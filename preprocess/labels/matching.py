"""Which line of a label file is which image's. A line names an image as it is called, or without its ending;
in a data set whose base names are not unique by a path, of which folders may be left out at the front.

What else differs is not guessed at: it is said.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from pipeline.errors import BuildError
from preprocess.dataset.image_files import is_image

# what may be different about one name in two places, in the order in which it is said
DIFFERENCES: dict[str, Callable[[str], str]] = {
    "the ending": lambda name: name.rpartition(".")[0] if is_image(name) else name,
    "upper and lower case": str.casefold,
    "the slashes (\\ and /)": lambda name: name.replace("\\", "/").rpartition("/")[2],
    "blanks or quotes": lambda name: "".join(name.split()).replace('"', "").replace("'", ""),
    "the Unicode form of its letters": lambda name: unicodedata.normalize("NFC", name),
    "zeros before a number": lambda name: "".join(
        part.lstrip("0") or "0" if part.isdecimal() else part for part in _numbers_apart(name)
    ),
}


def renamed(label_of: Mapping[str, int], images: Iterable[str], source: str) -> dict[str, int]:
    """The labels under the names of their images; what is no image's stays under its own.

    `source` is the file that they are from. BuildError for a line that may be of two images, and for two
    lines of one.
    """
    names = list(images)
    if label_of.keys() == set(names):
        return dict(label_of)
    known, stems = _known(names)
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
            stems.setdefault(DIFFERENCES["the ending"](short), []).append(name)
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
    plainest = _plain(line, DIFFERENCES)
    alike = next((name for name in names if _plain(name, DIFFERENCES) == plainest), None)
    if alike is None:
        return line, names[0], "nothing of them is the same"
    for count in range(1, len(DIFFERENCES) + 1):
        for words in combinations(DIFFERENCES, count):
            if _plain(line, words) == _plain(alike, words):
                return line, alike, f"{' and '.join(words)} {'differs' if count == 1 else 'differ'}"
    return line, alike, "they differ"


def _plain(name: str, differences: Iterable[str]) -> str:
    for words in differences:
        name = DIFFERENCES[words](name)
    return name


def _numbers_apart(name: str) -> list[str]:
    """The name in pieces, digits and others in turn."""
    pieces: list[str] = []
    for letter in name:
        if pieces and pieces[-1].isdecimal() == letter.isdecimal():
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces
