"""What the page shows of one accuracy: its interval, calibration, classes, and the images that went wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval.companions import Picture
from eval.record_types import Accuracy, Record
from eval.records import of_kind
from eval.report import compare, format
from eval.report.compare import Accuracies
from eval.report.format import number, percent, shown
from eval.report.page.beside import Beside
from eval.report.page.charts import kinds as charts
from eval.report.page.charts.canvas import Chart
from eval.report.page.charts.kinds import Line, Part
from eval.report.page.words import Words, filled, words
from eval.report.tables import Table

SHOWN = 3  # accuracies whose classes and pictures are in the page, which stays small enough to send
CONFUSIONS = 100
ONE_EACH = "One image a class: none of them can be called the worst."


@dataclass(frozen=True)
class Guess:
    """One of the five best: what it is called, and its probability, 0 to 1."""

    name: str
    probability: float
    right: bool


@dataclass(frozen=True)
class Shown:
    """One picture of the gallery."""

    name: str
    thumbnail: str  # a JPEG in base64
    label: str
    guesses: list[Guess]
    further: Words


@dataclass(frozen=True)
class Pictures:
    """Some of the images that went wrong, of how many."""

    title: Words
    shown: list[Shown]


def judged(rows: Sequence[Record], first: Accuracy | None) -> list[Accuracy]:
    """The accuracy rows, the one that the first screen is about before all others."""
    return sorted(of_kind(rows, Accuracy), key=lambda row: row is not first)


def named(row: Accuracy) -> str:
    """Which accuracy: `mobilenet_v1 on val, 310P3 fp16 uint8`."""
    form = format.form(row)
    return f"{shown(format.model(row))}, {shown(format.data(row))}" + (f", {form}" if form else "")


def points(
    rows: Sequence[Accuracy], accuracies: Accuracies
) -> list[tuple[str, float, float, float, float | None]]:
    """(name, top-1, its interval's ends, what is published) of each; the name is what tells it apart."""
    each = []
    one = len({(format.model(row), format.data(row)) for row in rows}) == 1
    for row in rows:
        stated = compare.stated_accuracy(row, accuracies)
        low, high = row["top1_ci95_pct"]
        name = shown(format.form(row)) if one else named(row)
        each.append((name, row["top1_pct"], low, high, stated["top1_pct"] if stated else None))
    return each


def calibrated(row: Accuracy, beside: Beside) -> Iterator[Chart]:
    """How often the model is right when it is so sure, and how clear answers are."""
    table = beside.calibration
    if table is None or table["ece"] is None:
        return
    bins = [each for each in table["bins"] if each["probability"] is not None and each["right"] is not None]
    sure = [100 * (each["probability"] or 0.0) for each in bins]
    right = [100 * (each["right"] or 0.0) for each in bins]
    lines = [
        Line(words("measured"), sure, right),
        Line(words("as sure as right"), [0, 100], [0, 100], dashed=True),
    ]
    item = charts.lines(lines, "mean probability of the answer, %", "right, %")
    note = filled("expected calibration error {ece}", ece=f"{table['ece']:.4f}")
    yield Chart(item, _of(row, "How sure, how often right"), note, "expected calibration error")
    step = table["margins"]["step"]
    groups = [
        (name, colour, [Part(n * step, (n + 1) * step, count) for n, count in enumerate(counts)])
        for name, colour, counts in (
            ("right", charts.GOOD, table["margins"]["right"]),
            ("wrong", charts.BAD, table["margins"]["wrong"]),
        )
    ]
    item = charts.histogram(groups, "margin of probability", "images")
    title = _of(row, "How clear the answers are")
    yield Chart(item, title, words(""), "margin of probability")


def _of(row: Accuracy, title: str) -> Words:
    return Words(*(f"{text}: {named(row)}" for text in words(title)))


def class_tables(row: Accuracy, beside: Beside) -> Iterator[tuple[Table, bool]]:
    """(table, whether it is searched): every class, the worst first; and which are taken for which."""
    if beside.classes:
        columns = ("class", "name", "images", "right", "top-1, %", "from", "to", "taken for", "times")
        worst = sorted(beside.classes, key=lambda line: float(line["top1_pct"]))
        names = _names(beside)
        rows = [
            (
                line["class"],
                line.get("name", ""),
                number(int(line["images"])),
                number(int(line["right"])),
                line["top1_pct"],
                line["low_pct"],
                line["high_pct"],
                _class(line["taken_for"], names),
                line["times"],
            )
            for line in worst
        ]
        most = max(int(line["images"]) for line in beside.classes)
        note = ONE_EACH if most == 1 else ""
        yield Table(f"Every class, {named(row)}", columns, tuple(rows), left=2, note=note), True
        pairs = [
            (_class(line["label"], names), _class(line["answer"], names), number(int(line["images"])))
            for line in beside.confusions[:CONFUSIONS]
        ]
        title = f"Taken for one another, {named(row)}"
        yield Table(title, ("label", "answer", "images"), tuple(pairs), left=2), False


def _names(beside: Beside) -> dict[str, str]:
    """What classes are called: those that have images, and those that they are taken for."""
    names = {line["answer"]: line.get("answer_name", "") for line in beside.confusions}
    return names | {line["class"]: line.get("name", "") for line in beside.classes}


def _class(text: str, names: Mapping[str, str]) -> str:
    """`207 golden retriever`; a background and no answer in words."""
    if not text:
        return ""
    special = {"-1": "background", "-2": "no answer"}
    return special.get(text) or f"{text} {names.get(text, '')}".rstrip()


def pictures(row: Accuracy, beside: Beside) -> Iterator[Pictures]:
    """The gallery: wrong ones, then those that the compiled model answers unlike PyTorch."""
    gallery = beside.gallery
    if gallery is None:
        return
    parts = (
        ("The surest of {total} wrong images", gallery["wrong"], gallery["wrong_total"]),
        ("{total} images that PyTorch answers otherwise", gallery["flipped"], gallery["flipped_total"]),
    )
    for text, entries, total in parts:
        if entries:
            title = filled(text, total=number(total))
            each = [_picture(entry, gallery["class_names"]) for entry in entries]
            yield Pictures(Words(*(f"{text}: {named(row)}" for text in title)), each)


def _picture(entry: Picture, names: Mapping[str, str]) -> Shown:
    guesses = [
        Guess(_class(str(guess), names), probability, guess == entry["label"])
        for guess, probability in entry["guesses"]
    ]
    further = words("") if guesses else words("its outputs are no numbers")
    if "torch" in entry:
        batches = ", ".join(map(str, entry.get("batches", [])))
        answer = _class(str(entry["torch"]), names)
        further = filled("PyTorch: {answer}; flipped at batch {batches}", answer=answer, batches=batches)
    return Shown(entry["name"], entry["thumbnail"], _class(str(entry["label"]), names), guesses, further)


def share(value: float) -> str:
    """A probability for people: `93.1 %`."""
    return f"{percent(100 * value)} %"
