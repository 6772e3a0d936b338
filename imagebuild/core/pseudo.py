"""Pseudo-locales: copy that can be read but shows what a translation will do to a layout.

`en-XA` is accented, about a third longer, and bracketed, so that cut text shows. `ar-XB` runs from right to left, each
word reversed by marks as Android and CLDR do it. Placeholders, tags, entities and addresses stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["pseudo"]

_ACCENTED = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçđéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž",
)
_FILLER = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_KEPT = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{[^{}]*\}"  # templates and `{n}`
    r"|%(?:\(\w+\)|\d+\$)?[-+#0]*\d*(?:\.\d+)?[sdifuxXeEgGc@]"  # printf
    r"|</?[A-Za-z][^<>]*>|&(?:[A-Za-z]\w*|#\d+|#x[0-9a-fA-F]+);"  # tags and entities
    r"|(?:https?://|www\.)[^\s<>]+|[\w.+-]+@[\w-]+\.[\w.-]+",  # addresses
    re.DOTALL,
)
_WORD = re.compile(r"[^\W_][\w'’-]*")
_RLM, _RLO, _PDF = "\u200f", "\u202e", "\u202c"


def pseudo(text: str, tag: str) -> str:
    """The text as the pseudo-locale `en-XA` or `ar-XB` has it; blank text stays blank."""
    if not text.strip():
        return text
    if tag == "ar-XB":
        return "".join(piece if kept else _WORD.sub(_reversed, piece) for piece, kept in _pieces(text))
    accented = "".join(piece if kept else piece.translate(_ACCENTED) for piece, kept in _pieces(text))
    letters = sum(len(piece) for piece, kept in _pieces(text) if not kept)
    return f"[{accented}{_padding(letters)}]"


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in order, cut into what is copy (False) and what must stay (True)."""
    end = 0
    for found in _KEPT.finditer(text):
        yield text[end : found.start()], False
        yield found.group(), True
        end = found.end()
    yield text[end:], False


def _padding(letters: int) -> str:
    """Words that make copy of so many characters about 35 % longer."""
    wanted, padding, count = round(letters * 0.35), "", 0
    while len(padding) < wanted:
        padding += " " + _FILLER[count % len(_FILLER)]
        count += 1
    return padding


def _reversed(word: re.Match[str]) -> str:
    return f"{_RLM}{_RLO}{word.group()}{_PDF}{_RLM}"
