"""The few images that a person looks at: those that are most confidently wrong, and those whose answer
changed when the network was compiled; each as the network saw it, with its five best guesses.
"""

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eval import records
from eval.companions import Gallery, Picture
from eval.judging.calibration import probabilities
from eval.judging.picked import SHOWN, Seen, Wrong, blocks
from pipeline.errors import StepError
from preprocess.dataset import classes
from preprocess.inspect.contact_sheet import pixels_u8
from preprocess.undecodable import rows_of

GUESSES = 5
THUMBNAIL_PX, QUALITY = 160, 80


class Flip(NamedTuple):
    """What flipped.csv says of an image at one batch size or several: PyTorch's class and how clear it is."""

    torch: int
    margin: float
    batches: list[int]


@dataclass(frozen=True)
class Pictures:
    """The shards, and how their channels are ordered and, of float32, normalised."""

    shards: Sequence[str]
    mean: Sequence[float] | None
    std: Sequence[float] | None
    order: str

    def thumbnail(self, seen: Seen) -> str:
        """The pixels that the network got, as a small JPEG in base64."""
        pixels = np.load(self.shards[seen.shard], mmap_mode="r")[seen.at]
        picture = Image.fromarray(pixels_u8(pixels, self.mean, self.std, self.order))
        # it never enlarges; without the gap it would halve roughly first
        picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS, reducing_gap=None)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=QUALITY)
        return base64.b64encode(file.getvalue()).decode("ascii")


def write(
    outputs: Sequence[str],
    *,
    index: str,
    answers: str,
    logits: Sequence[str],
    shards: Sequence[str],
    undecodable: Sequence[str] = (),
    flipped: Sequence[str] = (),
    batches: Sequence[int] = (),
    background: bool = False,
    names: Sequence[str] = (),
    class_table: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    order: str = "rgb",
) -> None:
    """Write gallery.json, a Gallery: `wrong_total` and `flipped_total` are of all images.

    index, answers    index.csv, and answers.csv of the same images
    logits, shards    as many files, row for row: float32 (n, outputs); pixels as in contact_sheet.write
    undecodable       lists of images that could not be decoded: wrong, but there is no picture to show
    flipped, batches  flipped.csv of each batch size, and these batch sizes: of all images in them the ones
                      that are clearest to PyTorch are shown, the clearest first
    background        whether output 0 is no class: it is shown as class -1
    names, class_table  what classes are called, as in accuracy.write
    mean, std, order  of the shards, as in contact_sheet.write
    """
    if len(logits) != len(shards):
        raise StepError(f"{len(logits)} files of logits for {len(shards)} shards")
    flips = _flips(flipped, batches)
    clearest = sorted(flips, key=lambda row: (-flips[row].margin, row))[:SHOWN]
    wrong = Wrong(frozenset(rows_of(undecodable)))
    seen: dict[int, Seen] = {}
    for block in blocks(index, answers, logits):
        wrong.add(block)
        inside = [row for row in clearest if 0 <= row - block.start < len(block.images)]
        seen.update((row, block.seen(row - block.start)) for row in inside)
    pictures = Pictures(shards, mean, std, order)
    shown = [_entry(each, background, pictures) for each in wrong.shown()]
    changed: list[Picture] = [
        {
            **_entry(seen[row], background, pictures),
            "torch": flips[row].torch,
            "batches": flips[row].batches,
        }
        for row in clearest
    ]
    gallery: Gallery = {
        "wrong": shown,
        "flipped": changed,
        "wrong_total": wrong.total,
        "flipped_total": len(flips),
        "thumbnail_px": THUMBNAIL_PX,
        "class_names": _class_names(shown, changed, classes.called(names, class_table)),
    }
    records.write_json(outputs[0], gallery)


def _flips(paths: Sequence[str], batches: Sequence[int]) -> dict[int, Flip]:
    """{row: its flip} over all batch sizes."""
    flips: dict[int, Flip] = {}
    for path, batch in zip(paths, batches, strict=True):
        with open(path, encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                flip = Flip(int(line["torch"]), float(line["margin"]), [])
                flips.setdefault(int(line["row"]), flip).batches.append(batch)
    return flips


def _entry(seen: Seen, background: bool, pictures: Pictures) -> Picture:
    return {
        "row": seen.row,
        "name": seen.image.name,
        "label": seen.image.label,
        "answer": seen.answer,
        "guesses": [] if seen.outputs is None else _guesses(seen.outputs, seen.already, background),
        "thumbnail": pictures.thumbnail(seen),
    }


def _guesses(outputs: NDArray[np.floating], already: bool, background: bool) -> list[tuple[int, float]]:
    (chances,) = probabilities(outputs[None], already)
    best = np.argsort(-outputs, kind="stable")[:GUESSES]
    return [(int(output) - background, float(chances[output])) for output in best]


def _class_names(
    wrong: Iterable[Picture], flipped: Iterable[Picture], names: Sequence[str]
) -> dict[str, str]:
    """What the classes of these entries are called, as far as that is known."""
    mentioned: set[int] = set()
    for entry in (*wrong, *flipped):
        mentioned |= {entry["torch"]} if "torch" in entry else set()
        mentioned |= {entry["label"], entry["answer"], *(each for each, _ in entry["guesses"])}
    return {str(each): names[each] for each in sorted(mentioned) if 0 <= each < len(names) and names[each]}
