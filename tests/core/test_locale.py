"""Language tags and their fallback, the tables checked against all of CLDR."""

from __future__ import annotations

import subprocess
import sys

import pytest
from babel import localedata
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core import locale as tables
from imagebuild.core.locale import Locale, canonical_tag, fallback_chain


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("de_de", "de-DE"),
        ("DE", "de"),
        (" fr-fr ", "fr-FR"),
        ("no", "no"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("ES-419", "es-419"),
        ("sr-latn", "sr-Latn"),
        ("en-xa", "en-XA"),
        ("ar_xb", "ar-XB"),
        ("ca-es-VALENCIA", "ca-ES-valencia"),
        ("sl-IT-NEDIS", "sl-IT-nedis"),
        ("de-1996", "de-1996"),
        ("zh-yue-hk", "yue-HK"),
        ("ar-eg-U-NU-Latn", "ar-EG-u-nu-latn"),
        ("de-u-co-phonebk-a-xx", "de-a-xx-u-co-phonebk"),
        ("de-ch-X-Foo", "de-CH-x-foo"),
        ("X-Whatever", "x-whatever"),
    ],
)
def test_a_tag_is_brought_into_its_canonical_form(written, canonical):
    assert canonical_tag(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        "d",
        "german",
        "Deutsch",
        "de-",
        "-de",
        "de--DE",
        "de-DE-",
        "de-D",
        "de-DE-Latn",
        "i-klingon",
        "de-DE.UTF-8",
        "sr@latin",
        "en-a-bb-a-cc",
        "de-1996-1996",
        "de-u",
        "dé-DE",
        "en US",
        "{locale}",
        "x",
        "de-ẞẞ",
    ],
)
def test_what_is_not_a_tag_is_none(written):
    assert canonical_tag(written) is None


@given(st.text(max_size=12) | st.from_regex(r"[a-z]{2,3}([-_][a-zA-Z0-9]{1,8}){0,4}", fullmatch=True))
def test_canonical_form_is_stable_and_does_not_mind_case(text):
    tag = canonical_tag(text)
    if tag is not None:
        assert canonical_tag(tag) == tag
        assert canonical_tag(tag.upper()) == tag
        assert fallback_chain(tag)[0] == tag
        assert all(canonical_tag(parent) == parent for parent in fallback_chain(tag))


@pytest.mark.parametrize(
    ("tag", "chain"),
    [
        ("de", "de"),
        ("de-DE", "de-DE de"),
        ("es-MX", "es-MX es-419 es"),
        ("en-AU", "en-AU en-001 en"),
        ("en-DE", "en-DE en-150 en-001 en"),
        ("pt-AO", "pt-AO pt-PT pt"),
        ("pt-BR", "pt-BR pt"),
        ("nb-NO", "nb-NO nb no"),
        ("zh", "zh"),
        ("zh-TW", "zh-TW zh-Hant-TW zh-Hant"),
        ("zh-HK", "zh-HK zh-Hant-HK zh-Hant"),
        ("zh-MO", "zh-MO zh-Hant-MO zh-Hant-HK zh-HK zh-Hant"),
        ("zh-CN", "zh-CN zh-Hans-CN zh-Hans zh"),
        ("zh-Hans-CN", "zh-Hans-CN zh-CN zh-Hans zh"),
        ("zh-Hant-TW", "zh-Hant-TW zh-TW zh-Hant"),
        ("sr-Latn-RS", "sr-Latn-RS sr-Latn"),
        ("sr-RS", "sr-RS sr-Cyrl-RS sr-Cyrl sr"),
        ("pa-PK", "pa-PK pa-Arab-PK pa-Arab"),
        ("en-XA", "en-XA en"),
        ("tlh", "tlh"),
        ("tlh-US", "tlh-US tlh"),
        ("ca-ES-valencia", "ca-ES-valencia ca-ES ca"),
        ("ar-EG-u-nu-latn", "ar-EG-u-nu-latn ar-EG ar"),
        ("de-CH-x-foo", "de-CH-x-foo de-CH de"),
        ("x-whatever", "x-whatever"),
        ("hi-Latn", "hi-Latn"),
        ("ht", "ht"),
    ],
)
def test_a_tag_falls_back_along_the_parents_of_cldr(tag, chain):
    assert fallback_chain(tag) == tuple(chain.split())


def cldr_parent(name: str) -> str | None:
    """The parent by CLDR's own rules, straight from Babel's data."""
    stated = get_global("parent_exceptions").get(name)
    if stated:
        return stated
    parts = name.split("_")
    if len(parts) == 2 and len(parts[1]) == 4:
        likely = get_global("likely_subtags").get(parts[0])
        return parts[0] if likely and likely.split("_")[1] == parts[1] else None
    return "_".join(parts[:-1]) or None


