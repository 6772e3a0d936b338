"""What is probably wrong with copy, seen from its text and language alone; and how long its translation may become.

Findings, not mistakes: somebody may have meant it. Knows no layout and no picture. How quotes and dots are written is
left to whoever wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from imagebuild.core.locale import PSEUDO_LOCALES, Locale, fallback_chain, language_of
from imagebuild.core.writing import JOINT_SCRIPTS, script_of
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import cldr
else:
    cldr = lazy("imagebuild.core.cldr")

__all__ = ["LINTS", "Lint", "expanded", "lint"]

LINTS: Final = ("untranslated", "script", "digits", "isolates", "blanks")

# Autodesk's table for translations from English: texts up to so many characters become so much longer.
_LONGER: Final = ((5, 100), (10, 40), (100, 30))
_LONGER_BEYOND: Final = 20

_ALSO_WRITTEN: Final = {"sr": frozenset(["Cyrl", "Latn"]), "uz": frozenset(["Cyrl", "Latn"])}
_UNSPACED: Final = frozenset(["Hani", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr"])
_SYMBOLS: Final = frozenset("αβγΔδεθλμπΣσφΦψωΩ")  # Greek letters that stand alone as signs in any language

_ALIKE: Final = frozenset(["Cyrl", "Grek", "Latn"])
_SENTENCE: Final = 10  # letters
_OTHER_LOCALE: Final = "is it another locale's text?"
_LOOKALIKE: Final = "a letter that only looks like another? type it anew"

_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"[0-9](?:[0-9.,:/\u00a0 ]*[0-9])?")
_NAME_BEFORE: Final = re.compile(r"[A-Za-z][^\s]*[\s\u00a0]?[-+~#]?\Z")  # `iPhone 15`, `SAVE20`
_NAME_AFTER: Final = re.compile(r"[-+]?[\s\u00a0]?[A-Za-z]")  # `500 kB`, `5G`

_OPENING: Final = dict.fromkeys("\u2066\u2067\u2068", "\u2069") | dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c")
_CLOSING: Final = frozenset("\u2069\u202c")


class Lint(NamedTuple):
    """A finding. `word` is one of LINTS."""

    word: str
    sentence: str
    hint: str


def lint(text: str, tag: str, source_text: str | None) -> tuple[Lint, ...]:
    """What is probably wrong with a text of the locale `tag`. `source_text` is what it was translated from; None when
    it was written in this language, be it for another region."""
    if tag in PSEUDO_LOCALES or not text.strip():
        return ()
    untranslated = _untranslated(text, tag, source_text)
    what = untranslated or _script(text, tag)  # the source's own text need not be told in two ways
    return tuple(found for found in (what, _digits(text, tag), _isolates(text), _blanks(text)) if found is not None)


def _untranslated(text: str, tag: str, source_text: str | None) -> Lint | None:
    if source_text is None or text.strip() != source_text.strip() or not _is_phrase(text):
        return None
    return Lint(
        "untranslated", f"not translated? `{tag}` says the same as the source", "if it is meant, there is nothing to do"
    )


def _is_phrase(text: str) -> bool:
    """More than one word, so that names such as `Northwind` and figures pass."""
    letters = [character for character in text if character.isalpha()]
    unspaced = sum(script_of(letter) in _UNSPACED for letter in letters)
    words = sum(any(map(str.isalpha, word)) for word in text.split())
    return words > 1 or unspaced > 4


@cache
def _written_in(tag: str) -> frozenset[str]:
    """The scripts that a locale is written in; empty when that is not known."""
    script = Locale(tag).script
    own = frozenset(JOINT_SCRIPTS.get(script, (script,))) - {""}
    if script == "Hans":
        own |= {"Bopo"}
    return own | _ALSO_WRITTEN.get(language_of(tag), frozenset()) if own else own


def _script(text: str, tag: str) -> Lint | None:
    """Letters of a script that the locale does not use (Latin ones are everybody's), those that look like the right
    ones, and Chinese ones of the other form."""
    own = _written_in(tag)
    if not own:
        return None
    foreign: dict[str, list[str]] = {}
    for run, script in _runs(text):
        if script not in own and script != "Latn" and not (len(run) == 1 and run in _SYMBOLS):
            foreign.setdefault(script, []).append(run)
    if foreign:
        shown = "; ".join(f"{script} `{'`, `'.join(dict.fromkeys(runs))}`" for script, runs in foreign.items())
        return Lint("script", f"`{tag}` is not written in {shown}", _script_hint(foreign, own))
    mixed = [word for word in _WORD.findall(text) if _is_mixed(word)]
    if mixed:
        shown = "`, `".join(dict.fromkeys(mixed))
        return Lint("script", f"letters of two scripts in one word: `{shown}`", _LOOKALIKE)
    if _is_elsewhere(text, tag, own):
        return Lint("script", f"`{tag}` is not written like this: none of it is in {_main(tag)}", _OTHER_LOCALE)
    other = _other_chinese(text, Locale(tag).script) if language_of(tag) == "zh" else ""
    if not other:
        return None
    form, wrong = ("simplified", "traditional") if Locale(tag).script == "Hans" else ("traditional", "simplified")
    return Lint("script", f"`{tag}` is written in {form} characters, `{other}` looks {wrong}", f"use the {form} forms")


def _is_mixed(word: str) -> bool:
    """Whether letters that look alike stand in one word, as a Latin `o` in a Russian one; `μm` is none."""
    scripts = {script_of(letter) for letter in word if letter not in _SYMBOLS} & _ALIKE
    signs = {script_of(letter) for letter in word if letter in _SYMBOLS} if "Cyrl" in scripts else set()
    return len(scripts | signs) > 1


def _script_hint(foreign: dict[str, list[str]], own: frozenset[str]) -> str:
    if own & {"Latn", "Cyrl", "Grek"} and any(len(run) <= 2 for runs in foreign.values() for run in runs):
        return _LOOKALIKE
    return _OTHER_LOCALE


def _main(tag: str) -> str:
    """The script without which a locale has no sentence, though it uses others too."""
    script = Locale(tag).script
    return {"Jpan": "Hira", "Kore": "Hang", "Hans": "Hani", "Hant": "Hani"}.get(script, script)


def _is_elsewhere(text: str, tag: str, own: frozenset[str]) -> bool:
    """A sentence of which no letter is in the locale's own script: Latin words in Russian, Chinese in Japanese."""
    scripts = [script_of(character) for character in text if character.isalpha()]
    wanted = {_main(tag), "Kana"} if _main(tag) == "Hira" else own if "Latn" in own else {_main(tag)}
    if len(scripts) < _SENTENCE or wanted & set(scripts):
        return False
    return len(text.split()) > 2 or any(script in _UNSPACED for script in scripts)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Letters of one script that stand together."""
    run, of = "", ""
    for character in text:
        script = script_of(character)
        if script == of:
            run += character
            continue
        if of:
            yield run, of
        run, of = character, script
    if of:
        yield run, of


def _other_chinese(text: str, script: str) -> str:
    """The characters that only the standard of the other form has: GB 2312 for `Hans`, Big5 for `Hant`."""
    own, other = ("gb2312", "big5") if script == "Hans" else ("big5hkscs", "gb2312")
    letters = dict.fromkeys(character for character in text if script_of(character) == "Hani")
    return "".join(each for each in letters if _encodes(each, other) and not _encodes(each, own))


def _encodes(character: str, standard: str) -> bool:
    try:
        character.encode(standard)
    except UnicodeEncodeError:
        return False
    return True


def _digits(text: str, tag: str) -> Lint | None:
    """Latin digits where CLDR's digits for the locale are others; not those of names and units in Latin letters."""
    found = [
        match.group()
        for match in _DIGITS.finditer(text)
        if not _NAME_BEFORE.search(text, 0, match.start()) and not _NAME_AFTER.match(text, match.end())
    ]
    own = _own_digits(tag) if found else None
    if own is None:
        return None
    shown = "`, `".join(found)
    hint = f"write `{found[0].translate(own)}`, or `{{{{ … | number }}}}`; for Latin digits the tag is `{_latin(tag)}`"
    return Lint("digits", f"`{tag}` has digits of its own, and `{shown}` is in Latin ones", hint)


@cache
def _own_digits(tag: str) -> dict[int, str] | None:
    digits = [cldr.format_number(Decimal(digit), fallback_chain(tag)) for digit in range(10)]
    return None if digits[0] == "0" else {ord("0") + digit: written for digit, written in enumerate(digits)}


def _latin(tag: str) -> str:
    return f"{tag}-u-nu-latn" if "-u-" not in tag else tag.replace("-u-", "-u-nu-latn-", 1)


def _isolates(text: str) -> Lint | None:
    """An isolate or embedding ends in its own line, or runs into whatever is set after it."""
    for line in text.splitlines():
        wanted: list[str] = []
        for character in line:
            if character in _OPENING:
                wanted.append(_OPENING[character])
            elif character in _CLOSING and (not wanted or wanted.pop() != character):
                return _unbalanced(character, "has no beginning")
        if wanted:
            opened = next(each for each in line if _OPENING.get(each) == wanted[-1])
            return _unbalanced(opened, "has no end in its line")
    return None


def _unbalanced(character: str, what: str) -> Lint:
    names = {0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF"}
    names |= {0x202D: "LRO", 0x202E: "RLO"}
    hint = "U+2066, U+2067 and U+2068 end with U+2069; U+202A, U+202B, U+202D and U+202E with U+202C"
    return Lint("isolates", f"the invisible U+{ord(character):04X} ({names[ord(character)]}) {what}", hint)


def _blanks(text: str) -> Lint | None:
    if text == text.strip():
        return None
    where = "both ends" if text[0].isspace() and text[-1].isspace() else "the start" if text[0].isspace() else "the end"
    return Lint("blanks", f"blanks at {where}", "take them out; a template puts in what it needs")


def expanded(text: str, source_tag: str) -> str:
    """The text as long as its German translation may become, by Autodesk's table: every word longer by its own
    letters, since translations have longer words too, which is what breaks a line. German, and what is written without
    spaces, stays as it is: the table says nothing of them."""
    if language_of(source_tag) == "de" or _written_in(source_tag) & _UNSPACED:
        return text
    length = len(text.strip())
    percent = next((percent for most, percent in _LONGER if length <= most), _LONGER_BEYOND)
    pieces = re.split(r"(\s+)", text)
    missing = -(-length * percent // 100)
    letters = sum(len(piece) for piece in pieces if _grows(piece))
    grown, so_far, given = [], 0, 0
    for piece in pieces:
        if not _grows(piece):
            grown.append(piece)
            continue
        so_far += len(piece)
        share = missing * so_far // letters - given
        given += share
        grown.append(_grown(piece, share))
    return "".join(grown)


def _grows(piece: str) -> bool:
    return any(map(str.isalpha, piece))


def _grown(word: str, more: int) -> str:
    """The word with so many more letters, its own over again, before the punctuation at its end."""
    last = max(at for at, character in enumerate(word) if character.isalpha()) + 1
    letters = [character for character in word if character.isalpha()]
    return word[:last] + "".join(letters[at % len(letters)].lower() for at in range(more)) + word[last:]
