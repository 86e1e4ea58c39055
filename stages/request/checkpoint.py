"""A request's checkpoint as planning sees it: the file, and which of its sets of weights is read."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from configs.schema import Model
from mobilenet import config, container, outline, unnamed_weights, weight_sets
from mobilenet.config import Network
from mobilenet.outline import Tensor
from mobilenet.weight_sets import WeightSet
from pipeline.errors import BuildError


class Weights(NamedTuple):
    """The set of weights that is read.

    key     the names that it is under in the file, "" for a bare state dict, None where planning cannot tell
    suffix  what the folder's name ends with: nothing for the set that is read when none is named, else -KEY
    prefix  what stands before the name of each of its weights
    """

    key: str | None
    suffix: str = ""
    prefix: str = ""

    @property
    def asked(self) -> str | None:
        """The key that the worker is given; None for the usual set: it has loaded the file, looks again, and
        refuses where several fit.
        """
        return self.key if self.suffix else None


def path_of(typed: str) -> str:
    """--checkpoint as an absolute path of a file that can be read."""
    path = os.path.abspath(typed)
    fault = container.path_fault(path)
    if fault:
        raise BuildError(f"--checkpoint={typed}: {fault}; expected the .tar or .pth file with the weights")
    return path


def network(model: Model) -> Network:
    """The values that the network is built from."""
    return {
        "width": model.width,
        "resolution": model.resolution,
        "classes": model.classes,
        "background": model.background,
        "activation": model.activation,
        "padding": model.padding,
    }


def weights_of(path: str, model: Model, key: str | None) -> Weights:
    """Which set of weights is read. BuildError where several fit the network and none is named, where none
    has the name, and for a file that is no checkpoint by its first bytes.

    Where the file cannot be understood its loading will say why: a step that fails, in the worker.
    """
    shapes = config.shapes(network(model))
    whole = outline.read(path)
    sets = weight_sets.listed(whole, shapes, outline.leaf)
    if not sets:
        return Weights(key, "" if key is None else f"-{weight_sets.folder_name(key)}")

    def same(one: WeightSet, other: WeightSet) -> bool:
        return outline.same(path, _tensors(one, shapes), _tensors(other, shapes))

    beside = unnamed_weights.beside(whole, sets, shapes, outline.leaf)
    chosen = weight_sets.chosen(sets, key, path, same, beside)
    usual = chosen if key is None else weight_sets.default(sets, same) if beside is None else None
    suffix = "" if chosen is usual else f"-{weight_sets.folder_name(chosen.key)}"
    return Weights(chosen.key, suffix, chosen.prefix)


def _tensors(one: WeightSet, names: Iterable[str]) -> list[Tensor]:
    """The weights of these names in a set that fits."""
    values = (one.mapping[one.prefix + name] for name in names)
    return [value for value in values if isinstance(value, Tensor)]
