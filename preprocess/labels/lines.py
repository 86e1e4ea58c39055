"""The lines of a label file: `NAME CLASS`, `NAME,CLASS`, a CSV with the columns name and label, or the
solution file of Kaggle's ImageNet. The class is a number, or a wnid.

Kaggle's form, by the data page of its "ImageNet Object Localization Challenge": a header
`ImageId,PredictionString`, then a line an image: its name without an ending, and five words a box, the wnid
and four coordinates.
"""

import csv
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.errors import BuildError
from pipeline.text import INV
from preprocess.dataset import classes

DEVKIT_HINT = f"make a label file with: {INV} data --devkit=ILSVRC2012_devkit_t12.tar.gz"
KAGGLE = ("ImageId", "PredictionString")
SOLUTION, FORM = "LOC_val_solution.csv", "sample_submission"
BOX = 5  # words: the wnid, and the left, upper, right and lower coordinate
WNID = re.compile(r"n\d{8}")
PACKED = {b"PK\x03\x04": "a zip: unzip it", b"\x1f\x8b": "gzip data: gunzip it"}


class Line(NamedTuple):
    """One line of a label file: its number from 1, an image's name or path, its class, whether that was given
    as a wnid.
    """

    number: int
    name: str
    label: int
    by_wnid: bool = False


@dataclass
class Together:
    """What the lines of a file say together, noted line by line: the first with a wnid and the first with a
    number; whether every class is its own line's number, and no name has an image's ending.
    """

    by_wnid: Line | None = None
    by_number: Line | None = None
    lines: int = 0
    numbered: bool = True

    def note(self, line: Line, is_image: Callable[[str], bool]) -> None:
        """Take one more line into account."""
        self.lines += 1
        if self.numbered and (line.label != line.number or is_image(line.name)):
            self.numbered = False
        if line.by_wnid:
            self.by_wnid = self.by_wnid or line
        elif self.by_number is None:
            self.by_number = line


def read(path: str) -> Iterator[Line]:
    """Yield all lines, one at a time: there may be millions. BuildError names the first that is wrong, and
    says of a file that is none what it is.
    """
    if FORM in os.path.basename(path).lower():
        raise BuildError(f"{path}: Kaggle's form for answers, and no labels; those are in {SOLUTION}")
    text = _text(path)
    if path.lower().endswith(".csv") or text.startswith(",".join(KAGGLE)):
        return _of_csv(path, text)
    return _of_text(path, text)


