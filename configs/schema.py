"""Read and check the files of configs/models, configs/chips and configs/presets into frozen dataclasses.

An unknown key, a wrong type and a missing key are errors that name the file and the key: a typo that is
ignored is a wrong build.
"""

import dataclasses
import math
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from configs.chip import Chip
from pipeline.errors import BuildError
from pipeline.fingerprint import absence
from pipeline.text import did_you_mean, nearest
from preprocess.presets import Preset

HERE = os.path.dirname(os.path.abspath(__file__))
T = TypeVar("T")
BATCHES = (1, 4, 8, 16, 32, 64)
FP32, BF16, INT8 = "fp32", "bf16", "int8"
PRECISIONS = (FP32, "fp16", BF16, INT8)
JUDGED_BY_LOSS = (BF16, INT8)  # too coarse to be held to float32's logits: their answers are compared


@dataclass(frozen=True)
class Preprocess:
    """From picture to network input: shorter side to `resize`, centre crop `crop`, (x/255 - mean)/std,
    channels RGB.
    """

    resize: int
    crop: int
    mean: list[float]
    std: list[float]


@dataclass(frozen=True)
class PublishedAccuracy:
    """Accuracy that somebody else stated for this model, in percent."""

    top1_pct: float
    top5_pct: float
    tolerance_pct: float = 0.5  # points below top1_pct that --min-top1=published lets pass
    source: str = ""


@dataclass(frozen=True)
class Model:
    """One network: what the checkpoint's tensors mean, and how pictures become its input."""

    name: str
    width: float
    resolution: int
    classes: int
    background: bool
    activation: str
    padding: str
    preprocess: Preprocess
    published: PublishedAccuracy | None = None

    @property
    def outputs(self) -> int:
        """Numbers a picture gets: one a class, and one more where output 0 is "background"."""
        return self.classes + self.background


CHOICES = {
    ("Model", "activation"): ("relu", "relu6"),
    ("Model", "padding"): ("symmetric", "same"),
    ("Chip", "precision"): PRECISIONS,
    ("Chip", "input"): ("uint8", "float32"),
    ("Preset", "method"): ("pillow", "opencv", "tensorflow"),
    ("Preset", "order"): ("rgb", "bgr"),
    ("Preset", "rounding"): ("nearest", "down"),
}


def names(kind: str) -> list[str]:
    """Names of all files in configs/models, configs/chips or configs/presets."""
    return sorted(entry[:-5] for entry in os.listdir(os.path.join(HERE, kind)) if entry.endswith(".toml"))


def model(name_or_path: str) -> Model:
    """The model of this name in configs/models, or of this .toml file."""
    if name_or_path.endswith(".toml") or os.sep in name_or_path:
        if not os.path.isfile(name_or_path):
            raise BuildError(
                f"--model={name_or_path}: {absence(name_or_path)}. Give a .toml file or one of:"
                f" {', '.join(names('models'))}"
            )
        network = read(name_or_path, Model)
    else:
        network = read(_named("models", "--model", name_or_path), Model)
    wrong = _nonsense(network)
    if wrong:
        raise BuildError(f"{name_or_path}: {wrong}")
    if network.preprocess.crop != network.resolution:
        raise BuildError(
            f"{name_or_path}: preprocess.crop is {network.preprocess.crop}, the resolution"
            f" {network.resolution}: they must be the same, the crop is what the network sees"
        )
    return network


def _nonsense(model: Model) -> str:
    """What cannot be in a model file though its type is right, "" when nothing is."""
    values = model.preprocess
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", model.name):
        return f"name is {model.name!r}: letters, digits, '.', '_' and '-' make a name, it is a part of paths"
    if not 0 < model.width <= 8:
        return f"width is {model.width}: expected a multiplier above 0, such as 0.25 or 1.0"
    if model.resolution < 32 or model.resolution % 32:
        return f"resolution is {model.resolution}: expected a multiple of 32"
    if model.classes < 1:
        return f"classes is {model.classes}: expected 1 or more"
    if not all(math.isfinite(m) for m in values.mean) or not all(0 < s < math.inf for s in values.std):
        return f"preprocess.mean is {values.mean}, std {values.std}: expected finite numbers, std above 0"
    if values.resize < values.crop:
        return (
            f"preprocess.resize is {values.resize}, below crop {values.crop}: the crop would stand over the"
            " picture's edge"
        )
    stated = model.published
    if stated and not (0 <= stated.top1_pct <= 100 and 0 <= stated.top5_pct <= 100):
        both = f"published.top1_pct is {stated.top1_pct:g}, top5_pct {stated.top5_pct:g}"
        return f"{both}: expected percent, 0 to 100"
    if stated and not 0 <= stated.tolerance_pct < 100:
        return f"published.tolerance_pct is {stated.tolerance_pct:g}: expected points of top-1, such as 0.5"
    return ""


