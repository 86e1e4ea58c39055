"""How far a model's probabilities can be trusted: the expected calibration error, and how clear answers are.

Expected calibration error: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3, with
15 bins of equal width: the mean over images of |share of right answers - mean probability| of the bin that
the image's answer is in.
"""

import numpy as np
from numpy.typing import NDArray

from eval.companions import Bin, Margins, Reliability

BINS = 15  # of the answer's probability, as in the paper
MARGINS = 20  # of the difference of the two largest probabilities
SUM = 1e-3  # as near to 1 as the outputs of a softmax add up to, in half precision


class Calibration:
    """Gathered block by block: of 14 million images nothing is kept but the bins."""

    def __init__(self) -> None:
        self._images = np.zeros(BINS, np.int64)
        self._right = np.zeros(BINS, np.int64)
        self._probability = np.zeros(BINS)
        self._margins = np.zeros((2, MARGINS), np.int64)

    def add(
        self, outputs: NDArray[np.floating], right: NDArray[np.bool_], best: NDArray[np.int64] | None = None
    ) -> None:
        """Count the images of a block: finite (images, outputs), and whether their answers are right; `best`
        is which output is the largest of each, where that is known already.
        """
        second, first = _two_largest(outputs, outputs.argmax(axis=1) if best is None else best)
        at = np.clip(np.ceil(first * BINS).astype(np.int64) - 1, 0, BINS - 1)
        self._images += np.bincount(at, minlength=BINS)
        self._right += np.bincount(at[right], minlength=BINS)
        self._probability += np.bincount(at, weights=first, minlength=BINS)
        margin = np.clip(((first - second) * MARGINS).astype(np.int64), 0, MARGINS - 1)
        for n, those in enumerate((right, ~right)):
            self._margins[n] += np.bincount(margin[those], minlength=MARGINS)

    def ece(self) -> float | None:
        """Expected calibration error, 0 to 1; None without images."""
        total = int(self._images.sum())
        return float(np.abs(self._right - self._probability).sum() / total) if total else None

    def bins(self) -> list[Bin]:
        """All bins, from the least probable answers on."""
        return [
            {
                "low": n / BINS,
                "high": (n + 1) / BINS,
                "images": int(images),
                "probability": float(self._probability[n] / images) if images else None,
                "right": float(self._right[n] / images) if images else None,
            }
            for n, images in enumerate(self._images)
        ]

    def table(self) -> Reliability:
        """What calibration.json holds."""
        return {"ece": self.ece(), "bins": self.bins(), "margins": self.margins()}

    def margins(self) -> Margins:
        """How clear right and wrong answers were."""
        right, wrong = self._margins.tolist()
        return {"step": 1 / MARGINS, "right": right, "wrong": wrong}


def are_probabilities(outputs: NDArray[np.floating]) -> bool:
    """Whether finite (images, outputs) went through a softmax already: none is negative, and each image's add
    up to 1.
    """
    if outputs.min() < 0:
        return False
    return bool(np.abs(outputs.sum(axis=1, dtype=np.float64) - 1).max() <= SUM)


def probabilities(outputs: NDArray[np.floating], already: bool) -> NDArray[np.float64]:
    """The probabilities of finite (images, outputs): their softmax, or they themselves where they are it
    `already`.
    """
    exact = outputs.astype(np.float64)
    if already:
        return exact
    shares: NDArray[np.float64] = np.exp(exact - exact.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _two_largest(
    outputs: NDArray[np.floating], at: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(second, first) largest probability of each image, of logits or of what is a softmax's already; `at` is
    which output is the largest.
    """
    if outputs.shape[1] == 1:
        return np.zeros(len(outputs)), np.ones(len(outputs))
    if not np.issubdtype(outputs.dtype, np.floating):  # differences of integers may not fit into them
        outputs = outputs.astype(np.float64)
    rows = np.arange(len(outputs))
    top = outputs[rows, at]
    rest = outputs.copy()  # all that follows is done in it: this is what takes the time of judging
    rest[rows, at] = -np.inf
    second, first = rest.max(axis=1).astype(np.float64), top.astype(np.float64)
    if are_probabilities(outputs):
        return second, first
    rest[rows, at] = top
    np.subtract(rest, top[:, None], out=rest)
    # float32 is exact enough for a histogram, and twice as fast
    powers = rest.astype(np.float32, copy=False)
    share = 1 / np.exp(powers, out=powers).sum(axis=1, dtype=np.float64)
    return share * np.exp(second - first), share