def _split(text: str) -> Iterator[str]:
    """The lines as `split` gives them, without a list of all."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _of_text(path: str, text: str) -> Iterator[Line]:
    for number, line in enumerate(_split(text), 1):
        words = line.rstrip().replace("\t", " ")
        name, _, label = words.rpartition(" ")
        if name and _is_number(label):  # nearly all of them
            yield Line(number, _plain(name), int(label))
            continue
        if not line.strip():
            continue
        if not _is_class(label) and _is_class(words.rpartition(",")[2]):
            name, _, label = words.rpartition(",")
        if not name and label.isascii() and label.isdigit():
            raise BuildError(
                f"{path}: line {number} is {label!r}: a class and no name (a devkit's ground truth?);"
                f" {DEVKIT_HINT}"
            )
        if not _is_class(label) and WNID.fullmatch(words.partition(" ")[0]):
            raise BuildError(
                f"{path}: line {number} is {line[:40]!r}: a table of classes and no labels; in Kaggle's"
                f" ImageNet those are in {SOLUTION}"
            )
        yield _line(path, number, line, _plain(name), label)


def _plain(name: str) -> str:
    """A name without the comma that stood before its class."""
    return name.rstrip().removesuffix(",").rstrip()


def _of_csv(path: str, text: str) -> Iterator[Line]:
    rows = csv.reader(_split(text))
    try:
        header = [cell.strip() for cell in next(rows, [])]
        if {"name", "label"} <= set(header):
            at_name, at_label = header.index("name"), header.index("label")
        elif tuple(header) == KAGGLE or (len(header) == 2 and _is_class(header[1])):
            at_name, at_label = 0, 1
        else:
            raise BuildError(
                f"{path}: line 1 is {','.join(header)[:80]!r}; expected a header with the columns name and"
                " label, or Kaggle's ImageId,PredictionString"
            )
        if header and _is_class(header[at_label]):
            yield _line(path, 1, ",".join(header), header[at_name], header[at_label])
        for row in rows:
            if row:
                if len(row) != len(header):
                    raise BuildError(
                        f"{path}: line {rows.line_num} has {len(row)} fields; expected {len(header)}"
                    )
                label = row[at_label].strip()
                if tuple(header) == KAGGLE:
                    label = _of_boxes(path, rows.line_num, label)
                yield _line(path, rows.line_num, ",".join(row), row[at_name], label)
    except csv.Error as error:
        raise BuildError(
            f"{path}: line {rows.line_num}: {error}; expected a CSV with the columns name and label"
        ) from error


def _of_boxes(path: str, number: int, text: str) -> str:
    """The one wnid of all boxes of an image."""
    words = text.split()
    wnids = list(dict.fromkeys(words[::BOX]))
    if len(wnids) > 1 and len(words) % BOX == 0:
        raise BuildError(
            f"{path}: line {number} has boxes of {wnids[0]} and {wnids[1]}: which of them the picture's class"
            " is cannot be told. Keep one"
        )
    if len(wnids) != 1 or (len(words) % BOX and len(words) != 1):
        raise BuildError(
            f"{path}: line {number} is {text[:60]!r}; expected the wnid and four coordinates for each box"
        )
    return wnids[0]


def _is_class(text: str) -> bool:
    return _is_number(text) or text.lower() in classes.index_of_wnid()


def _is_number(text: str) -> bool:
    # int() alone takes "1_000", "٣" and "+7"; 19 digits are no class and very many are slow to convert
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 9


def _line(path: str, number: int, line: str, name: str, text: str) -> Line:
    if _is_number(text):
        return Line(number, name, int(text))
    index = classes.index_of_wnid().get(text.lower())
    if index is not None:
        return Line(number, name, index, by_wnid=True)
    if WNID.fullmatch(text.lower()):
        raise BuildError(f"{path}: line {number}: {text} is none of the 1,000 wnids of ILSVRC2012")
    raise BuildError(
        f"{path}: line {number} is {line[:80]!r}; expected: NAME CLASS, the class a whole number or a wnid of"
        " ILSVRC2012"
    )


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read()
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise BuildError(
            f"{path}: cannot be read ({error.strerror}); give this user the right to (chmod u+r), or name"
            " another file: --labels=FILE"
        ) from error
    except UnicodeDecodeError as error:
        packed = next((what for magic, what in PACKED.items() if data.startswith(magic)), None)
        raise BuildError(
            f"{path}: not a text file ({packed or f'byte {error.start} is not UTF-8'}); expected lines NAME"
            " CLASS"
        ) from error


def refuse_numbered(path: str, together: Together) -> None:
    """BuildError where the "classes" only count the lines, as in ImageSets/CLS-LOC/val.txt of Kaggle's
    tree: names without an ending, and each line's own number.
    """
    if together.numbered and together.lines > 1:
        raise BuildError(
            f"{path}: its numbers count the lines (Kaggle's ImageSets?), and are no classes; in Kaggle's"
            f" ImageNet those are in {SOLUTION}"
        )


def refuse_mixed(path: str, together: Together, model_classes: int | None) -> None:
    """BuildError where some classes are wnids and some numbers, and for wnids where the model's classes are
    not those of the table.
    """
    wnid, number = together.by_wnid, together.by_number
    if not wnid:
        return
    if number:
        raise BuildError(
            f"{path}: line {wnid.number} has a wnid and line {number.number} a number"
            f" ({number.label}); write all classes in one way"
        )
    known = len(classes.table())
    if model_classes not in (None, known):
        raise BuildError(
            f"{path}: its classes are wnids, which stand for the {known:,} of ILSVRC2012, and the model has"
            f" {model_classes}: write them as numbers from 0, in the order of its outputs"
        )
