"""The filters that write numbers, money, dates, lists and plurals as the cell's locale does.

`{{ 1299.5 | currency("EUR") }}`, `{{ t.days | plural(3) }}`. Takes plain values, checks them (a ValueError's text is a
sentence for the template's author), and leaves the writing to `cldr`, which is loaded when the first filter runs.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

from imagebuild.core.locale import Locale, fallback_chain
from imagebuild.core.strings import plural_forms
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import cldr
else:
    cldr = lazy("imagebuild.core.cldr")

__all__ = ["FILTER_NAMES", "filters_for"]

Chain = tuple[str, ...]

CATEGORIES = ("zero", "one", "two", "few", "many", "other")
MOST_PLACES = 20
_NUMERIC = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")
_COUNT = re.compile(r"\{\{\s*(?:n|count)\s*\}\}|\{(?:n|count)\}|%\((?:n|count)\)[sd]|%[di]\b")
_TURKIC = frozenset(["tr", "az"])


def _number(value: object) -> Decimal:
    """An int, a float, a Decimal, or a text that is a number; a text keeps its written decimals."""
    if isinstance(value, str) and _NUMERIC.match(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    raise ValueError(f"{_shown(value)} is not a number")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"`{value}`"
    return "nothing" if value is None else f"`{value}` ({type(value).__name__})"


def _places(places: object) -> int:
    if isinstance(places, int) and not isinstance(places, bool) and 0 <= places <= MOST_PLACES:
        return places
    raise ValueError(f"{_shown(places)} is not a number of decimal places from 0 to {MOST_PLACES}")


def number(chain: Chain, value: object) -> str:
    """`1.299,5`: with as many decimals as there are, at most three."""
    return cldr.format_number(_number(value), chain)


def decimal(chain: Chain, value: object, places: object = 2) -> str:
    """`1.299,50`: with exactly so many decimals."""
    count = _places(places)
    return cldr.format_number(_number(value), chain, (count, count))


def percent(chain: Chain, value: object, places: object = None) -> str:
    """A share of one: 0.125 is `12,5 %`; with `places`, exactly so many decimals."""
    fraction = (0, 3) if places is None else (_places(places), _places(places))
    return cldr.format_percent(_number(value), chain, fraction)


def currency(chain: Chain, value: object, code: object, places: object = None) -> str:
    """`1.299,50 €`: with the currency's own decimals, or exactly `places`."""
    if not isinstance(code, str):
        raise ValueError(f"{_shown(code)} is not a currency code such as `EUR`")
    return cldr.format_currency(_number(value), code.upper(), chain, None if places is None else _places(places))


def date(chain: Chain, value: object, format: object = "medium") -> str:
    """A date, or a text such as `2026-03-05`, written short, medium, long, full, by a skeleton or by a pattern."""
    if not isinstance(format, str) or not format:
        raise ValueError(f"{_shown(format)} is not a date format; use short, medium, long, full or e.g. `MMMMd`")
    return cldr.format_date(_date(value), format, chain)


def _date(value: object) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, str):
        try:
            return datetime.datetime.fromisoformat(value.strip()).date()
        except ValueError:
            pass
    raise ValueError(f"{_shown(value)} is not a date such as `2026-03-05`")


def join_list(chain: Chain, value: object, style: object = "and") -> str:
    """`a, b and c`, or with `"or"`: `a, b or c`."""
    if style not in ("and", "or"):
        raise ValueError(f'{_shown(style)} is not a way to join a list; use "and" or "or"')
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise ValueError(f"{_shown(value)} is not a list")
    kind: Literal["standard", "or"] = "standard" if style == "and" else "or"
    return cldr.format_list([str(each) for each in value], kind, chain)


def plural(chain: Chain, value: object, count: object = None, **forms: str) -> str:
    """`t.days | plural(3)`, or `3 | plural(one="one day", other="{n} days")`; `{n}` becomes the number.

    A form that the text lacks is `other`. A text decides by its locale; with a fallback in another language, the forms
    are still chosen by the locale's own rules, as ICU does.
    """
    if forms:
        if count is not None:
            raise ValueError('plural takes a number before it: `3 | plural(one="…", other="…")`')
        unknown = [name for name in forms if name not in CATEGORIES]
        if unknown or "other" not in forms:
            what = f"`{unknown[0]}` is not a plural form" if unknown else "the plural form `other` is missing"
            raise ValueError(f"{what}; the forms are {', '.join(CATEGORIES)}")
        amount, chosen = _number(value), dict(forms)
    elif count is None:
        raise ValueError("plural needs a number: `t.days | plural(3)`")
    else:
        amount, chosen = _number(count), dict(plural_forms(value))
    form = chosen.get(cldr.plural_category(amount, chain), chosen["other"])
    return _COUNT.sub(lambda _: cldr.format_number(amount, chain), str(form))


def upper(chain: Chain, value: object) -> str:
    """Capitals; in Turkish and Azeri `i` becomes `İ`."""
    text = str(value)
    return (text.replace("i", "İ") if _turkic(chain) else text).upper()


def lower(chain: Chain, value: object) -> str:
    """Small letters; in Turkish and Azeri `I` becomes `ı`."""
    text = str(value)
    return (text.replace("İ", "i").replace("I", "ı") if _turkic(chain) else text).lower()


def _turkic(chain: Chain) -> bool:
    return chain[0].split("-")[0] in _TURKIC


_FILTERS: dict[str, Callable[..., str]] = {
    each.__name__: each for each in (number, decimal, percent, currency, date, join_list, plural, upper, lower)
}
FILTER_NAMES = tuple(_FILTERS)


def filters_for(locale: Locale | None) -> Mapping[str, Callable[..., str]]:
    """The filters by name, for one locale; a cell without one writes as English does."""
    return _filters_for(locale.tag if locale else "en")


@cache
def _filters_for(tag: str) -> Mapping[str, Callable[..., str]]:
    chain = fallback_chain(tag)
    return {name: partial(each, chain) for name, each in _FILTERS.items()}
