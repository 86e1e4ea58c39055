"""A checkpoint file to a state dict, and a state dict into the network: all of it or an error that says what
is wrong.

A checkpoint is untrusted: only tensors, plain values and numpy scalars are unpickled. No weight stays as
initialised.
"""

import pickle
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import IO, cast

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from mobilenet import container, file_kind, unnamed_weights, weight_sets
from mobilenet.config import COUNTER
from mobilenet.file_kind import NAME_ANOTHER
from mobilenet.weight_sets import Leaf, WeightSet
from pipeline.errors import BuildError
from pipeline.text import some

# numpy scalars (`best_prec1` of old scripts) under the name of numpy 1 and of numpy 2, and the dtypes they
# carry
_SCALAR = cast(Callable[..., object], np.float64(0).__reduce__()[0])
NUMPY: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    *{type(np.dtype(code)) for code in "?bBhHiIlLqQefd"},
]

# what torch.load raises on bytes that are no checkpoint, by where in them the damage is (found by damaging
# real ones)
NOT_ONE = (pickle.UnpicklingError, EOFError, OSError, RuntimeError, ValueError, LookupError, TypeError,
           AttributeError, AssertionError, OverflowError, struct.error, SafetensorError)  # fmt: skip
GLOBAL = re.compile(r"GLOBAL (\S+) (?:was not an allowed|whose module)")
# what may stand for a weight of float32; int8 and float8 need scales that no state dict of ours has
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
VARIANCE = "running_var"


def load(path: str, network: nn.Module, weights: str | None = None) -> None:
    """Fill the network from a checkpoint: each of its weights, and nothing else.

    weights  the key of the set that is read; None: the only one that fits the network

    BuildError lists what does not fit, or names the sets of which one must be chosen.
    """
    whole, own = _unpickled(path), network.state_dict()
    shapes = {key: tuple(value.shape) for key, value in own.items() if not key.endswith(COUNTER)}
    sets = weight_sets.listed(whole, shapes, _leaf)
    if not sets:
        raise BuildError(f"{path}: {_nothing(whole)}; {NAME_ANOTHER}")

    def same(one: WeightSet, other: WeightSet) -> bool:
        return all(_equal(one.mapping[one.prefix + key], other.mapping[other.prefix + key]) for key in shapes)

    beside = unnamed_weights.beside(whole, sets, shapes, _leaf)
    one = weight_sets.chosen(sets, weights, path, same, beside)
    state = one.state(sets)
    fault = _fault(state, own)
    if fault:
        raise BuildError(f"{path}: {fault}")
    if one.prefix:
        print(f"{path}: {one.prefix!r} is taken off the names of its weights")
    network.load_state_dict({**own, **cast(Mapping[str, torch.Tensor], state)})


def _fault(state: Mapping[str, object], own: Mapping[str, torch.Tensor]) -> str:
    """Why this state is not the network's, all of it and nothing else; "" where it is."""
    missing = [key for key in own if key not in state and not key.endswith(COUNTER)]
    unexpected = [key for key in state if key not in own]
    odd: list[str] = []
    numbers: dict[str, torch.Tensor] = {}
    for key in own:
        value = state.get(key, own[key])
        if isinstance(value, torch.Tensor) and not _oddness(value):
            numbers[key] = value
        else:
            odd.append(f"{key} {_oddness(value)}")
    wrong = {key: _shape(value) for key, value in numbers.items() if value.shape != own[key].shape}
    fit = {key: value for key, value in numbers.items() if key in state and key not in wrong}
    infinite = [key for key, value in fit.items() if not value.float().isfinite().all()]
    negative = [key for key, value in fit.items() if key.endswith(VARIANCE) and (value < 0).any()]
    others = [f"{key} {shape} for {_shape(own[key])}" for key, shape in wrong.items()]
    lists = (
        ("missing", missing),
        ("unexpected", unexpected),
        ("of another shape", others),
        ("of a type that no weight has", odd),
        ("not finite", infinite),
        ("below zero, which no variance is", negative),
    )
    faults = [f"{len(keys)} {what}: {some(map(file_kind.printable, keys))}" for what, keys in lists if keys]
    if len(faults) == 1 and unexpected:
        return _too_many({key: state[key] for key in unexpected})
    if faults and not (missing or unexpected or wrong):
        way = f"save plain float tensors, or {NAME_ANOTHER}" if odd else NAME_ANOTHER
        return f"no weights to build from; {'; '.join(faults)}; {way}"
    if faults:
        hint = f"{_hint(numbers)}--model=NAME names the model file"
        return f"not a checkpoint of this model; {'; '.join(faults)}. {hint}"
    return ""