def chip(name: str) -> Chip:
    """The chip of this name in configs/chips; case does not matter, and a board's full soc name works too.

    A slice's name (310P3vir04) is none of these: stages.request.target.named knows it.
    """
    by_name = {known.lower(): known for known in names("chips")}
    known = by_name.get(name.lower()) or _by_soc_version(name)
    return read(_named("chips", "--chip", known or name), Chip)


def _by_soc_version(name: str) -> str | None:
    """The chip file that has this soc_version."""
    for known in names("chips"):
        soc_version = read(os.path.join(HERE, "chips", known + ".toml"), Chip).soc_version
        if soc_version and soc_version.lower() == name.lower():
            return known
    return None


def preset(name: str) -> Preset:
    """The preset of this name in configs/presets."""
    return read(_named("presets", "--preset", name), Preset)


def presets() -> dict[str, Preset]:
    """All presets by name; the model file's own way first."""
    return {name: preset(name) for name in sorted(names("presets"), key=lambda name: (name != "own", name))}


def _named(kind: str, option: str, name: str) -> str:
    known = names(kind)
    if name not in known:
        meant = did_you_mean(name, known, 0.5, before=f"{option}=")
        raise BuildError(
            f"{option}={name}: there is no such {kind[:-1]}; there are: {', '.join(known)}.{meant}"
        )
    return os.path.join(HERE, kind, name + ".toml")


def read(path: str, kind: type[T]) -> T:
    """One TOML file as an instance of the dataclass `kind`."""
    try:
        with open(path, "rb") as file:
            values = tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{path}: not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise BuildError(
            f"{path}: not TOML: byte {error.start} is not UTF-8; save it as UTF-8 text"
        ) from None
    except OSError as error:
        raise BuildError(
            f"{path}: cannot be read ({error.strerror}); expected a TOML file; give this user the right to"
            " (chmod u+r)"
        ) from None
    return _checked(path, "", kind, values)


def _checked(path: str, prefix: str, kind: type[T], values: Mapping[str, object]) -> T:
    all_fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # a dataclass, all of them
    fields = {f.name: f for f in all_fields if f.metadata.get("file", True)}
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in fields:
            near = nearest(key, fields)
            hint = f"did you mean {prefix}{near}?" if near else f"known are: {', '.join(fields)}"
            raise BuildError(f"{path}: unknown key {prefix}{key}; {hint}")
    checked = {}
    for name, spec in fields.items():
        if name in values:
            checked[name] = _value(path, prefix + name, hints[name], values[name])
            allowed = CHOICES.get((kind.__name__, name))
            if allowed and checked[name] not in allowed:
                raise BuildError(
                    f"{path}: {prefix}{name} is {checked[name]!r}; it may be: {', '.join(allowed)}"
                )
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise BuildError(f"{path}: key {prefix}{name} is missing")
    return kind(**checked)


def _value(path: str, key: str, hint: object, value: object) -> object:
    """The value if it has the type, an int where a float is wanted as a float, a table as its dataclass."""
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _checked(path, key + ".", typing.cast(type, hint), value)
    if hint is object:  # an option: whoever reads it judges it
        return value
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is list and isinstance(value, list):
        items = [_value(path, key, parts[0], item) for item in value]
        if parts[0] is float and len(items) != 3:
            raise BuildError(f"{path}: {key} has {len(items)} values; three are needed, for R, G and B")
        return items
    if origin is dict and isinstance(value, dict):
        return {k: _value(path, f"{key}.{k}", parts[1], v) for k, v in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain = origin or hint
    if (
        isinstance(plain, type)
        and isinstance(value, plain)
        and not (isinstance(value, bool) and hint is not bool)
    ):
        return value
    raise BuildError(f"{path}: {key} is {value!r}; expected {getattr(plain, '__name__', plain)}")
