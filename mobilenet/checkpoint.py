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
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

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
           AttributeError, AssertionError, OverflowError, struct.error)  # fmt: skip
GLOBAL = re.compile(r"GLOBAL (\S+) (?:was not an allowed|whose module)")
COUNTER = "num_batches_tracked"  # training's; files older than torch 0.4.1 have none


def read(path: str) -> dict[str, torch.Tensor]:
    """The state dict, on the CPU, of a checkpoint: a `torch.save` dict with `state_dict`, or bare, old form
    or new.

    `module.` is taken off where every key has it. BuildError for anything else, naming what was found.
    """
    whole = _unpickled(path)
    state = whole.get("state_dict", whole) if isinstance(whole, Mapping) else whole
    if not isinstance(state, Mapping):
        what = f"holds a {type(state).__name__}, expected a dict with `state_dict`"
        raise BuildError(f"{path}: {what}; name another with --checkpoint=FILE")
    if not state:
        raise BuildError(f"{path}: its state dict is empty; name another with --checkpoint=FILE")
    other = [
        str(key)
        for key, value in state.items()
        if not (isinstance(key, str) and isinstance(value, torch.Tensor))
    ]
    if other:
        what = f"no state dict: {some(other)} hold no tensors, expected `state_dict`"
        raise BuildError(f"{path}: {what}; name another with --checkpoint=FILE")
    if all(key.startswith("module.") for key in state):
        return {key.removeprefix("module."): value for key, value in state.items()}
    return dict(state)


def load(path: str, network: nn.Module) -> None:
    """Fill the network from a checkpoint: each of its weights, and nothing else. BuildError lists what does
    not fit.
    """
    state = read(path)
    own = network.state_dict()
    missing = [key for key in own if key not in state and not key.endswith(COUNTER)]
    unexpected = [key for key in state if key not in own]
    wrong = [
        f"{key} {_form(state[key])} for {_form(own[key])}"
        for key in own
        if key in state and _form(state[key]) != _form(own[key])
    ]
    odd = [key for key, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    lists = (
        ("missing", missing),
        ("unexpected", unexpected),
        ("of another shape", wrong),
        ("not finite", odd),
    )
    faults = [f"{len(keys)} {what}: {some(keys)}" for what, keys in lists if keys]
    if faults:
        what = f"not a checkpoint of this model; {'; '.join(faults)}"
        raise BuildError(f"{path}: {what}. {_hint(state)}--model=NAME names the model file")
    network.load_state_dict({**own, **state})


def _unpickled(path: str) -> object:
    if not Path(path).is_file():
        what = "a folder" if Path(path).is_dir() else "no such file"
        raise BuildError(f"{path}: {what}, expected a checkpoint; name one with --checkpoint=FILE")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(NUMPY):
            # of old storage classes and pickle protocols: nothing a user can act on
            warnings.simplefilter("ignore")
            whole: object = torch.load(path, map_location="cpu", weights_only=True)
            return whole
    except PermissionError as error:
        raise BuildError(f"{path}: {error.strerror}; name another with --checkpoint=FILE") from error
    except NOT_ONE as error:
        raise BuildError(f"{path}: {_why(error)}, or name another with --checkpoint=FILE") from error


def _why(error: BaseException) -> str:
    if match := GLOBAL.search(str(error)):
        return (
            f"holds {match[1]}; only tensors, plain values and numpy scalars are read; save its `state_dict`"
            " alone"
        )
    if "TorchScript" in str(error):
        return "a TorchScript archive, expected a `torch.save` file with `state_dict`; save that"
    return "no checkpoint, or a damaged one; copy it again"


def _form(tensor: torch.Tensor) -> str:
    """Shape, and what makes a tensor no weight."""
    plain = tensor.is_floating_point() or not tensor.dim()
    return str(list(tensor.shape)) + ("" if plain else f" {tensor.dtype}")


def _hint(state: Mapping[str, torch.Tensor]) -> str:
    stem, last = state.get("model.0.0.weight"), state.get("fc.weight")
    if stem is None or last is None or not stem.dim() or not last.dim():
        return ""
    return f"This file looks like width {stem.shape[0] / 32:g} with {last.shape[0]} outputs: "
