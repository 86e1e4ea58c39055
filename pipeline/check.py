"""One line of `inv doctor`: what was looked at, how it is, and what to do. Every backend adds its own."""

from typing import NamedTuple

PASS, WARN, FAIL = "PASS", "WARN", "FAIL"  # all is well; some of it works; nothing does


class Check(NamedTuple):
    """One line of inv doctor. `fix` is empty where there is nothing to do."""

    name: str
    status: str
    text: str
    fix: str = ""
