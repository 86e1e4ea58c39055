"""Draws the sample's images: JPEGs of many sizes and encodings, the same bytes on every run of a machine.

An image depends on its split and number alone. Colour and shape make the class; place, size, tilt, shade,
background, clutter, noise and lighting do not. Grayscale files hold grey patterns only: a red disc without
red is no longer one.
"""

import functools
import math
import random
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from preprocess.sample import splits

Point = tuple[float, float]
Polygons = list[list[Point]]

HUES = {"red": 0, "yellow": 50, "blue": 222}  # degrees
SHORTEST, LONGEST = 96, 560  # pixels of an image's shorter side
NOISIEST = 9.0  # grey levels, standard deviation


def write(outputs: Sequence[str], *, first: int, split: str) -> None:
    """Write the images first, first + 1, ... of a split (from 0), one an output, as JPEG files."""
    for number, path in enumerate(outputs, first):
        rng = random.Random(f"{split} {number}")
        label = splits.CLASSES[splits.labels(split)[number]]
        mode = _mode(rng, grey=label.startswith("grey"))
        image(rng, label).convert(mode).save(
            path,
            "JPEG",
            quality=rng.randint(70, 96),
            subsampling=-1 if mode == "CMYK" else rng.choice([0, 1, 2, 2]),
            progressive=rng.random() < 0.2,
        )


def image(rng: random.Random, label: str) -> Image.Image:
    """Draw an RGB image of a class, of a size of its own. The thing lies inside the square that a centre crop
    keeps.
    """
    short = int(SHORTEST * (LONGEST / SHORTEST) ** rng.random())
    long = int(short * rng.choice([1, 4 / 3, 3 / 2, rng.uniform(1, 2)]))
    size = (long, short) if rng.random() < 0.6 else (short, long)
    colour, name = label.split()
    canvas = _background(rng, size)
    draw = ImageDraw.Draw(canvas)
    _clutter(rng, draw, size)
    radius = short * rng.uniform(0.22, 0.36)
    reach = max(0.0, 0.42 * short - radius)
    centre = tuple(side / 2 + rng.uniform(-reach, reach) for side in size)
    tilt = rng.uniform(0, 360)
    outline = functools.partial(_placed, centre=centre, radius=radius, tilt=tilt)
    if colour == "grey":
        dark, bright = rng.randint(15, 85), rng.randint(165, 245)
        draw.polygon([outline(at) for at in _square()], fill=(bright,) * 3)
        for polygon in PATTERN[name](rng.randint(3, 4)):
            draw.polygon([outline(at) for at in polygon], fill=(dark,) * 3)
    else:
        shade = _shade(rng, HUES[colour])
        for polygon in SHAPE[name]():
            draw.polygon([outline(at) for at in polygon], fill=shade)
    return _photographed(rng, canvas)


def _mode(rng: random.Random, grey: bool) -> str:
    drawn = rng.random()
    if grey and drawn < 0.4:
        return "L"
    return "CMYK" if drawn > 0.95 else "RGB"


def _background(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A dull colour that slides into another, so that it says nothing about the class."""
    corners = [[_dull(rng) for _ in range(2)] for _ in range(2)]
    return Image.fromarray(np.array(corners, np.uint8)).resize(size, Image.Resampling.BICUBIC)


def _dull(rng: random.Random) -> tuple[int, ...]:
    level = rng.randint(60, 200)
    return tuple(min(255, max(0, level + rng.randint(-30, 30))) for _ in range(3))


def _clutter(rng: random.Random, draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """Thin dull lines and specks behind the thing."""
    for _ in range(rng.randint(2, 9)):
        ends = [rng.uniform(0, size[axis]) for _ in range(2) for axis in range(2)]
        draw.line(ends, fill=_dull(rng), width=max(1, int(min(size) * rng.uniform(0.005, 0.03))))


def _shade(rng: random.Random, hue: float) -> tuple[int, ...]:
    """RGB of about that hue, strong enough to be named."""
    top, depth, turn = rng.uniform(0.6, 1.0), rng.uniform(0.62, 1.0), hue + rng.uniform(-10, 10)
    channels = []
    for shift in (0, 240, 120):  # the distance of red, green and blue on the colour wheel
        distance = abs((turn + shift + 180) % 360 - 180)
        channels.append(int(255 * top * (1 - depth * min(1.0, max(0.0, distance / 60 - 1)))))
    return tuple(channels)


def _photographed(rng: random.Random, canvas: Image.Image) -> Image.Image:
    """Blur, uneven light and sensor noise."""
    soft = canvas.filter(ImageFilter.GaussianBlur(min(canvas.size) * rng.uniform(0.001, 0.008)))
    pixels = np.asarray(soft, np.float32)
    height, width = pixels.shape[:2]
    slope = np.linspace(rng.uniform(0.7, 1.0), rng.uniform(0.7, 1.0), width, dtype=np.float32)[None, :, None]
    noise = np.random.default_rng(rng.getrandbits(64)).standard_normal((height, width, 1), np.float32)
    lit = pixels * slope * np.float32(rng.uniform(0.8, 1.15)) + noise * np.float32(rng.uniform(1, NOISIEST))
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def _placed(at: Point, centre: Sequence[float], radius: float, tilt: float) -> Point:
    """From the unit square around 0 to the image's pixels."""
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    return centre[0] + radius * (at[0] * cos - at[1] * sin), centre[1] + radius * (at[0] * sin + at[1] * cos)


def _circle(radius: float, at: Point = (0.0, 0.0), points: int = 48) -> list[Point]:
    turns = [2 * math.pi * point / points for point in range(points)]
    return [(at[0] + radius * math.cos(turn), at[1] + radius * math.sin(turn)) for turn in turns]


def _square(half: float = 0.88) -> list[Point]:
    return [(-half, -half), (half, -half), (half, half), (-half, half)]


def _box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _cells(count: int) -> list[float]:
    """The left edges of `count` cells across the square, and its right edge."""
    return [-0.88 + 1.76 * cell / count for cell in range(count + 1)]


def _stripes(count: int) -> Polygons:
    edges = _cells(2 * count)
    return [_box(left, -0.88, right, 0.88) for left, right in zip(edges[::2], edges[1::2], strict=False)]


def _checks(count: int) -> Polygons:
    edges = _cells(count + 1)
    return [
        _box(edges[x], edges[y], edges[x + 1], edges[y + 1])
        for x in range(count + 1)
        for y in range(count + 1)
        if (x + y) % 2
    ]


def _dots(count: int) -> Polygons:
    edges, half = _cells(count), 0.88 / count
    return [_circle(0.6 * half, (x + half, y + half), 24) for x in edges[:-1] for y in edges[:-1]]


def _rings(count: int) -> Polygons:
    """Dark rings as bands between two circles, one polygon each."""
    bands = []
    for ring in range(count):
        outer, inner = (0.86 * (ring + share) / count for share in (1.0, 0.5))
        bands.append([*_circle(outer), (outer, 0.0), (inner, 0.0), *reversed(_circle(inner))])
    return bands


SHAPE: dict[str, Callable[[], Polygons]] = {
    "disc": lambda: [_circle(0.9)],
    "square": lambda: [_square(0.82)],
    "triangle": lambda: [_circle(1.08, points=3)],
    "cross": lambda: [_box(-0.98, -0.3, 0.98, 0.3), _box(-0.3, -0.98, 0.3, 0.98)],
}
PATTERN: dict[str, Callable[[int], Polygons]] = {
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
    "rings": _rings,
}
