"""What this user may not read, and the group that may: CANN is installed for one, unless for all."""

import grp
import os


def closed(path: str) -> str | None:
    """The folder on the way to this path that this user may not enter, or the file or folder itself where it
    may not be read; None where nothing is closed, and where there is nothing.
    """
    path = os.path.realpath(path)
    way = [path]
    while way[0] != os.path.dirname(way[0]):
        way.insert(0, os.path.dirname(way[0]))
    for part in way:
        needed = os.R_OK if part == path else 0
        if os.path.exists(part) and not os.access(part, needed | (os.X_OK if os.path.isdir(part) else 0)):
            return part
    return None


def group(path: str) -> str:
    """The name of the group that a file is of; its number where it has no name."""
    number = os.stat(path).st_gid
    return next((entry.gr_name for entry in grp.getgrall() if entry.gr_gid == number), str(number))


def let_in(path: str) -> str:
    """The sentence that says how this user gets to read it."""
    name = group(path)
    return f"Join the group {name} (sudo usermod -aG {name} $USER), or install CANN with --install-for-all"
