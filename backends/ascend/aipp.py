"""The AIPP file: has the chip take uint8 RGB pictures and normalise them itself, before the first layer."""

from collections.abc import Sequence

# The prototxt parser takes a float literal for min_chn and var_reci_chn only; mean_chn is an integer, hence
# unused.
HEAD = """aipp_op {{
    aipp_mode: static
    input_format: RGB888_U8
    related_input_rank: 0
    src_image_size_w: {side}
    src_image_size_h: {side}
    crop: false
    csc_switch: false
    rbuv_swap_switch: false
"""


def text(resolution: int, mean: Sequence[float], std: Sequence[float]) -> str:
    """Static AIPP for square RGB uint8 pictures of this side; `mean` and `std` are R, G, B in units of x/255.

    The chip computes (x - min_chn) * var_reci_chn in half precision, so min_chn = 255 * mean and
    var_reci_chn = 1 / (255 * std) give (x/255 - mean) / std.
    """
    least = [f"    min_chn_{n}: {_number(255 * value)}\n" for n, value in enumerate(mean)]
    factor = [f"    var_reci_chn_{n}: {_number(1 / (255 * value))}\n" for n, value in enumerate(std)]
    return HEAD.format(side=resolution) + "".join(least) + "".join(factor) + "}\n"


def _number(value: float) -> str:
    """12 digits, with a point and no exponent: more than half precision keeps, and no 116.27999999999999."""
    digits = f"{float(f'{value:.12g}'):.13f}".rstrip("0")
    return digits + "0" if digits.endswith(".") else digits
