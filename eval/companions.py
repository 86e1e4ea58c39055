"""What the files beside records hold: actions that judge and time write them, the page reads them."""

from typing import NotRequired, TypedDict


class Picture(TypedDict):
    """One image of the gallery.

    row             of index.csv
    answer          the class that comes first: -1 the background, -2 where the outputs hold NaN or infinity
    guesses         (class, probability) of the best five, of equal ones the lower class first; none without
                    an answer
    thumbnail       a JPEG in base64
    torch, batches  of one whose first output is not PyTorch's: PyTorch's class, and the batch sizes at which
                    it is not
    """

    row: int
    name: str
    label: int
    answer: int
    guesses: list[tuple[int, float]]
    thumbnail: str
    torch: NotRequired[int]
    batches: NotRequired[list[int]]


class Gallery(TypedDict):
    """gallery.json: the images that are shown, of how many, and what the classes that they mention are
    called.
    """

    wrong: list[Picture]
    flipped: list[Picture]
    wrong_total: int
    flipped_total: int
    thumbnail_px: int
    class_names: dict[str, str]


class Bin(TypedDict):
    """Images whose answer's probability is in (low, high]."""

    low: float
    high: float
    images: int
    probability: float | None  # mean; None without images
    right: float | None  # share


class Margins(TypedDict):
    """Images by the difference of their two largest probabilities, in steps of `step` from 0: right ones and
    wrong ones.
    """

    step: float
    right: list[int]
    wrong: list[int]


class Reliability(TypedDict):
    """calibration.json: the expected calibration error, and what it is made of."""

    ece: float | None
    bins: list[Bin]
    margins: Margins


class Latencies(TypedDict):
    """latencies.json: each percentile 0 to 100 of a throughput row's queries, and the latency in ms that it
    is, by nearest rank.
    """

    percentiles: list[int]
    latency_ms: list[float]
    queries: int
