"""What each engine can be believed in, script by script: measured by `tests/bench/reading.py`, not promised by anyone.

A script that is not here is not readable: no engine is asked, since a recogniser that does not know a script says
something all the same.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from imagebuild.core.locale import Locale

__all__ = ["RAPIDOCR", "TESSERACT", "Trust", "script_for", "trust_of"]

Grade = Literal["letters", "words"]


class Trust(NamedTuple):
    """How far an engine's reading of a script goes as evidence. `letters`: a single letter read otherwise, twice, was
    drawn otherwise. `words`: right letters are misread now and then in the same way each time, so that only a larger
    difference is proof. `clean`: the share of clean strings read letter for letter, with their boxes known, over all
    grounds. `unread`: characters that it always misreads, so that a string with one of them is for a person to read."""

    grade: Grade
    clean: float
    unread: str = ""


_ARABIC_DIGITS: Final = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"

# Tesseract 5.3 with Debian's data (4.1.0), Noto Sans from 26 to 88 pixels.
TESSERACT: Final = {
    "Latn": Trust("letters", 0.99),
    "Cyrl": Trust("letters", 1.0),
    "Grek": Trust("letters", 1.0),
    "Hans": Trust("letters", 0.94),
    "Hant": Trust("letters", 0.94),
    "Jpan": Trust("letters", 1.0),
    "Kore": Trust("words", 0.66),  # 끓 is 끊 or 끌 to it
    "Deva": Trust("letters", 1.0),
    "Beng": Trust("letters", 1.0),
    "Hebr": Trust("letters", 1.0),
    "Thai": Trust("words", 0.73),  # a tone over ำ is lost
    "Arab": Trust("words", 0.28, _ARABIC_DIGITS),
}

# RapidOCR 3.10 with the models in its package. In the other scripts it has from none to a quarter of the letters right.
RAPIDOCR: Final = {
    "Latn": Trust("letters", 1.0),
    "Hans": Trust("letters", 1.0),
    "Hant": Trust("letters", 1.0),
    "Jpan": Trust("letters", 1.0),
}

_ENGINES: Final = {"tesseract": TESSERACT, "rapidocr": RAPIDOCR}


def script_for(tag: str) -> str:
    """The script (ISO 15924) that a language tag is read in; empty when that is not known."""
    return Locale(tag).script


def trust_of(engine: str, tag: str) -> Trust | None:
    return _ENGINES[engine].get(script_for(tag))
