"""Numbers, money, dates, lists and plurals as each locale writes them. The expected texts are ICU's."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

import jinja2.sandbox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.filters import FILTER_NAMES, filters_for
from imagebuild.core.locale import Locale
from imagebuild.core.strings import PluralText

ARABIC_MINUS = "\u061c-"


def run(tag: str, name: str, *arguments: object, **options: object) -> str:
    return filters_for(Locale(tag))[name](*arguments, **options)


@pytest.mark.parametrize(
    ("tag", "value", "expected"),
    [
        ("en-US", 1299.5, "1,299.5"),
        ("en-US", "1299.50", "1,299.5"),
        ("en-US", 1234567.8915, "1,234,567.892"),
        ("en-US", -5, "-5"),
        ("de-DE", Decimal("1299.5"), "1.299,5"),
        ("fr-FR", 1299.5, "1\u202f299,5"),
        ("sv-SE", -1299.5, "\u22121\u00a0299,5"),
        ("es-ES", 1299.5, "1299,5"),
        ("es-ES", 12999.5, "12.999,5"),
        ("es-MX", 1299.5, "1,299.5"),
        ("pl", 1299, "1299"),
        ("pt-AO", 1299, "1299"),
        ("pt-BR", 1299, "1.299"),
        ("ar-EG", 1299.5, "١٬٢٩٩٫٥"),
        ("ar-EG", -1299.5, ARABIC_MINUS + "١٬٢٩٩٫٥"),
        ("ar-AE", 1299.5, "1,299.5"),
        ("ar-MA", 1299.5, "1.299,5"),
        ("ar-EG-u-nu-latn", 1299.5, "1,299.5"),
        ("bn-BD", 1234567.891, "১২,৩৪,৫৬৭.৮৯১"),
        ("fa-IR", 1299.5, "۱٬۲۹۹٫۵"),
        ("mr-IN", 1234567, "१२,३४,५६७"),
        ("hi-IN", 1234567, "12,34,567"),
        ("hi-IN-u-nu-deva", 1234567, "१२,३४,५६७"),
        ("ne", 1299.5, "१,२९९.५"),
        ("my", 1299.5, "၁,၂၉၉.၅"),
        ("ckb", 1299.5, "١٬٢٩٩٫٥"),
        ("zh-TW", 1299.5, "1,299.5"),
        ("en-XA", 1299.5, "1,299.5"),
        ("tlh", 1299.5, "1,299.5"),
    ],
)
def test_a_number_is_written_with_the_locales_digits_and_signs(tag, value, expected):
    assert run(tag, "number", value) == expected


@pytest.mark.parametrize(
    ("tag", "value", "code", "expected"),
    [
        ("en-US", 1299.5, "USD", "$1,299.50"),
        ("en-US", 1299.5, "chf", "CHF\u00a01,299.50"),
        ("de-DE", "1299.5", "EUR", "1.299,50\u00a0€"),
        ("es-ES", 1299.5, "EUR", "1299,50\u00a0€"),
        ("ja-JP", 1299.5, "JPY", "￥1,300"),
        ("bn-BD", 1299.5, "BDT", "১,২৯৯.৫০৳"),
        ("ar-EG", 1299.5, "EGP", "\u200f١٬٢٩٩٫٥٠\u00a0ج.م.\u200f"),
        ("ar-AE", 1299.5, "AED", "\u200f1,299.50\u00a0د.إ.\u200f"),
        ("he-IL", 1299.5, "ILS", "\u200f1,299.50\u00a0\u200f₪"),
        ("hi-IN", 1234567, "INR", "₹12,34,567.00"),
        ("en-US", -5, "USD", "-$5.00"),
    ],
)
def test_money_is_written_as_the_locale_does(tag, value, code, expected):
    assert run(tag, "currency", value, code) == expected


@pytest.mark.parametrize(
    ("tag", "name", "arguments", "expected"),
    [
        ("de-DE", "decimal", (5,), "5,00"),
        ("de-DE", "decimal", (1299.456, 1), "1.299,5"),
        ("de-DE", "decimal", (0.5, 0), "0"),
        ("en-US", "currency", (1300, "USD", 0), "$1,300"),
        ("en-US", "percent", (0.125,), "12.5%"),
        ("en-US", "percent", (0.125, 0), "12%"),
        ("en-US", "percent", (0.07,), "7%"),
        ("de-DE", "percent", ("0.2",), "20\u00a0%"),
        ("ar-EG", "percent", (0.12,), "١٢٪\u061c"),
        ("fa-IR", "percent", (0.12,), "۱۲٪"),
        ("de-DE", "upper", ("straße i",), "STRASSE I"),
        ("tr-TR", "upper", ("istanbul",), "İSTANBUL"),
        ("tr-TR", "lower", ("ISPARTA İ",), "ısparta i"),
        ("en-US", "lower", ("TITLE",), "title"),
    ],
)
def test_other_numbers_and_letters_follow_the_locale(tag, name, arguments, expected):
    assert run(tag, name, *arguments) == expected


@pytest.mark.parametrize(
    ("tag", "format", "expected"),
    [
        ("en-US", "medium", "Mar 5, 2026"),
        ("en-GB", "long", "5 March 2026"),
        ("de-DE", "short", "05.03.26"),
        ("de-DE", "full", "Donnerstag, 5. März 2026"),
        ("de-DE", "MMMMd", "5. März"),
        ("en-US", "MMMMd", "March 5"),
        ("de-DE", "EEEE, d.M.", "Donnerstag, 5.3."),
        ("ar-EG", "long", "٥ مارس ٢٠٢٦"),
        ("bn-BD", "long", "৫ মার্চ, ২০২৬"),
        ("ur", "medium", "5 مارچ، 2026"),
        ("ne", "medium", "२०२६ मार्च ५"),
        ("km", "medium", "5 មីនា 2026"),
        ("ja-JP", "long", "2026年3月5日"),
        ("zh-TW", "long", "2026年3月5日"),
    ],
)
def test_a_date_is_written_as_the_locale_does(tag, format, expected):
    moment = datetime.datetime(2026, 3, 5, 23, 30, tzinfo=datetime.UTC)
    for value in ("2026-03-05", "2026-03-05T23:30:00+01:00", datetime.date(2026, 3, 5), moment):
        assert run(tag, "date", value, format) == expected


def test_a_list_is_joined_as_the_locale_does():
    assert run("en-US", "join_list", ["tea", "cake", 3]) == "tea, cake, and 3"
    assert run("de-DE", "join_list", ("Tee", "Kuchen"), "or") == "Tee oder Kuchen"
    assert run("ja-JP", "join_list", ["茶", "菓子"]) == "茶、菓子"
    assert run("en-US", "join_list", []) == ""


POLISH = {"one": "{n} kot", "few": "{n} koty", "many": "{n} kotów", "other": "{n} kota"}


@pytest.mark.parametrize(
    ("tag", "count", "expected"),
    [
        ("pl", 1, "1 kot"),
        ("pl", 3, "3 koty"),
        ("pl", 5, "5 kotów"),
        ("pl", 22, "22 koty"),
        ("pl", 1.5, "1,5 kota"),
        ("pl", 12345, "12\u00a0345 kotów"),
        ("ja", 1, "1 kota"),
        ("ar-EG", 7, "٧ koty"),
    ],
)
def test_a_plural_text_takes_the_form_its_locale_wants(tag, count, expected):
    assert run(tag, "plural", PluralText.of(POLISH), count) == expected


@pytest.mark.parametrize(
    "written",
    [
        "{n} days",
        "{{ n }} days",
        "{{n}} days",
        "{count} days",
        "{{count}} days",
        "%d days",
        "%(n)s days",
        "%(count)d days",
    ],
)
def test_the_number_takes_the_place_of_each_usual_placeholder(written):
    assert run("de", "plural", written, 3000) == "3.000 days"


def test_a_number_can_bring_its_forms_along():
    assert run("en", "plural", 1, one="one day", other="{n} days") == "one day"
    assert run("en", "plural", "3", one="one day", other="{n} days") == "3 days"
    assert run("en", "plural", Decimal("1.0"), one="one day", other="{n} days") == "1 days"


@pytest.mark.parametrize(
    ("name", "arguments", "options", "sentence"),
    [
        ("number", ("twelve",), {}, "`twelve` is not a number"),
        ("number", ("1,299",), {}, "`1,299` is not a number"),
        ("number", (True,), {}, "`True` (bool) is not a number"),
        ("number", (None,), {}, "nothing is not a number"),
        ("number", (float("nan"),), {}, "`nan` (float) is not a number"),
        ("number", (1e300,), {}, "the number `1E+300` is too large to write out"),
        ("decimal", (1, -1), {}, "`-1` (int) is not a number of decimal places from 0 to 20"),
        ("decimal", (1, "2"), {}, "`2` is not a number of decimal places from 0 to 20"),
        ("currency", (1, "XXQ"), {}, "`XXQ` is not a currency code such as `EUR`"),
        ("currency", (1, 5), {}, "`5` (int) is not a currency code such as `EUR`"),
        ("date", ("5 March",), {}, "`5 March` is not a date such as `2026-03-05`"),
        ("date", ("2026-02-30",), {}, "`2026-02-30` is not a date such as `2026-03-05`"),
        ("date", ("2026-03-05", "zzz"), {}, "`zzz` is not a date format; use short, medium, long, full"),
        ("date", ("2026-03-05", "HH:mm"), {}, "`HH:mm` asks for a time of day, which a date does not have"),
        ("date", ("2026-03-05", ""), {}, "`` is not a date format"),
        ("join_list", ("abc",), {}, "`abc` is not a list"),
        ("join_list", (["a"], "but"), {}, "`but` is not a way to join a list"),
        ("plural", ("days",), {}, "plural needs a number: `t.days | plural(3)`"),
        ("plural", ("days", "many"), {}, "`many` is not a number"),
        ("plural", (3,), {"one": "x"}, "the plural form `other` is missing"),
        ("plural", (3,), {"ones": "x", "other": "y"}, "`ones` is not a plural form"),
        ("plural", ("days", 3), {"other": "y"}, "plural takes a number before it"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(name, arguments, options, sentence):
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        run("en-US", name, *arguments, **options)


def test_every_filter_works_in_a_sandboxed_template():
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    environment.filters.update(filters_for(Locale("de-DE")))
    template = (
        '{{ 1299.5 | number }}|{{ 1 | decimal(1) }}|{{ 0.5 | percent }}|{{ 5 | currency("EUR") }}'
        '|{{ "2026-03-05" | date }}|{{ ["a", "b"] | join_list }}|{{ 2 | plural(one="ein Tag", other="{n} Tage") }}'
        '|{{ "a" | upper }}|{{ "A" | lower }}'
    )
    assert environment.from_string(template).render() == (
        "1.299,5|1,0|50\u00a0%|5,00\u00a0€|05.03.2026|a und b|2 Tage|A|a"
    )
    assert set(FILTER_NAMES) == set(filters_for(None))


def test_a_cell_without_a_locale_writes_as_english_does():
    assert filters_for(None)["number"](1299.5) == "1,299.5"


@given(
    st.decimals(min_value=-(10**12), max_value=10**12, places=2),
    st.sampled_from(["en", "de-CH", "ar-EG", "fa", "bn", "hi"]),
)
def test_every_digit_of_an_amount_is_in_what_is_written(value, tag):
    shown = run(tag, "currency", value, "EUR")
    digits = "".join(str(int(c)) for c in shown if c.isdigit())
    assert digits.lstrip("0") == f"{abs(value):.2f}".replace(".", "").lstrip("0")
    assert len({ord(c) - int(c) for c in shown if c.isdigit()}) == 1
