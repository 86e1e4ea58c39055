"""Our own code as an input: the modules that an action consists of, hashed without comments, docstrings and
blank lines.

A module counts with everything that it imports from this repository, packages' __init__ included. Parsing 60
files costs 0.2 s, so what came of it is kept in one file under OUT and looked up by mtime, ctime and size;
losing that file costs the 0.2 s.
"""

import ast
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline import fingerprint
from pipeline.fingerprint import Stat
from pipeline.parts import replaced

ROOT = str(Path(__file__).resolve().parents[2])
PARSER = 1  # raise when what parse() keeps of a module changes


class Source:
    """Hashes of our modules, by dotted name, with a cache file that may be missing, old or broken."""

    def __init__(self, cache_path: str | None = None, root: str = ROOT):
        self.root = root
        self.cache_path = cache_path
        self._cached = _read_cache(cache_path)
        self._parsed: dict[str, Parsed | None] = {}
        self._closures: dict[str, dict[str, str]] = {}
        self._grew = False

    def closure(self, module: str) -> dict[str, str]:
        """{module: hash} of this module and all that it imports, directly or not, from this repository."""
        if module not in self._closures:
            hashes: dict[str, str] = {}
            waiting = [module]
            while waiting:
                name = waiting.pop()
                for part in _with_parents(name):
                    parsed = self._parse(part) if part not in hashes else None
                    if parsed:
                        hashes[part] = parsed.sha
                        waiting.extend(parsed.imports)
            self._closures[module] = hashes
        return self._closures[module]

    def hashes(self, action: str, extra: tuple[str, ...] = ()) -> dict[str, str]:
        """{module: hash} of an action ("package.module:function") and of further modules, with all that they
        import from this repository.
        """
        hashes = dict(self.closure(action.partition(":")[0]))
        for module in extra:
            hashes.update(self.closure(module))
        return dict(sorted(hashes.items()))

    def file_of(self, module: str) -> str:
        """The module's file, relative to the repository, as a person knows it."""
        path = _path_of(self.root, module)
        return os.path.relpath(path, self.root) if path else module

    def save(self) -> None:
        """Write the cache, whole or not at all. A read-only tree is no reason to fail."""
        if not (self._grew and self.cache_path and os.path.isdir(os.path.dirname(self.cache_path))):
            return
        mine = f"{self.cache_path}.part-{os.getpid()}"  # a view holds no lock on OUT
        with suppress(OSError), replaced(self.cache_path, mine) as part:
            with open(part, "w", encoding="utf-8") as file:
                json.dump({"parser": PARSER, "files": self._cached}, file)

    def _parse(self, module: str) -> "Parsed | None":
        """One module; None when it is not ours."""
        if module not in self._parsed:
            path = _path_of(self.root, module)
            self._parsed[module] = self._lookup(path, module) if path else None
        return self._parsed[module]

    def _lookup(self, path: str, module: str) -> "Parsed":
        stat = fingerprint.of_stat(path)
        key = os.path.relpath(path, self.root)
        known = self._cached.get(key)
        if known is None or known.stat != stat:
            text = Path(path).read_text(encoding="utf-8")
            known = Parsed(stat, *parse(text, module, path.endswith("__init__.py")))
            self._cached[key] = known
            self._grew = True
        return known


class Parsed(NamedTuple):
    """A module as it was parsed: its file's times and size, the hash of its code, and the dotted names that
    it imports or may import.
    """

    stat: Stat | None
    sha: str
    imports: list[str]


def parse(text: str, module: str, is_package: bool) -> tuple[str, list[str]]:
    """(hash of the code without comments and docstrings, dotted names that it imports or may import)."""
    tree = ast.parse(text)
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, module, is_package)
            names.append(origin)
            # may be a submodule, may be a function
            names.extend(f"{origin}.{alias.name}" for alias in node.names)
        _drop_docstring(node)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16], sorted(set(names))


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:]


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def _path_of(root: str, module: str) -> str | None:
    stem = os.path.join(root, *module.split("."))
    for path in (os.path.join(stem, "__init__.py"), stem + ".py"):
        if os.path.isfile(path):
            return path
    return None


def _read_cache(path: str | None) -> dict[str, Parsed]:
    """{path relative to the repository: the module}, {} for a cache that is missing, old or broken."""
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            cache = json.load(file)
        files = cache["files"].items() if cache["parser"] == PARSER else ()
        return {
            name: Parsed((stat[0], stat[1], stat[2]), sha, imports) for name, (stat, sha, imports) in files
        }
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return {}
