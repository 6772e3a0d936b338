"""The alt text of a delivered picture: written for every cell, in no key."""

from __future__ import annotations

import pytest

from imagebuild.errors import SpecErrors
from tests.core.reading import expansion_of

AXES = "axes: {locale: {source: en-US, targets: [de-DE], strings: 's/{locale}.yaml'%s}, ratio: ['16:9', '1:1']}\n"
STRINGS = {"s/en-US.yaml": "alt: A kettle on a table\n", "s/de-DE.yaml": "alt: Ein Kessel auf einem Tisch\n"}
HERO = "assets: {hero: {over: [locale, ratio], prompt: A, output: '{{ locale }}-{{ ratio }}.png'%s}}\n"


def found(alt, axes="", files=STRINGS):
    return expansion_of(AXES % axes + HERO % f", alt: {alt}", files)


def told(alt, axes="", files=STRINGS):
    with pytest.raises(SpecErrors) as caught:
        found(alt, axes, files)
    return [problem.what for problem in caught.value.problems]


def test_every_delivered_cell_has_the_text_of_its_language():
    assert found("'{{ t.alt }} ({{ ratio }})'").alts == {
        "hero[locale=en-US,ratio=16:9]": "A kettle on a table (16:9)",
        "hero[locale=en-US,ratio=1:1]": "A kettle on a table (1:1)",
        "hero[locale=de-DE,ratio=16:9]": "Ein Kessel auf einem Tisch (16:9)",
        "hero[locale=de-DE,ratio=1:1]": "Ein Kessel auf einem Tisch (1:1)",
    }


def test_without_an_alt_there_is_no_text():
    assert expansion_of(AXES % "" + HERO % "", STRINGS).alts == {}


def test_it_changes_nothing_of_what_is_made():
    assert found("'{{ t.alt }}'").actions == expansion_of(AXES % "" + HERO % "", STRINGS).actions


def test_the_files_that_it_is_written_from_are_the_assets():
    files = {**STRINGS, "alt.j2": "{% include 'more.j2' %}: {{ t.alt }}", "more.j2": "Northwind"}
    expansion = found("\"{% include 'alt.j2' %}\"", files=files)
    assert expansion.alts["hero[locale=de-DE,ratio=1:1]"] == "Northwind: Ein Kessel auf einem Tisch"
    assert expansion.asset_files["hero"] == {"alt.j2", "more.j2"}


def test_a_missing_string_is_a_mistake_told_once():
    files = {**STRINGS, "s/de-DE.yaml": "other: x\n"}
    assert told("'{{ t.alt }}'", files=files) == ["string `alt` is missing in de-DE"]


@pytest.mark.parametrize(("missing", "german"), [("fallback", ["A kettle on a table"] * 2), ("skip", [])])
def test_a_missing_string_falls_back_or_leaves_the_cell_out_as_the_campaign_says(missing, german):
    files = {**STRINGS, "s/de-DE.yaml": "other: x\n"}
    expansion = found("'{{ t.alt }}'", f", missing: {missing}", files)
    assert [text for address, text in expansion.alts.items() if "de-DE" in address] == german
    left_out = [(f"hero[locale=de-DE,ratio={each}]", "no string `alt`") for each in ("16:9", "1:1")]
    assert expansion.skipped == ([] if german else left_out)
    assert len(expansion.actions) == 2 + len(german)


def test_a_template_that_fails_in_some_cell_is_told_with_the_first_of_them():
    (what,) = told("\"{{ t.alt | date('long') }}\"")
    assert "date" in what


def test_a_variable_that_only_an_alt_text_reads_is_no_slip():
    include = "include: [{asset: hero, locale: de-DE, mood: warm}]\n"
    text = AXES % "" + include + HERO % ", alt: '{{ mood | default(\"calm\") }}'"
    alts = expansion_of(text, STRINGS).alts
    assert alts["hero[locale=de-DE,ratio=1:1]"] == "warm"
    assert alts["hero[locale=en-US,ratio=1:1]"] == "calm"


def test_a_local_picture_and_a_sheet_have_one_too():
    text = (
        "axes: {p: [a, b]}\nassets: {scene: {over: p, prompt: 'A {{ p }}'},"
        " card: {over: p, from: scene, output: '{{ p }}.webp', alt: 'Card {{ p }}'},"
        " all: {sheet: {of: scene}, output: all.png, alt: Everything}}\n"
    )
    assert expansion_of(text).alts == {"card[p=a]": "Card a", "card[p=b]": "Card b", "all": "Everything"}


def test_a_mere_decoration_may_have_an_empty_one():
    assert set(found("\"{% if ratio == '3:1' %}x{% endif %}\"").alts.values()) == {""}