def _too_many(extra: Mapping[str, object]) -> str:
    """What is said of a state that has all weights and more: counters of other tools, for the most part."""
    weights = any(isinstance(value, torch.Tensor) and value.numel() > 1 for value in extra.values())
    which = "too many" if weights else "too many, which are no weights"
    return (
        f"all weights of this model are there, and {len(extra)} {which}:"
        f" {some(map(file_kind.printable, extra))}; save it without {'it' if len(extra) == 1 else 'them'}"
    )


def _unpickled(path: str) -> object:
    try:
        with container.opened(path) as (file, form):
            return safetensors.torch.load(file.read()) if form == "safetensors" else _torch_load(file)
    except NOT_ONE as error:
        raise BuildError(f"{path}: {_why(error)}, or {NAME_ANOTHER}") from error


def _torch_load(file: IO[bytes]) -> object:
    with warnings.catch_warnings(), torch.serialization.safe_globals(NUMPY):
        # of old storage classes and pickle protocols: nothing a user can act on
        warnings.simplefilter("ignore")
        whole: object = torch.load(file, map_location="cpu", weights_only=True)
        return whole


def _why(error: BaseException) -> str:
    if match := GLOBAL.search(str(error)):
        return (
            f"holds {match[1]}; only tensors, plain values and numpy scalars are read; save its `state_dict`"
            " alone"
        )
    return "no checkpoint, or a damaged one; copy it again"


def _nothing(whole: object) -> str:
    """Why there is no state dict in what was read."""
    state = whole.get("state_dict", whole) if isinstance(whole, Mapping) else whole
    if not isinstance(state, Mapping):
        return f"holds a {type(state).__name__}, expected a dict with `state_dict`"
    if not state:
        return "its state dict is empty"
    names = some(file_kind.printable(str(key)) for key in state)
    return f"no state dict: {names} hold no tensors, expected `state_dict`"


def _leaf(value: object) -> Leaf | None:
    """What of a value decides whether it is a weight, None for what is no tensor."""
    if not isinstance(value, torch.Tensor):
        return None
    if _oddness(value):
        return Leaf((), False)
    place = (value.data_ptr(), value.stride()) if value.numel() else None
    return Leaf(tuple(value.shape), value.dtype in FLOATS, place)


def _oddness(value: object) -> str:
    """What makes a value no weight and no counter; "" for a plain array of floats or one number."""
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    if value.is_meta:
        return "without values (on the meta device)"
    if value.is_nested:
        return "nested"
    if value.layout != torch.strided:
        return f"sparse ({value.layout})"
    if value.is_quantized or value.is_complex() or (value.dim() and value.dtype not in FLOATS):
        return f"{_shape(value)} {value.dtype}"
    return ""


def _shape(tensor: torch.Tensor) -> str:
    return str(list(tensor.shape))


def _equal(one: object, other: object) -> bool:
    """Whether these two tensors hold the same numbers in the same type."""
    if not (isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)):
        return False
    return one.dtype == other.dtype and torch.equal(one, other)


def _hint(weights: Mapping[str, torch.Tensor]) -> str:
    """Which model the file is of, from its first and its last layer."""
    stem, last = weights.get("model.0.0.weight"), weights.get("fc.weight")
    if stem is None or last is None or not stem.dim() or not last.dim():
        return ""
    return f"This file looks like width {stem.shape[0] / 32:g} with {last.shape[0]} outputs: "
