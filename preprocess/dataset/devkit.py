"""The ILSVRC2012 devkit's ground truth as labels: its ids are in its own order from 1, ours in sorted-wnid
order from 0.
"""

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Mapping

from pipeline.errors import BuildError
from pipeline.parts import protect, replaced
from pipeline.text import INV
from preprocess.dataset import classes

TRUTH = "ILSVRC2012_validation_ground_truth.txt"
LARGEST = 64 << 20  # bytes, unpacked: the real kit has 5 MB, a gzip bomb has more
ALL = 50_000
# what the first images show is known (sea snake, alp, Shetland sheepdog, soup bowl, ...): another order of
# classes shows here
KNOWN = (65, 970, 230, 809, 516, 57, 334, 415, 674, 332)


def write(path: str, labels: Mapping[str, int]) -> None:
    """Write val_label.txt (`NAME CLASS` lines). BuildError where a file is that says something else, and
    where none can be written.
    """
    lines = "".join(f"{name} {label}\n" for name, label in labels.items())
    try:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                if file.read() != lines:
                    raise BuildError(
                        f"{path}: is there already and says something else; move it, or name another:"
                        " --labels=FILE"
                    )
        part = f"{path}.{os.getpid()}"  # it lies among the user's own files, where no lock is held
        with replaced(path, part), open(part, "w", encoding="utf-8") as file:
            file.write(lines)
            protect(part)
    except OSError as error:
        raise BuildError(
            f"{path}: cannot be written ({error.strerror}); name another file: --labels=FILE"
        ) from None


def labels(devkit: str) -> dict[str, int]:
    """The labels of a devkit, its .tar.gz, its folder or its ground truth alone:
    {"ILSVRC2012_val_00000001.JPEG": 65, ...}.

    A full set is checked against what is known of it. BuildError where there is no ground truth, or a wrong
    one.
    """
    index_of = classes.index_of_ilsvrc_id()
    labelled = {}
    for number, line in enumerate(_truth(devkit).splitlines(), 1):
        digits = line.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 4 and int(digits) in index_of):
            raise BuildError(
                f"--devkit={devkit}: {TRUTH}: line {number} is {line[:40]!r}; expected an ILSVRC2012 id,"
                f" 1..{len(index_of)}"
            )
        labelled[name_of(number)] = index_of[int(digits)]
    if not labelled:
        raise BuildError(f"--devkit={devkit}: {TRUTH} is empty; expected a line with an id for each picture")
    check(devkit, labelled)
    return labelled


def name_of(number: int) -> str:
    """The file name of the validation image of this number, counted from 1."""
    return f"ILSVRC2012_val_{number:08d}.JPEG"


def check(source: str, labelled: Mapping[str, int]) -> None:
    """Check the labels of all 50,000 validation images. BuildError when they cannot be right.

    Other sets, and parts of this one, have labels of their own: nothing is known of them.
    """
    if len(labelled) != ALL or labelled.keys() != {name_of(number) for number in range(1, ALL + 1)}:
        return
    first = [labelled[name_of(number)] for number in range(1, len(KNOWN) + 1)]
    counts: dict[int, int] = {}
    for label in labelled.values():
        counts[label] = counts.get(label, 0) + 1
    odd = [label for label, count in counts.items() if count != ALL // 1000]
    if tuple(first) == KNOWN and not odd:
        return
    table = classes.table()
    ids = [table[label].ilsvrc_id for label in KNOWN]
    if first == [label + 1 for label in KNOWN]:
        says = "it is one-based (or shifted by a background class): subtract 1 from each label"
    elif first == [label - 1 for label in KNOWN]:
        says = "every label is one too low: add 1 to each"
    elif first in (ids, [number - 1 for number in ids]):
        says = f"it is in the devkit's order: make it with {INV} data --devkit=ILSVRC2012_devkit_t12.tar.gz"
    elif tuple(first) == KNOWN:
        says = f"class {min(odd)} has {counts[min(odd)]} pictures, expected {ALL // 1000}"
    else:
        wrong = next(at for at, label in enumerate(KNOWN) if first[at] != label)
        says = (
            f"{name_of(wrong + 1)} has label {first[wrong]}, known is {KNOWN[wrong]}"
            f" ({table[KNOWN[wrong]].name})"
        )
    raise BuildError(f"{source}: not the labels of the ILSVRC2012 validation set: {says}")


def _truth(devkit: str) -> str:
    if os.path.isdir(devkit):
        for folder, below, files in os.walk(devkit, onerror=_refuse_folder):
            below.sort()
            if TRUTH in files:
                return _text(devkit, open_limited(os.path.join(folder, TRUTH)))
        raise BuildError(
            f"--devkit={devkit}: no {TRUTH} in this folder; expected the extracted ILSVRC2012_devkit_t12"
        )
    if not os.path.isfile(devkit):
        raise BuildError(
            f"--devkit={devkit}: no such file; expected ILSVRC2012_devkit_t12.tar.gz or its folder"
        )
    if devkit.endswith(".txt"):
        return _text(devkit, open_limited(devkit))
    return _text(devkit, _from_archive(devkit))


def _from_archive(devkit: str) -> bytes:
    try:
        data = open_limited(devkit)
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as unpacked:
                data = unpacked.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise BuildError(
                f"--devkit={devkit}: unpacks to more than {LARGEST >> 20} MiB; the real one has 5"
            )
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                if member.isreg() and not member.issparse() and member.name.rpartition("/")[2] == TRUTH:
                    file = archive.extractfile(member)
                    return file.read() if file else b""
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, OverflowError) as error:
        raise BuildError(
            f"--devkit={devkit}: not a readable .tar.gz ({error}); expected ILSVRC2012_devkit_t12.tar.gz"
        ) from error
    raise BuildError(f"--devkit={devkit}: no {TRUTH} in this archive; expected ILSVRC2012_devkit_t12.tar.gz")


def open_limited(path: str) -> bytes:
    """Read a file's bytes, LARGEST + 1 at most. BuildError where it is no regular file."""
    if not os.path.isfile(path):  # a pipe would be waited for, a link to nothing is no ground truth
        raise BuildError(
            f"--devkit={path}: no regular file; expected ILSVRC2012_devkit_t12.tar.gz or its folder"
        )
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | None, error: OSError) -> BuildError:
    return BuildError(
        f"--devkit={path}: cannot be read ({error.strerror}); give this user the right to, or get it anew"
    )


def _refuse_folder(error: OSError) -> None:
    """What os.walk does with a folder that it cannot list; alone it would leave it out."""
    raise _unreadable(error.filename, error) from error


def _text(devkit: str, data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise BuildError(
            f"--devkit={devkit}: {TRUTH} is not text; expected a line with an id for each picture"
        ) from None
