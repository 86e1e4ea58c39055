"""Files in, files out: which inputs, how many a batch, and under which names the results are written."""

import os
import re
import time

import numpy as np

FAKE = "padding_infer_fake_file"
DROPPING = ("2022-06", "2022-07")  # the two oldest ais_infer


def listed(text: str) -> list[str]:
    """Files of --input for one model input: the .npy and .bin of a folder in natural order, or the named
    ones.
    """
    found = []
    for part in text.split(","):
        if os.path.isdir(part):
            names = [name for name in os.listdir(part) if name.endswith((".npy", ".bin"))]
            found += [os.path.join(part, name) for name in sorted(names, key=_natural)]
        elif os.path.isfile(part):
            found.append(part)
        else:
            raise RuntimeError(f"{part} not exist")
    return found


def _natural(name: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def data(path: str) -> bytes:
    """A file's bytes; of a .npy the array's."""
    if path.endswith(".npy"):
        return np.load(path).tobytes()
    with open(path, "rb") as file:
        return file.read()


def shares(paths: list[str], devices: int) -> list[list[str]]:
    """The files of each device, where they share the input."""
    return [list(share) for share in np.array_split(np.array(paths), devices)]


def grouped(paths: list[str], need: int, drop: bool = False) -> list[list[str]]:
    """Files a batch; a short last one is filled with its first file, under another name, or dropped."""
    size = len(data(paths[0]))
    if need % size:
        print(f"[ERROR] arg0 tensorsize: {need} filesize: {size} not match")
        raise RuntimeError(f"tensorsize: {need} filesize: {size} not match")
    each = need // size
    groups = [paths[start : start + each] for start in range(0, len(paths), each)]
    print(
        f"[INFO] get filesperbatch files0 size:{size} tensor0size:{need} filesperbatch:{each}"
        f" runcount:{len(groups)}"
    )
    if drop and len(groups[-1]) < each:
        return groups[:-1]
    groups[-1] += [FAKE] * (each - len(groups[-1]))
    return groups


def result_folder(output: str, dirname: str | None) -> str:
    """<output>/<dirname>, or one named after the second: parallel runs collide."""
    folder = os.path.join(output, dirname or time.strftime("%Y_%m_%d-%H_%M_%S"))
    os.makedirs(folder, exist_ok=True)
    return folder


def save(
    outputs: list[np.ndarray],
    group: list[str],
    folder: str,
    form: str,
    gen: str = "2023",
    integers: bool = False,
    batch: int = 0,
) -> list[str]:
    """One file an image and output: the name up to its first dot, `_`, the output's number; in the two oldest
    generations after the image's number.

    `integers`: half-precision outputs are written as the integers of their bits, as AIT's --pipeline does,
    but for BIN, where the bytes are the same.
    """
    written = []
    for number, output in enumerate(outputs):
        if len(output) % len(group):
            print(
                f"[ERROR] save out files error array shape:{output.shape} files_count_perbatch:{len(group)}"
            )
            continue
        half = integers and output.dtype == np.float16 and form != "BIN"
        rows = np.array_split(output.view(np.uint16) if half else output, len(group))
        for place, (path, row) in enumerate(zip(group, rows, strict=True)):
            if path == FAKE:
                continue
            stem = os.path.basename(path).split(".")[0]
            image = batch * len(group) + place
            old = {
                "2022-06": f"sample_id_{image}_output_{number}",
                "2022-07": f"input{image}_output_{number}",
            }
            name = f"{old.get(gen, f'{stem}_{number}')}.{form.lower()}"
            target = os.path.join(folder, name)
            written.append(target)
            if form == "NPY":
                np.save(target, row)
            elif form == "BIN":
                row.tofile(target)
            else:
                style = "%d " if row.dtype.kind in "iu" else "%f "
                with open(target, "w", encoding="utf-8") as file:
                    for line in row.reshape(-1, row.shape[-1]):
                        file.write("".join(style % value for value in line) + "\n")
    return written
