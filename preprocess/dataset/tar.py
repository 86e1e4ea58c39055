"""A tar of pictures, read in place: what it holds and where. The members are listed once and remembered in
one JSON file.

Only regular files count. A member whose name leads out of the archive, a link or a device is refused: the
archive is not what it says it is. Offsets need an uncompressed tar.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from pipeline import fingerprint
from pipeline.errors import BuildError

SCHEMA = 1
CHUNK = 1 << 20


class Member(NamedTuple):
    """One regular file in the tar: where its bytes are and their SHA-256."""

    path: str
    offset: int
    size: int
    sha256: str


def members(tar: str, remembered: str | None = None) -> list[Member]:
    """The regular files of a tar, in its order. `remembered` is the JSON file that spares the reading of an
    unchanged tar.
    """
    stat = fingerprint.of_stat(tar)
    if remembered is not None:
        known = _read(remembered, stat)
        if known is not None:
            return known
    found = scan(tar)
    if remembered is not None:
        _remember(remembered, {"schema": SCHEMA, "tar": stat, "members": found})
    return found


def _remember(path: str, value: dict) -> None:
    """Write the file that spares a reading. On a disk without room there is none: the tar is read again."""
    part = f"{path}.{os.getpid()}"  # planning holds no lock: a build beside it sweeps away `.part-` files
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(part, "w", encoding="utf-8") as file:
            json.dump(value, file, separators=(",", ":"))
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            os.unlink(part)


def scan(tar: str) -> list[Member]:
    """Read the whole tar once, front to back. BuildError for one that is compressed, cut off or holds what it
    should not.
    """
    length = os.path.getsize(tar)
    found = []
    try:
        with (
            open(tar, "rb") as data,
            tarfile.open(tar, "r:", encoding="utf-8", errors="surrogateescape") as archive,
        ):
            for member in archive:
                if member.isdir():
                    continue
                _check(tar, member, length)
                data.seek(member.offset_data)
                found.append(Member(member.name, member.offset_data, member.size, _sha256(data, member.size)))
            _check_end(tar, archive.offset, data)
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise BuildError(
            f"--dataset={tar}: not an uncompressed tar ({error}); expected a folder, a .tar (gunzip a .tar.gz"
            " first), or an index file ending in .txt or .csv"
        ) from error
    return found


def read(tar: str, wanted: list[tuple[int, int]], most: int) -> Iterator[tuple[int, bytes]]:
    """Yield (position in `wanted`, bytes) of each (offset, size), in the order of the offsets: one sweep
    through the file.

    Of a member of more than `most` bytes, `most` + 1 are read.
    """
    with open(tar, "rb") as data:
        for position in sorted(range(len(wanted)), key=lambda at: wanted[at][0]):
            offset, size = wanted[position]
            data.seek(offset)
            yield position, data.read(min(size, most + 1))


def _check(tar: str, member: tarfile.TarInfo, length: int) -> None:
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts:
        raise BuildError(f"--dataset={tar}: member {member.name!r} leads out of the archive; refused")
    if not member.isreg() or member.issparse():
        kind = "a link" if member.islnk() or member.issym() else "a device, pipe or sparse file"
        fix = "Pack it anew: tar --dereference --hard-dereference -cf FILE DIR"
        raise BuildError(
            f"--dataset={tar}: member {member.name!r} is {kind}; only plain files are read. {fix}"
        )
    if member.size < 0 or member.offset_data + member.size > length:
        raise BuildError(
            f"--dataset={tar}: cut off inside {member.name!r} ({length} bytes there); copy or download it"
            " again"
        )


def _check_end(tar: str, end: int, data) -> None:
    # tarfile takes any two bad bytes after a good member for the end of the archive: a damaged one would be a
    # smaller data set
    data.seek(end)
    if not data.read(1):
        raise BuildError(
            f"--dataset={tar}: cut off after byte {end}: the zeros that end an archive are not there; copy it"
            " again"
        )
    data.seek(end)
    while block := data.read(CHUNK):
        if block.count(0) != len(block):
            raise BuildError(
                f"--dataset={tar}: damaged after byte {end}: neither a member nor the end follows; copy or"
                " download it again"
            )


def _sha256(data, size: int) -> str:
    digest = hashlib.sha256()
    while size:
        block = data.read(min(size, CHUNK))
        if not block:
            break
        digest.update(block)
        size -= len(block)
    return digest.hexdigest()[:16]


def _read(path: str, stat: fingerprint.Stat | None) -> list[Member] | None:
    """What is remembered of the tar with these times and size; None where that is nothing, or cannot be
    read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
        if known["schema"] != SCHEMA or known["tar"] != list(stat or ()):
            return None
        return [
            Member(str(name), int(offset), int(size), str(sha))
            for name, offset, size, sha in known["members"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
