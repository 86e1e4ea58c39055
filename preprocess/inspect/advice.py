"""What a diagnosis says to a person: what each mistake means, and what to do about it."""

from collections.abc import Mapping

from pipeline.text import INV
from preprocess.dataset import classes
from preprocess.presets import AS_IS

Explanation = tuple[str, str]  # (how the images are prepared, how the labels are read)
# top-1 of a network that says nothing about these labels; the worst single mistake leaves more
HOPELESS_PCT = 5.0
MAKE_ANEW = f"make the file with {INV} data --devkit=ILSVRC2012_devkit_t12.tar.gz"


def advice(background: bool, outputs: int, swapped: bool) -> dict[str, str]:
    """{variant or reading: what it means and what to do}.

    background  whether the model file says that output 0 is a background class
    outputs     how many outputs the network has
    swapped     whether the build gives the network BGR
    """
    turn = (
        "take a preset in RGB order: leave --preset out"
        if swapped
        else (
            "where its values fit use --preset=caffe-bgr; else swap the input channels of the checkpoint's"
            " first layer"
        )
    )
    begin = "they begin with a background class; set background = true in the model file"
    bgr = f"the network fits pictures with the other channel order (RGB and BGR swapped): {turn}"
    return {
        "bgr": bgr,
        "bgr-values": bgr,
        "unnormalised": (
            "the network fits pictures that are scaled to 0..1 and not normalised: set mean = [0, 0, 0] and "
            "std = [1, 1, 1] in the model file"
        ),
        "unscaled": (
            "the network fits levels 0..255, unnormalised: set mean = [0, 0, 0] and std ="
            " [0.00392156862745098, 0.00392156862745098, 0.00392156862745098] in the model file"
        ),
        "one-based": (
            "labels count from 1 (as do labels already shifted for a background class): subtract 1 from each"
        ),
        "devkit": f"labels are the devkit's ids in its own order: {MAKE_ANEW}",
        "devkit from 0": f"labels are in the devkit's order, counted from 0: {MAKE_ANEW}",
        "background": "labels are already shifted by the background class (one-based): subtract 1 from each",
        "background outputs": (
            "every label is one too low for the outputs: "
            + ("add 1 to each" if background or outputs <= len(classes.table()) else begin)
        ),
        "preset-own": "the network fits the model file's own values: leave --preset out",
    }


def sentence(best: Explanation, word: str, top1: float, before: float, advised: Mapping[str, str]) -> str:
    """Say the verdict in a line: the word, what to do, and top-1 in percent as it is and as it could be.

    best     (variant, reading) that fits best; `word` is its name
    before   top-1 of what the build does, and `top1` of the best, in percent
    advised  what `advice` gives
    """
    if best == (AS_IS, AS_IS) and before < HOPELESS_PCT:
        return (
            f"none: none of the mistakes that were tried explains a top-1 of {before} %: labels and pictures"
            f" do not belong together, or the checkpoint is of other classes. Look at them with: {INV} data"
            " --show"
        )
    if best == (AS_IS, AS_IS):
        return f"none: nothing fits clearly better than what the build does (top-1 {before} %)"
    name = best[0].removeprefix("preset-")
    first = advised.get(best[0], "")
    if best[0].startswith("preset-") and not first:
        first = f"the network fits the preset {name}: use --preset={name} or its values in the model file"
    if best[0].startswith("preset-") and "unnormalised" in word:
        first = f"the model file does not normalise (mean 0): {first}"
    says = "; ".join(part for part in (first, advised.get(best[1], "") if best[1] != AS_IS else "") if part)
    return f"{word}: {says} (top-1 {before} % as it is, {top1} % so)"
