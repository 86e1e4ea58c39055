"""In a device's own process: rows that are asked for by number, through the compiled model, as classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import cast

import numpy as np
from numpy.typing import NDArray

from backends import Images
from infer.bench import timed
from pipeline.errors import BuildError, StepError
from pipeline.process import watch

Classes = NDArray[np.int32]
RANDOM = 256  # images that stand for a data set where none is given


@dataclass(frozen=True)
class Served(timed.Placed):
    """What one device's process serves. `shards`: the data set's, in order, none for random images."""

    shards: tuple[str, ...]


class Rows:
    """The images of a data set by number, from memory maps; or random ones."""

    def __init__(self, served: Served):
        self._shards: list[Images] = [np.load(path, mmap_mode="r") for path in served.shards]
        if not self._shards:
            self._shards = [timed.images((RANDOM, *served.shape[1:]), served.dtype)]
        self._ends = np.cumsum([len(shard) for shard in self._shards])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def into(self, batch: Images, numbers: Sequence[int]) -> None:
        """Copy these rows to the beginning of the batch, and the first of them to what is left of it."""
        for place, number in enumerate([*numbers, *[numbers[0]] * (len(batch) - len(numbers))]):
            shard = int(np.searchsorted(self._ends, number, "right"))
            batch[place] = self._shards[shard][number - int(self._ends[shard])]


def serve(parent: int, link: Connection, served: Served) -> None:
    """Answer `link` until it is closed: lists of row numbers, at most a batch, with int32 classes.

    The first message is ours: milliseconds of a query, or the line of a failure.
    """
    watch(parent)
    try:
        session = served.opened()
        rows = Rows(served)
        batch: Images = np.zeros(served.shape, served.dtype)
        rows.into(batch, [0])
        times = timed.queries(session, batch, timed.WARMUP_S, timed.WARMUP_QUERIES)
        link.send(min(end - begin for begin, end in times) * 1000)
        while (numbers := _received(link)) is not None:
            rows.into(batch, numbers)
            answers = session.infer(batch)[: len(numbers)]
            link.send(answers.argmax(axis=1).astype(np.int32))
        session.close()
    except (BuildError, StepError) as error:
        link.send(str(error))


def _received(link: Connection) -> list[int] | None:
    """The next list of row numbers; None when the other end is closed."""
    try:
        return cast(list[int], link.recv())
    except EOFError:
        return None
