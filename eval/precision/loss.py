"""What a coarse precision loses against float32, image by image."""

import csv
from collections.abc import Sequence

from eval import answers_csv
from eval.comparison import paired
from eval.comparison.paired import Answer
from eval.precision.columns import Loss
from pipeline.errors import StepError

LOST = ("name", "label", "fp32", "answer", "what")
NO_LOSS: Loss = {
    "loss_points": None,
    "loss_points_ci95": None,
    "images_lost": None,
    "images_won": None,
    "same_answers_pct": None,
}


def columns(
    names: Sequence[str], labels: Sequence[int], answers: Sequence[int], float32: str, lost: str
) -> Loss:
    """The columns of the images' answers against those in `float32`, an answers.csv; `lost` gets a line for
    each image on which only one of the two is right: name, label, fp32's answer, this one's, lost or won.

    StepError where these are other images.
    """
    theirs = list(answers_csv.read(float32))
    if [each[:2] for each in theirs] != [*zip(names, labels, strict=True)]:
        raise StepError(f"{float32}: it is of other images; there is nothing to pair")
    before = {each.name: Answer(each.label, each.answer) for each in theirs}
    after = {name: Answer(label, answer) for name, label, answer in zip(names, labels, answers, strict=True)}
    pair = paired.of(before, after)
    what = {**dict.fromkeys(pair.only_a, "lost"), **dict.fromkeys(pair.only_b, "won")}
    with open(lost, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(LOST)
        for name in names:
            if name in what:
                lines.writerow(
                    (name, before[name].label, before[name].answer, after[name].answer, what[name])
                )
    pairs = zip(theirs, answers, strict=True)
    same = sum(each.answer == answer != answers_csv.NONE for each, answer in pairs)
    return {
        "loss_points": 100 * pair.drop,
        "loss_points_ci95": [100 * bound for bound in paired.drop_interval(pair)],
        "images_lost": len(pair.only_a),
        "images_won": len(pair.only_b),
        "same_answers_pct": 100 * same / pair.images,
    }
