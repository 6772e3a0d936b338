"""A plugin's row of the catalogue: what it may hold, and that whatever is wrong in it is named."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.providers.catalog import load_catalog
from imagebuild.providers.row import wrong_in_row

CATALOG = load_catalog()
MODEL = next(iter(CATALOG.models))
ROW: dict[str, Any] = {
    "title": "Acme Pictures",
    "key": "ACME_API_KEY",
    "base_url": "https://api.acme.example/v1",
    "limits": {"concurrency": 2, "images_per_minute": 7.5},
    "models": {MODEL: {"id": "acme/gpt-image-2", "price": {"flat": "0.03"}}},
}
HERE: dict[str, Any] = {"models": {MODEL: {"id": "acme", "price": {"flat": "0"}}}}


def changed(path: str, value: object, row: dict[str, Any] = ROW) -> dict[str, Any]:
    """The row with another value at a path, `models.*.price`."""
    new = copy.deepcopy(row)
    at = new
    *way, last = path.replace("*", MODEL).split("/")
    for name in way:
        at = at[name]
    at[last] = value
    return new


def test_a_row_of_a_service_and_one_of_a_provider_that_works_here_can_be_used():
    assert wrong_in_row("acme", ROW, CATALOG) is None
    assert wrong_in_row("acme-2", HERE, CATALOG) is None
    assert wrong_in_row("acme", changed("models/*/price", {"flat": Decimal("0.03")}), CATALOG) is None


@pytest.mark.parametrize("name", CATALOG.providers)
def test_the_rows_that_ship_have_the_form_that_plugins_are_held_to(name: str):
    row = {field: value for field, value in CATALOG.providers[name].items() if field != "batch"}
    assert wrong_in_row("acme", row, CATALOG) is None


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("key", "acme key", "`key`: the name of the variable"),
        ("base_url", "api.acme.example", "`base_url`: an address"),
        ("base_url", "https://user:password@acme.example", "`base_url`: an address"),
        ("base_url", "", "`base_url`: an address"),
        ("prise", "0.03", "`prise`: no such field"),
        ("price", {"flat": "0.03"}, "`price`: no such field"),
        ("batch", "0.5", "`batch`: a plugin has no batches"),
        ("models/*/batch", "0.5", f"`models.{MODEL}.batch`: a plugin has no batches"),
        ("limits", {"concurrency": 0}, "`limits.concurrency`: a whole number from 1 on"),
        ("limits", {"concurrency": "many"}, "`limits.concurrency`: a whole number from 1 on"),
        ("limits", {"images_per_minute": -1}, "`limits.images_per_minute`: a number above 0, or null"),
        ("limits", {"per_minute": 1}, "`limits.per_minute`: no such field"),
        ("models", {}, "`models`: a mapping"),
        ("models", {"other": {"id": "x"}}, "`models`: no model `other` (known here: "),
        ("models/*", {"price": {"flat": "1"}}, f"`models.{MODEL}` has no `id`"),
        ("models/*/price", {"flat": 0.03}, f'`models.{MODEL}.price.flat`: US dollars as a text, such as "0.02"'),
        ("models/*/price", {"flat": "-1"}, f"`models.{MODEL}.price.flat`: US dollars"),
        ("models/*/price", {"flat": "NaN"}, f"`models.{MODEL}.price.flat`: US dollars"),
        ("models/*/price", {"by_resolution": {"1k": "cheap"}}, f"`models.{MODEL}.price.by_resolution`: US dollars"),
        ("qualities", "medium", "`qualities`: a list of words"),
        ("references_by", "post", "`references_by`: bytes, data_url or url"),
        ("framing", "ratio", "`ratios` is missing"),
        ("protocol", {"creates": "/x"}, "protocol of `acme`: unknown field `creates`"),
    ],
)
def test_what_is_wrong_in_a_row_is_named(path: str, value: object, says: str):
    wrong = wrong_in_row("acme", changed(path, value), CATALOG)
    assert wrong is not None
    assert wrong.startswith(says)


def test_the_name_of_a_provider_that_ships_is_taken_and_a_name_is_a_word():
    assert wrong_in_row("openai", ROW, CATALOG) == "there is a provider `openai` already"
    for name in ("Acme", "acme pictures", "acme_2", "", "2"):
        assert "lower-case letters, digits and `-`" in str(wrong_in_row(name, ROW, CATALOG))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("key", "ACME_API_KEY"),
        ("models/*/price", {"flat": "0.01"}),
        ("models/*/price", {}),
        ("models/*/price", {"flat": "0", "text_in": "1"}),
    ],
)
def test_what_costs_something_has_an_address_so_that_it_is_in_the_journal_before_it_leaves(path: str, value: object):
    wrong = wrong_in_row("acme", changed(path, value, HERE), CATALOG)
    assert wrong is not None
    assert wrong.startswith("without `base_url` it works on this machine")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = sorted(
    {"title", "key", "base_url", "limits", "models", "protocol", "framing", "ratios", "tiers", "references", "mask",
     "missing", "qualities", "models/*", "models/*/id", "models/*/price", "models/*/price/flat"}
)  # fmt: skip


@given(st.sampled_from(FIELDS), VALUES)
def test_no_value_whatever_makes_the_looking_fail(path: str, value: object):
    wrong = wrong_in_row("acme", changed(path, value), CATALOG)
    assert wrong is None or wrong


@given(VALUES)
def test_a_row_that_is_none_is_told(row: object):
    assert wrong_in_row("acme", row, CATALOG)