def test_every_locale_of_cldr_has_its_cldr_parents_in_their_order():
    other_language = {"hi_Latn": "en_IN", "ht": "fr_HT"}
    wrong = []
    for name in localedata.locale_identifiers():
        if name == "root" or name.split("_")[-1] in ("TARASK", "POSIX", "POLYTON"):
            continue
        chain, at = fallback_chain(name.replace("_", "-")), 0
        parent: str | None = cldr_parent(name)
        while parent and name not in other_language and name != "hi_Latn_IN" and name != "ht_HT":
            tag = parent.replace("_", "-")
            if tag not in chain[at:]:
                wrong.append((name, tag, chain))
                break
            at = chain.index(tag)
            parent = cldr_parent(parent)
    assert wrong == []


def test_the_script_tables_say_what_cldr_says():
    likely = get_global("likely_subtags")
    for language, script in tables.LIKELY_SCRIPT.items():
        assert likely[language].split("_")[1] == script
    for name, full in likely.items():
        language, _, rest = name.partition("_")
        if language in tables.LIKELY_SCRIPT and rest and len(rest) != 4 and "_" not in rest:
            assert tables.likely_script(language, rest) == full.split("_")[1], name


@pytest.mark.parametrize(
    ("tag", "script", "direction"),
    [
        ("ar", "Arab", "rtl"),
        ("he-IL", "Hebr", "rtl"),
        ("iw", "Hebr", "rtl"),
        ("fa", "Arab", "rtl"),
        ("ur-PK", "Arab", "rtl"),
        ("yi", "Hebr", "rtl"),
        ("dv", "Thaa", "rtl"),
        ("ckb", "Arab", "rtl"),
        ("pa-Arab", "Arab", "rtl"),
        ("pa-PK", "Arab", "rtl"),
        ("az-Arab", "Arab", "rtl"),
        ("nqo", "Nkoo", "rtl"),
        ("syr", "Syrc", "rtl"),
        ("ar-XB", "Arab", "rtl"),
        ("en-XA", "Latn", "ltr"),
        ("pa-IN", "Guru", "ltr"),
        ("az", "Latn", "ltr"),
        ("ar-Latn", "Latn", "ltr"),
        ("zh-TW", "Hant", "ltr"),
        ("bho", "Deva", "ltr"),
        ("chr", "Cher", "ltr"),
        ("tlh", "", "ltr"),
    ],
)
def test_the_direction_follows_the_script(tag, script, direction):
    locale = Locale(tag)
    assert (locale.script, locale.direction) == (script, direction)


@pytest.mark.parametrize(
    ("tag", "name", "autonym"),
    [
        ("de-DE", "German (Germany)", "Deutsch (Deutschland)"),
        ("ja", "Japanese", "日本語"),
        ("zh-TW", "Chinese (Taiwan)", "中文 (台灣)"),
        ("zh-Hans-CN", "Chinese (Simplified, China)", "中文 (简体, 中国)"),
        ("es-419", "Spanish (Latin America)", "español (Latinoamérica)"),
        ("ca-ES-valencia", "Catalan (Spain, Valencian)", "català (Espanya, valencià)"),
        ("iw", "Hebrew", "עברית"),
        ("en-XA", "English (Pseudo-Accents)", "English (Pseudo-Accents)"),
        ("tlh", "Klingon", "Klingon"),
        ("qfz", "qfz", "qfz"),
    ],
)
def test_a_locale_knows_its_name_in_english_and_in_its_own_language(tag, name, autonym):
    assert (Locale(tag).name, Locale(tag).autonym) == (name, autonym)


def test_a_locale_prints_as_its_tag_and_knows_its_parts():
    locale = Locale("zh-Hant-HK")
    assert (str(locale), locale.language, locale.region) == ("zh-Hant-HK", "zh", "HK")
    assert (Locale("de").region, Locale("es-419").region, Locale("x-us").region) == ("", "419", "")
    assert Locale("de") == Locale("de") != Locale("fr")


def test_planning_the_usual_locales_loads_none_of_the_heavy_libraries():
    code = """
import sys
from imagebuild.core import catalogue, filters, locale, pseudo, strings
for tag in "en-US de-DE fr-FR ja-JP ar-EG hi-IN bn-BD zh-Hans-CN zh-TW ko-KR es-MX pt-BR he-IL en-XA".split():
    locale.fallback_chain(tag), locale.Locale(tag).direction
    filters.filters_for(locale.Locale(tag))
catalogue.parse_catalogue("a: 1", file="a.yaml", tag="de", problems=[])
heavy = {"babel.core", "babel.numbers", "defusedxml", "jinja2", "gettext", "csv", "xml.sax"}
print(sorted(heavy & set(sys.modules)), "POEntry" in vars(sys.modules.get("polib", sys)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] False"
