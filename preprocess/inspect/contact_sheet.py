"""A contact sheet: images out of the shards, as the network sees them, each with its name and label.

A wrong crop, colour order or label shows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from preprocess.dataset import classes, index_csv
from preprocess.undecodable import rows_of

GAP, LINE = 8, 14  # pixels between images; height of a line of text
COLUMNS = 6
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Tile(NamedTuple):
    """One image of the sheet, uint8 (h, w, 3) RGB, and the two lines below it."""

    pixels_u8: NDArray[np.uint8]
    name: str
    caption: str


def write(
    outputs: Sequence[str],
    *,
    index: str,
    shards: Sequence[str],
    undecodable: Sequence[str] = (),
    images: int = 24,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    order: str = "rgb",
    names: Sequence[str] | None = None,
) -> None:
    """Write a PNG of `images` rows, spread evenly over the data set.

    index        index.csv
    shards       all shards in order: uint8 (n, h, w, 3), or float32 (n, 3, h, w) normalised
    undecodable  lists of images that cannot be decoded
    mean, std    of float32 shards, to undo the normalisation, in the order of their channels
    order        of the channels in the shards: rgb or bgr
    names        class names by label; without them, those of ImageNet where the labels are its own
    """
    table = index_csv.read(index)
    first: dict[int, int] = {}
    for row, shard in enumerate(table.shards):
        first.setdefault(shard, row)
    arrays = [np.load(path, mmap_mode="r") for path in shards]
    zeros = set(rows_of(undecodable))
    count = min(images, len(table.names))
    tiles = []
    for row in sorted({number * len(table.names) // count for number in range(count)}):
        pixels = arrays[table.shards[row]][row - first[table.shards[row]]]
        label = "cannot be decoded" if row in zeros else caption(table.labels[row], names)
        tiles.append(Tile(pixels_u8(pixels, mean, std, order), table.names[row], label))
    sheet(tiles).save(outputs[0], "PNG")


def pixels_u8(
    row: NDArray[np.uint8] | NDArray[np.float32],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    order: str,
) -> NDArray[np.uint8]:
    """One row of a shard, uint8 (h, w, 3) or float32 (3, h, w), as uint8 (h, w, 3) RGB."""
    pixels: NDArray[np.uint8]
    if row.dtype == np.uint8:
        pixels = row.astype(np.uint8, copy=False)
    else:
        values = row.transpose(1, 2, 0) * np.asarray(std, np.float32) + np.asarray(mean, np.float32)
        pixels = np.rint(values * 255).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels[:, :, ::-1] if order == "bgr" else pixels)


def caption(label: int, names: Sequence[str] | None) -> str:
    """A label and what it is called: `65: sea snake`."""
    if names is None:
        names = [known.name for known in classes.table()]
    return f"{label}: {names[label].partition(',')[0] if 0 <= label < len(names) else 'no class'}"


def sheet(tiles: Sequence[Tile]) -> Image.Image:
    """Draw the tiles, all of one square size, in rows of COLUMNS."""
    font = ImageFont.load_default(11)
    size = tiles[0].pixels_u8.shape[0]
    width, height = max(size, 160) + GAP, size + 2 * LINE + GAP
    rows = -(-len(tiles) // COLUMNS)
    canvas = Image.new("RGB", (GAP + min(len(tiles), COLUMNS) * width, GAP + rows * height), "white")
    pen = ImageDraw.Draw(canvas)
    for number, tile in enumerate(tiles):
        left, top = GAP + number % COLUMNS * width, GAP + number // COLUMNS * height
        canvas.paste(Image.fromarray(tile.pixels_u8), (left, top))
        pen.text((left, top + size), _fitted(pen, tile.name, font, width - GAP), "gray", font)
        pen.text((left, top + size + LINE), _fitted(pen, tile.caption, font, width - GAP), "black", font)
    return canvas


def _fitted(pen: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> str:
    """The text, its middle left out where it is too long: both ends of a file name say something."""
    if pen.textlength(text, font) <= width:
        return text
    keep = len(text)
    while keep > 2 and pen.textlength(f"{text[: keep // 2]}…{text[-(keep // 2) :]}", font) > width:
        keep -= 1
    return f"{text[: keep // 2]}…{text[-(keep // 2) :]}"
