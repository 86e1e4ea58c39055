"""The checkpoint in a file: the file itself, or the one checkpoint that a tar holds. Plan time: imports no
torch.
"""

import os
import shlex
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO

from mobilenet import file_kind
from mobilenet.file_kind import DAMAGE, NAME_ANOTHER, Foreign, Form
from pipeline.errors import BuildError

MEMBERS = 1000  # a tar of more files is no checkpoint packed up: pictures have 50,000
OLDEST = {"sys_info", "pickle", "storages", "tensors"}  # members of what torch wrote before 0.1.10


class Unread(BuildError):
    """A file whose first bytes are of no kind that is known: its reader will say what is wrong with it."""


def path_fault(path: str) -> str:
    """Why no checkpoint can be read at this path: no file, a folder, a pipe, not ours to read; "" where one
    can.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return "a folder"
        if not stat.S_ISREG(mode):  # opening a pipe would wait, and it can be read only once
            return "a pipe or a device"
        with open(path, "rb") as file:
            file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        return f"a link to {os.readlink(path)}, where nothing is" if os.path.islink(path) else "no such file"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""


@contextmanager
def opened(path: str) -> Iterator[tuple[IO[bytes], Form]]:
    """The checkpoint's bytes, from their beginning, and its form. BuildError says what the file is where it
    is none, Unread where that is not known.
    """
    fault = path_fault(path)
    if fault:
        raise BuildError(f"{path}: {fault}, expected a checkpoint; name one with --checkpoint=FILE")
    with open(path, "rb") as file:
        kind = file_kind.of_file(file)
        if not isinstance(kind, Foreign):
            file.seek(0)
            yield file, kind
            return
        archive = _tar(file) if not kind.sure else None
        if archive is None:
            raise _refusal(path, kind)
        with archive:
            member, form = _only_checkpoint(path, archive)
            member.seek(0)
            yield member, form


def _refusal(path: str, kind: Foreign) -> BuildError:
    fix = kind.fix.replace("{file}", shlex.quote(path))
    return (BuildError if kind.sure else Unread)(f"{path}: {kind.what}; {fix}")


def _tar(file: IO[bytes]) -> tarfile.TarFile | None:
    """The file as an uncompressed tar with anything in it, or None."""
    file.seek(0)
    try:
        archive = tarfile.TarFile(fileobj=file)
        return archive if archive.next() else None
    except (*DAMAGE, tarfile.TarError):
        return None


def _only_checkpoint(path: str, archive: tarfile.TarFile) -> tuple[IO[bytes], Form]:
    """The one member that is a checkpoint, by its first bytes and not by its name."""
    checkpoints: list[tuple[str, IO[bytes], Form]] = []
    names: list[str] = []
    try:
        for member in islice(archive, MEMBERS):
            names.append(member.name)
            file = archive.extractfile(member) if member.isreg() else None
            kind = file_kind.of_file(file) if file else file_kind.UNKNOWN
            if file and not isinstance(kind, Foreign):
                checkpoints.append((member.name, file, kind))
    except (*DAMAGE, tarfile.TarError) as error:
        raise BuildError(f"{path}: a tar that is cut short or damaged; copy it again") from error
    if len(checkpoints) == 1:
        return checkpoints[0][1:]
    if checkpoints:
        packed = file_kind.listing([name for name, *_ in checkpoints])
        raise BuildError(f"{path}: a tar with {len(checkpoints)} checkpoints: {packed}; unpack it, name one")
    if set(names) >= OLDEST:
        raise BuildError(f"{path}: written by a torch of before 0.1.10; load it with that and save it again")
    raise BuildError(
        f"{path}: a tar without a checkpoint in it (it holds {file_kind.listing(names)}); {NAME_ANOTHER}"
    )


class Inert:
    """Stands for anything that a pickle names, and does nothing whatever is done to it."""

    def __new__(cls, *args: object, **kwargs: object) -> "Inert":
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        """Take one of a list's items."""

    def extend(self, items: object) -> None:
        """Take a list's items."""

    def add(self, item: object) -> None:
        """Take one of a set's items."""


class Dict(dict[object, object]):
    """An OrderedDict, which has attributes, too: state dicts keep `_metadata` there."""

    def __init__(self, pairs: object = ()) -> None:
        super().__init__(pairs if isinstance(pairs, list | tuple | dict) else ())


def _items(items: object = ()) -> list[object]:
    """A set's items."""
    return list(items) if isinstance(items, list | tuple) else []


CONTAINERS = {
    ("collections", "OrderedDict"): Dict,
    ("collections", "Counter"): Dict,
    ("builtins", "set"): _items,
    ("__builtin__", "set"): _items,
}
