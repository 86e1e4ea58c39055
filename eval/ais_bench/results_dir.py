"""A folder of results that ais_infer or ais_bench wrote: which file is which image's. Complete, or not at
all.

Runs at plan time too: standard library only. A result's name is its image's, up to the first dot, and `_0`;
the summary that the tool wrote, where it is there, says it for certain (and alone knows it for the names of
2022's ais_infer). A file that is called as its image and nothing more, as scripts of one's own write it, is
its result, too.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from eval.ais_bench import advice
from eval.ais_bench.results_files import entries, is_file, is_folder, require_readable
from pipeline.errors import BuildError

FORMATS = (".txt", ".bin", ".npy")
PADDING = "padding_infer_fake_file"  # fills the last batch; newer tools save no result for it
OLD_NAME = re.compile(r"(sample_id_|input)\d+_output_\d+$")
DEVICE = re.compile(r"device\d+(_\d+)?$")  # one folder a device, where the tool ran on several


@dataclass
class Listing:
    """What lies in a results folder.

    folder  as given; format: the ending of all results
    files   image's stem -> its result files (relative paths): one each when all is well
    bare    the same of files without a number: results only where an image is called so
    other   files that are no result by name
    """

    folder: str
    format: str = ""
    files: dict[str, list[str]] = field(default_factory=dict)
    bare: dict[str, list[str]] = field(default_factory=dict)
    other: list[str] = field(default_factory=list)


def listed(folder: str) -> Listing:
    """All results under `folder`: its own and those in device0, device1, ..."""
    listing = Listing(folder)
    top = entries(folder, folder)
    devices = [entry.name for entry in top if DEVICE.match(entry.name) and is_folder(entry)]
    for below in ["", *devices]:
        stems = _stems_by_summary(os.path.join(folder, below))
        for entry in entries(folder, os.path.join(folder, below)) if below else top:
            if not entry.name.startswith(".") and (below or entry.name not in devices):
                path = f"{below}/{entry.name}" if below else entry.name
                _place(listing, path, entry.name, stems if is_file(entry) else None)
    formats = {
        os.path.splitext(path)[1].lower()
        for paths in (listing.files or listing.bare).values()
        for path in paths
    }
    if not formats:
        advice.refuse_one_too_high(folder, FORMATS, DEVICE)
        raise BuildError(advice.on_no_results(folder, FORMATS, _summaries(folder)))
    if len(formats) > 1:
        raise BuildError(
            f"--results={folder}: results in several formats: {', '.join(sorted(formats))}; leftovers of"
            " another run?"
        )
    listing.format = formats.pop()
    return listing


def _place(listing: Listing, path: str, name: str, stems: dict[str, str] | None) -> None:
    """Sort a file in by its name; `stems` is None for what is no file."""
    stem, ending = os.path.splitext(name)
    image, _, number = stem.rpartition("_")
    if stems is None:
        listing.other.append(path)
        return
    image = stems.get(name, image)
    if name in ("sumary.json", "summary.json") or name.endswith("_summary.json") or PADDING in (image, stem):
        return
    if ending.lower() not in FORMATS:
        listing.other.append(path)
    elif image and (number == "0" or name in stems):
        listing.files.setdefault(image, []).append(path)
    else:
        listing.bare.setdefault(stem, []).append(path)


def _summaries(folder: str) -> list[str]:
    """The summaries that the tool wrote, inside the folder or beside it."""
    folder = folder.rstrip("/")
    places = [
        os.path.join(folder, "sumary.json"),
        os.path.join(folder, "summary.json"),
        folder + "_summary.json",
    ]
    return [place for place in places if os.path.isfile(place)]


def _stems_by_summary(folder: str) -> dict[str, str]:
    """{result's base name: its image's stem} as the tool's summary has it; empty without one."""
    stems: dict[str, str] = {}
    for place in _summaries(folder):
        try:
            with open(place, encoding="utf-8") as file:
                samples = json.load(file).get("filesinfo", {}).values()
            for sample in samples:
                # one entry a query: its images in order, the padding among them, and their results in the
                # same order
                paths = sample["infiles"]
                images = [
                    os.path.basename(path)
                    for path in [path for path in paths if PADDING not in path] or paths
                ]
                for number, out in enumerate(sample["outfiles"]):
                    stems[os.path.basename(out)] = os.path.splitext(images[number % len(images)])[0]
        except OSError as error:
            raise BuildError(
                f"{place}: {error.strerror}; make it readable, or remove it if the results are named after"
                " their images"
            ) from None
        except (ValueError, AttributeError, KeyError, IndexError, TypeError, ZeroDivisionError) as error:
            raise BuildError(
                f"{place}: not a summary of ais_infer or ais_bench ({type(error).__name__}: {error}). Remove"
                " it if the results are named after their images"
            ) from error
    return stems


def paired(listing: Listing, names: Sequence[str]) -> list[str]:
    """Each image's result, absolute path, in the order of `names`; BuildError says all that is wrong at
    once.
    """
    images: dict[str, list[str]] = {}
    for name in names:
        base = name.rpartition("/")[2]
        for stem in {base, base.partition(".")[0], os.path.splitext(base)[0]}:
            images.setdefault(stem, []).append(name)
    of_name: dict[str, list[str]] = {}
    shared, foreign = [], list(listing.other)
    unowned: dict[str, list[str]] = dict(listing.bare)
    for stem, paths in listing.files.items():
        owners = images.get(stem, [])
        if len(owners) > 1:
            shared.append(f"{paths[0]} (of {owners[0]} or {owners[1]}? the tool cuts names at the first dot)")
        elif not owners:
            for path in paths:  # x_0.npy may be the result of an image that is called x_0
                unowned.setdefault(os.path.splitext(os.path.basename(path))[0], []).append(path)
        else:
            of_name.setdefault(owners[0], []).extend(paths)
    for stem, paths in unowned.items():
        owners = images.get(stem, [])
        if len(owners) == 1 and owners[0] not in of_name and paths[0].lower().endswith(listing.format):
            of_name[owners[0]] = paths
        else:
            foreign += paths
    if not of_name and not shared:  # a text that lies there is no result
        advice.refuse_one_too_high(listing.folder, FORMATS, DEVICE)
    root = os.path.abspath(listing.folder)
    twice = {name: paths for name, paths in of_name.items() if len(paths) > 1}
    if twice and not shared:
        advice.refuse_whole_sets(listing.folder, names, of_name, DEVICE)
    missing = [] if shared else [name for name in names if name not in of_name]
    wrong = [
        (missing, f"of {len(names)} labelled images have no result"),
        (foreign, "files are no result of a labelled image"),
        ([f"{name} ({paths[0]} and {paths[1]})" for name, paths in twice.items()], "images have two results"),
        (shared, "results may be of two images each"),
    ]
    faults = [f"{len(cases)} {what}, first: {cases[0]}" for cases, what in wrong if cases]
    if faults:
        old = any(OLD_NAME.match(os.path.splitext(os.path.basename(path))[0]) for path in foreign)
        raise BuildError(
            f"--results={listing.folder}: {'; '.join(faults)}. "
            + (
                "These names need the sumary.json of the same run: it alone says which image each is of"
                if old
                else (
                    "A score is of all labelled images and nothing else: infer again into an empty folder, or"
                    " name the labels of just these images with --labels=FILE"
                )
            )
        )
    paths_in_order = [f"{root}/{of_name[name][0]}" for name in names]
    require_readable(listing.folder, paths_in_order)
    return paths_in_order
