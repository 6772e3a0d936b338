"""Whether a plugin's row of the catalogue can be read: every field in it is known, and holds what it should.

The rows that ship are held to the same form by the tests. Looked at once, when the plugin is found, so that no plan
stumbles over a row later. Knows the form, not what is planned with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from imagebuild.core.offer import Catalog
from imagebuild.errors import ImagebuildError, Problems, did_you_mean
from imagebuild.providers.task_shape import TaskShape

__all__ = ["wrong_in_row"]

_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_rate(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value > 0)


def _is_amount(value: object) -> bool:
    """As a text, or exact: of a float nobody knows how many cents it is."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return False
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0


def _is_words(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, str) for each in value)


_Test = tuple[Callable[[Any], bool], str]
_AMOUNT: Final[_Test] = (_is_amount, 'US dollars as a text, such as "0.02"')
_COUNT: Final[_Test] = (_is_count, "a whole number")
_WORDS: Final[_Test] = (_is_words, "a list of words")
_SWITCH: Final[_Test] = (lambda value: isinstance(value, bool), "true or false")
_TEXT: Final[_Test] = (lambda value: isinstance(value, str), "a text")

# What may be said of a provider, or of one model of it.
_OFFERED: Final[Mapping[str, _Test]] = {
    "qualities": _WORDS, "backgrounds": _WORDS, "formats": _WORDS, "references": _COUNT, "prompt_characters": _COUNT,
    "mask": _SWITCH, "quality_said": _SWITCH, "partials": _COUNT, "ratios": _WORDS, "tiers": _WORDS,
    "references_by": (lambda value: value in ("bytes", "data_url", "url"), "bytes, data_url or url"),
    "framing": (lambda value: value in ("pixels", "ratio"), "pixels or ratio"),
    "missing": (lambda value: isinstance(value, list | tuple) and all(map(_is_words, value)), "a list of pairs"),
}  # fmt: skip
_PROVIDER: Final[Mapping[str, _Test]] = {
    **_OFFERED,
    "title": _TEXT,
    "key": (
        lambda value: value is None or (isinstance(value, str) and _VARIABLE.fullmatch(value) is not None),
        "the name of the variable that holds the key, such as ACME_API_KEY; or null",
    ),
    "base_url": (
        lambda value: isinstance(value, str) and _ADDRESS.fullmatch(value) is not None, "an address, `https://…`"
    ),
    "limits": (lambda value: isinstance(value, Mapping), "a mapping"),
    "models": (lambda value: isinstance(value, Mapping) and bool(value), "a mapping from models to their ids"),
    "protocol": (lambda value: isinstance(value, Mapping), "a mapping"),
}  # fmt: skip
_MODEL: Final[Mapping[str, _Test]] = {
    **_OFFERED,
    "id": _TEXT,
    "floating": _SWITCH,
    "price": (lambda value: isinstance(value, Mapping), "a mapping"),
}
_PRICE: Final[Mapping[str, _Test]] = {
    "flat": _AMOUNT, "text_in": _AMOUNT, "image_in": _AMOUNT, "image_out": _AMOUNT, "reference_tokens": _COUNT,
    "by_resolution": (lambda value: isinstance(value, Mapping) and all(map(_is_amount, value.values())),
                      f"{_AMOUNT[1]}, for each tier"),
}  # fmt: skip
_LIMITS: Final[Mapping[str, _Test]] = {
    "concurrency": (lambda value: _is_count(value) and value > 0, "a whole number from 1 on"),
    "images_per_minute": (_is_rate, "a number above 0, or null"),
    "requests_per_minute": (_is_rate, "a number above 0, or null"),
}


def wrong_in_row(name: str, row: object, catalog: Catalog) -> str | None:
    """What is wrong with a row, for whoever wrote it; None when it can be planned and paid with. `catalog`: the one
    that it is to be added to."""
    if name in catalog.providers:
        return f"there is a provider `{name}` already"
    if not _NAME.fullmatch(name):
        return f"`{name}`: a provider's name is made of lower-case letters, digits and `-`"
    if not isinstance(row, Mapping):
        return "`row` is no mapping"
    return next(_wrong_fields(row, catalog), None) or _wrong_together(name, row) or _wrong_offer(name, row, catalog)


def _wrong_fields(row: Mapping[str, Any], catalog: Catalog) -> Iterator[str]:
    yield from _wrong(row, _PROVIDER, "")
    yield from _wrong(row.get("limits") or {}, _LIMITS, "limits.")
    if "models" not in row:
        yield "`models` is missing: a mapping from models to their ids"
    known = {*catalog.models, *filter(None, (model.get("floating") for model in catalog.models.values()))}
    for model, entry in row.get("models", {}).items():
        if model not in known:
            yield f"`models`: no model `{model}` ({did_you_mean(str(model), known)})"
        if not isinstance(entry, Mapping) or "id" not in entry:
            yield f"`models.{model}` has no `id`: what the service calls it"
        yield from _wrong(entry, _MODEL, f"models.{model}.")
        yield from _wrong(entry.get("price") or {}, _PRICE, f"models.{model}.price.")


def _wrong(fields: Mapping[str, Any], tests: Mapping[str, _Test], path: str) -> Iterator[str]:
    for field, value in fields.items():
        if field == "batch":
            yield f"`{path}batch`: a plugin has no batches"
        elif field not in tests:
            yield f"`{path}{field}`: no such field ({did_you_mean(str(field), tests) or 'leave it out'})"
        elif not tests[field][0](value):
            yield f"`{path}{field}`: {tests[field][1]}"


def _wrong_together(name: str, row: Mapping[str, Any]) -> str | None:
    """What is asked for money is asked over the wire, so that it is in the journal before it leaves."""
    if "protocol" in row:
        try:
            TaskShape.from_mapping(row["protocol"], provider=name)
        except ImagebuildError as bad:
            return bad.what
    if row.get("base_url"):
        return None
    free = all((entry.get("price") or {}).keys() == {"flat"} and Decimal(entry["price"]["flat"]) == 0
               for entry in row["models"].values())  # fmt: skip
    if row.get("key") is None and "protocol" not in row and free:
        return None
    return 'without `base_url` it works on this machine: then it has no `key`, and each `price` is `{flat: "0"}`'


def _wrong_offer(name: str, row: Mapping[str, Any], catalog: Catalog) -> str | None:
    """Make every offer that a plan would make of it."""
    extended = catalog._replace(providers={**catalog.providers, name: row})
    try:
        for model in row["models"]:
            extended.offer(name, model, allow_floating=True, problems=Problems(), model_at=None, provider_at=None)
    except KeyError as bad:
        return f"`{bad.args[0]}` is missing"
    except (ImagebuildError, TypeError, ValueError, ArithmeticError, AttributeError) as bad:
        return str(bad)
    return None
