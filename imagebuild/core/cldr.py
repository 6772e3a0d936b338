"""What CLDR says, by way of Babel: likely scripts, names, and how a locale writes numbers, money, dates and lists.

The only module that knows Babel, so that loading it (some 40 ms) can be put off until something here is asked.
A locale comes in as its fallback chain, nearest first. Babel keeps CLDR's patterns but prints Latin digits, a hyphen
for minus, no spacing around currency codes, and ignores minimum grouping; here that is made right, as ICU does it.
Calendars stay Gregorian. What is not a number, a date or a currency is a ValueError whose text is a sentence.
"""

from __future__ import annotations

import copy
import datetime
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Literal

import babel
from babel import dates, lists, localedata, numbers

__all__ = [
    "display_name",
    "format_currency",
    "format_date",
    "format_list",
    "format_number",
    "format_percent",
    "likely_script",
    "plural_category",
]

Chain = tuple[str, ...]

# CLDR's numbering systems that a locale uses by default: the character of zero, from which the other digits follow.
ZERO = {
    "adlm": 0x1E950,
    "arab": 0x0660,
    "arabext": 0x06F0,
    "beng": 0x09E6,
    "cakm": 0x11136,
    "deva": 0x0966,
    "hmnp": 0x1E140,
    "latn": 0x0030,
    "mtei": 0xABF0,
    "mymr": 0x1040,
    "nkoo": 0x07C0,
    "olck": 0x1C50,
    "rohg": 0x10D30,
    "tibt": 0x0F20,
}

# How a month can be named, and the fields that this stands in for when their own name is missing.
_MONTHS = [("MMM", "format", "abbreviated"), ("MMMM", "format", "wide"), ("LLLL", "stand-alone", "wide")]
_MONTHS_BEFORE = {"MMM": ["MMM"], "MMMM": ["MMM"], "LLLL": ["MMM", "MMMM"]}

# CLDR's minimumGroupingDigits: where a number of four digits is written without a separator (`1299,50 €`).
_UNGROUPED = "be bg es et hu hy ia ie it ka lv pl pt-PT sl sq"
UNGROUPED_THOUSANDS = frozenset(_UNGROUPED.split())
GROUPED_THOUSANDS = frozenset(["es-419"])


@cache
def likely_script(language: str, region: str = "") -> str:
    """The script a language is written in (in a region), "" when CLDR does not know it."""
    likely = babel.core.get_global("likely_subtags")
    language = str(babel.core.get_global("language_aliases").get(language, language)).split("_")[0]
    found = likely.get(f"{language}_{region}") or likely.get(language)
    return str(found).split("_")[1] if found else ""


@cache
def nearest(chain: Chain) -> babel.Locale | None:
    """The data of the first tag of the chain that CLDR has, None when it has none of them."""
    for tag in chain:
        name = tag.replace("-", "_")
        if localedata.exists(name):
            return babel.Locale.parse(name)
    language = chain[-1].split("-")[0]
    alias = babel.core.get_global("language_aliases").get(language)
    return babel.Locale(alias) if alias and localedata.exists(alias) else None


@cache
def _data(chain: Chain) -> babel.Locale:
    return nearest(chain) or babel.Locale("root")


def display_name(parts: tuple[str, str, str, tuple[str, ...]], chain: Chain) -> str | None:
    """`German (Germany)`, in the language of `chain`; None when that language has no word for it."""
    language, script, region, rest = parts
    data = nearest(chain)
    alias = babel.core.get_global("language_aliases").get(language, language)
    name = data.languages.get(language) or data.languages.get(alias) if data else None
    if data is None or name is None:
        return None
    details = [str(data.scripts.get(script, script)), str(data.territories.get(region, region))]
    details += [str(data.variants.get(each.upper(), each)) for each in rest if len(each) > 3]
    shown = ", ".join(filter(None, details))
    return f"{name} ({shown})" if shown else str(name)


@cache
def _numbering_system(chain: Chain) -> str:
    """The locale's own digits, or those its tag asks for (`ar-EG-u-nu-latn`)."""
    data = _data(chain)
    asked = re.search(r"-u-(?:[a-z0-9-]+-)?nu-([a-z]+)", chain[0])
    system = asked.group(1) if asked else data.default_numbering_system
    return system if system in ZERO and system in data.number_symbols else "latn"


@cache
def _glyphs(chain: Chain) -> dict[int, str]:
    """What a pattern's digits and signs are written as."""
    system = _numbering_system(chain)
    symbols = _data(chain).number_symbols[system]
    glyphs = _digits(chain) | {ord("-"): symbols.get("minusSign", "-"), ord("+"): symbols.get("plusSign", "+")}
    return glyphs | {ord("%"): symbols.get("percentSign", "%")}


