"""A tar of images, read in place: what it holds and where. The members are listed once and remembered in one
JSON file.

Only regular files count. A member whose name leads out of the archive, a link or a device is refused: the
archive is not what it says it is. Offsets need an uncompressed tar.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from pipeline import fingerprint
from pipeline.errors import BuildError
from pipeline.parts import replaced

SCHEMA = 1
CHUNK = 1 << 20  # bytes read at once
ZIP = b"PK\x03\x04"


class Member(NamedTuple):
    """One regular file in the tar: where its bytes are, and the first 16 hex of their SHA-256."""

    path: str
    offset: int
    size: int
    sha256: str


def members(tar: str, remembered: str | None = None) -> list[Member]:
    """The regular files of a tar, in its order. BuildError as in `scan`.

    `remembered` is the JSON file that spares the reading of an unchanged tar; it is written where it does
    not.
    """
    stat = fingerprint.of_stat(tar)
    if remembered is not None:
        known = _read(remembered, stat)
        if known is not None:
            return known
    listed = scan(tar)
    if remembered is not None:
        _remember(remembered, stat, listed)
    return listed


def _remember(path: str, stat: fingerprint.Stat | None, listed: Sequence[Member]) -> None:
    """Write the file that spares a reading. On a disk without room there is none: the tar is read again."""
    part = f"{path}.{os.getpid()}"  # planning holds no lock: a build beside it sweeps away `.part-` files
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with replaced(path, part), open(part, "w", encoding="utf-8") as file:
            json.dump({"schema": SCHEMA, "tar": stat, "members": listed}, file, separators=(",", ":"))


def scan(tar: str) -> list[Member]:
    """Read the whole tar once, front to back, and list its regular files. BuildError for one that is
    compressed, cut off or holds what it should not.
    """
    length = os.path.getsize(tar)
    members = []
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
                sha256 = _sha256(data, member.size)
                members.append(Member(member.name, member.offset_data, member.size, sha256))
            _check_end(tar, archive.offset, data)
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        with open(tar, "rb") as data:
            zipped = data.read(len(ZIP)) == ZIP
        what = "a zip: unzip it and name the folder" if zipped else f"not an uncompressed tar ({error})"
        raise BuildError(
            f"--dataset={tar}: {what}; expected a folder, a .tar (gunzip a .tar.gz first), or an index file"
            " ending in .txt or .csv"
        ) from error
    except OSError as error:
        raise _unreadable(tar, error) from error
    return members


def read(tar: str, wanted: Sequence[tuple[int, int]], most: int) -> Iterator[tuple[int, bytes | OSError]]:
    """Yield (position in `wanted`, bytes) of each wanted (offset, size), in the order of the offsets: one
    sweep through the file. BuildError where it cannot be opened.

    Of a member of more than `most` bytes, `most` + 1 are read; of one that the disk does not give, the error
    is yielded.
    """
    try:
        data = open(tar, "rb", opener=fingerprint.open_regular)  # noqa: SIM115  closed below
    except OSError as error:
        raise _unreadable(tar, error) from error
    with data:
        for position in sorted(range(len(wanted)), key=lambda at: wanted[at][0]):
            offset, size = wanted[position]
            try:
                data.seek(offset)
                member: bytes | OSError = data.read(min(size, most + 1))
            except OSError as error:
                member = error
            yield position, member


def _unreadable(tar: str, error: OSError) -> BuildError:
    return BuildError(
        f"--dataset={tar}: cannot be read ({error.strerror}); give this user the right to (chmod u+r), or"
        " name another"
    )


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


def _check_end(tar: str, end: int, data: BinaryIO) -> None:
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


def _sha256(data: BinaryIO, size: int) -> str:
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
