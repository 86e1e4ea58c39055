"""Both languages of the page: each text stands in it twice, and the one that is not chosen is hidden.

zh.json holds the Chinese of every text, by its English: whole ones, and patterns for those with a name in
them. Names of models, files and chips are no texts.
"""

import json
import os
import re
from functools import cache
from typing import NamedTuple

from markupsafe import Markup, escape

LANGUAGES = ("en", "zh")
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zh.json")


class Words(NamedTuple):
    """One text in both languages, plain."""

    en: str
    zh: str

    def __html__(self) -> str:
        """As the template shows it, escaped. What is the same in both stands there once."""
        if self.en == self.zh:
            return str(escape(self.en))
        spans = Markup('<span lang="en">{}</span><span lang="zh">{}</span>')
        return str(spans.format(self.en, self.zh))


@cache
def _known() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    with open(FILE, encoding="utf-8") as file:
        content = json.load(file)
    return content["texts"], [(re.compile(key), value) for key, value in content["patterns"].items()]


def words(text: str) -> Words:
    """The text with its Chinese; a text that has none is a name, and the same in both."""
    texts, patterns = _known()
    plain = " ".join(text.split())
    if plain in texts:
        return Words(plain, texts[plain])
    for pattern, chinese in patterns:
        if pattern.fullmatch(plain):
            return Words(plain, pattern.sub(chinese, plain))
    return Words(plain, plain)


def filled(text: str, **values: object) -> Words:
    """A text with {places}, which are filled in both languages alike."""
    both = words(text)
    return Words(both.en.format(**values), both.zh.format(**values))