@cache
def _digits(chain: Chain) -> dict[int, str]:
    zero = ZERO[_numbering_system(chain)]
    return {ord("0") + digit: chr(zero + digit) for digit in range(10)}


def _apply(pattern: numbers.NumberPattern, value: Decimal, chain: Chain, fraction: tuple[int, int]) -> str:
    """The value in a pattern of the locale, with from..to digits of fraction; a currency sign is left as `¤`."""
    pattern = copy.copy(pattern)
    pattern.frac_prec = fraction
    data = _data(chain)
    try:
        whole = abs(round(value.scaleb(pattern.scale), fraction[1]))
        grouped = whole >= 10 ** (pattern.grouping[0] + 1) or not _ungrouped_thousands(chain)
        text = pattern.apply(value, data, numbering_system=_numbering_system(chain), group_separator=grouped)
    except InvalidOperation:
        raise ValueError(f"the number `{value}` is too large to write out") from None
    return str(text).translate(_glyphs(chain))


@cache
def _ungrouped_thousands(chain: Chain) -> bool:
    decisive = [tag for tag in chain if tag in UNGROUPED_THOUSANDS or tag in GROUPED_THOUSANDS]
    return bool(decisive) and decisive[0] in UNGROUPED_THOUSANDS


def format_number(value: Decimal, chain: Chain, fraction: tuple[int, int] = (0, 3)) -> str:
    return _apply(_data(chain).decimal_formats[None], value, chain, fraction)


def format_percent(value: Decimal, chain: Chain, fraction: tuple[int, int] = (0, 3)) -> str:
    """A share of one: 0.25 is written `25 %`."""
    return _apply(_data(chain).percent_formats[None], value, chain, fraction)


def format_currency(value: Decimal, code: str, chain: Chain, places: int | None = None) -> str:
    if not numbers.is_currency(code):
        raise ValueError(f"`{code}` is not a currency code such as `EUR`")
    digits = numbers.get_currency_precision(code) if places is None else places
    data = _data(chain)
    text = _apply(data.currency_formats["standard"], value, chain, (digits, digits))
    return _put_symbol(text, str(numbers.get_currency_symbol(code, data)))


def _put_symbol(text: str, symbol: str) -> str:
    """The symbol in place of `¤`, with a space where CLDR wants one: between a digit and a letter."""
    before, _, after = text.partition("¤")
    if before[-1:].isdigit() and _is_word(symbol[:1]):
        symbol = "\u00a0" + symbol
    if after[:1].isdigit() and _is_word(symbol[-1:]):
        symbol += "\u00a0"
    return before + symbol + after


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] not in "SZ"


def format_date(value: datetime.date, style: str, chain: Chain) -> str:
    """`style` is short, medium, long or full; a skeleton (`MMMMd`: the locale orders it); or a pattern (`d. MMMM`)."""
    data = _data(chain)
    if style in ("short", "medium", "long", "full"):
        pattern = str(data.date_formats[style].pattern)
    elif style.isalpha():
        known = data.datetime_skeletons
        match = style if style in known else dates.match_skeleton(style, known)
        if match is None:
            hint = "use short, medium, long, full, a skeleton such as `MMMMd`, or a pattern such as `d. MMMM`"
            raise ValueError(f"`{style}` is not a date format; {hint}")
        pattern = str(known[match].pattern)
    else:
        pattern = style
    try:
        text = dates.format_date(value, _named_months(pattern, data), locale=data)
    except AttributeError:  # a field of the pattern that a date does not have
        raise ValueError(f"`{style}` asks for a time of day, which a date does not have") from None
    return str(text).translate(_digits(chain))


def _named_months(pattern: str, data: babel.Locale) -> str:
    """Where CLDR has no short name of a month, Babel writes `M03`; ask for the name that there is instead."""
    for letters, context, width in _MONTHS:
        if not re.fullmatch(r"M\d\d", str(data.months[context][width][3])):
            return re.sub(rf"(?<![ML])({'|'.join(_MONTHS_BEFORE[letters])})(?![ML])", letters, pattern)
    return pattern


def format_list(parts: Sequence[str], style: Literal["standard", "or"], chain: Chain) -> str:
    """`a, b and c`, or `a, b or c`."""
    return str(lists.format_list(parts, style=style, locale=_data(chain)))


def plural_category(value: Decimal | int, chain: Chain) -> str:
    """zero, one, two, few, many or other."""
    return str(_data(chain).plural_form(value))
