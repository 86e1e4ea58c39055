"""Whether the compiled parts are there and used, for `inv doctor`: without them the pixels are the same and
take longer.
"""

import importlib
from collections.abc import Callable

from pipeline.fingerprint import of_package
from pipeline.machine import PASS, WARN, Check

FIX = (
    "install gcc and Python's headers (Debian: apt install gcc python3-dev), remove .venv/compiled.installed"
    " and run ./inv again"
)


def checks() -> list[Check]:
    """Say in one line whether jpeg.c and resample.c are compiled and give the pixels of this Pillow."""
    # loaded here and not at planning: they bring numpy and Pillow with them
    parts: dict[str, Callable[[], bool]] = {
        "jpeg.c": importlib.import_module("preprocess.pixels.decode").jpeg_agrees,
        "resample.c": importlib.import_module("preprocess.pixels.resize_pillow").kernel_agrees,
    }
    left_out = [name for name, agrees in parts.items() if not agrees()]
    pillow = f"Pillow {of_package('Pillow')}"
    if not left_out:
        return [
            Check("decoding", PASS, f"{' and '.join(parts)} are compiled and give the pixels of {pillow}")
        ]
    text = (
        f"{' and '.join(left_out)} not compiled, or other than {pillow}: the same pixels at down to half the"
        " speed"
    )
    return [Check("decoding", WARN, text, FIX)]
