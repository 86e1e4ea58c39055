"""Short names for folders, so that what is written down of a file survives moving the tree."""

import os
from collections.abc import Mapping


class Roots:
    """Short names for folders: a path under one is written `name:relative`, any other by its last part
    alone.
    """

    def __init__(self, folders: Mapping[str, str]):
        self.folders = dict(folders)
        # the longest first: a data set may lie inside OUT
        self._prefixes = sorted(
            ((path.rstrip("/") + "/", name) for name, path in folders.items()), key=lambda p: -len(p[0])
        )

    def key(self, path: str) -> str:
        """The path as a stamp writes it. Files of the user's outside all roots may move: they are
        `file:NAME`.
        """
        for prefix, name in self._prefixes:
            if path.startswith(prefix):
                return f"{name}:{path[len(prefix) :]}"
        return "file:" + path.rpartition("/")[2]

    def path(self, key: str) -> str | None:
        """The path behind a key, None for `file:` and for a root that this request does not have."""
        name, _, rest = key.partition(":")
        return os.path.join(self.folders[name], rest) if name in self.folders else None
