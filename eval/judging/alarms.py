"""What no figure shows by itself: outputs that are no numbers, and outputs that say nothing."""

from collections.abc import Iterator, Sequence

from eval.record_types import Accuracy, Agreement, Record
from eval.records import of_kind
from eval.report.format import number


def sentences(row: Accuracy | Agreement) -> list[str]:
    """A sentence an alarm of this row; [] where nothing is wrong."""
    images = number(row["images"])
    alarms = []
    if row.get("nan_rows"):
        alarms.append(
            f"the outputs of {number(row['nan_rows'])} of {images} images hold NaN or infinity: counted as"
            " wrong; an overflow in half precision, or weights that diverged? See with --precision=fp32"
        )
    if row["kind"] == "accuracy" and row.get("constant_rows"):
        alarms.append(
            f"the outputs of {number(row['constant_rows'])} of {images} images are all equal: of those the"
            " first class counts, which is no answer; are the weights trained, and the model's inputs whole?"
        )
    if row["kind"] == "accuracy" and row.get("calibrated_on"):
        alarms.append(
            f"{row['precision']} was calibrated on {number(row['calibrated_on'])} of the {images} images that"
            " judge it: it looks better than it is"
        )
    return alarms


def of_all(rows: Sequence[Record]) -> Iterator[tuple[Accuracy | Agreement, str]]:
    """(row, sentence) of every alarm of these rows."""
    judged: list[Accuracy | Agreement] = [*of_kind(rows, Accuracy), *of_kind(rows, Agreement)]
    return ((row, sentence) for row in judged for sentence in sentences(row))
