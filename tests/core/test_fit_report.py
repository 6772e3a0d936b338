"""The words of what `fit` finds."""

from __future__ import annotations

import pytest

from imagebuild.core.fit_report import Advice, Finding, FitReport, by_string, in_words, number, report_data, too_much
from imagebuild.errors import Place, Problem

LINES = Finding(
    kind="lines", asset="hero", role="headline", locale="de-DE", text="Warme Morgen", what="it takes 2 lines",
    keys=("headline",), place=Place("strings/de-DE.yaml", 3, 11), size=(728, 90), shape="banner", over=0.1834,
    advice=(Advice("shorten", "headline", 12, 9),), addresses=("hero[locale=de-DE]",),
)  # fmt: skip
NEAR = LINES._replace(kind="near", advice=(), what="only just fits")


@pytest.mark.parametrize(
    ("advice", "sentence"),
    [
        (Advice("shorten", "headline", 38, 29), "shorten `headline` by about 9 characters, from 38 to 29"),
        (Advice("shorten", "cta", 9, 8), "shorten `cta` by about 1 character, from 9 to 8"),
        (Advice("lines", "headline", 1, 2), "allow 2 `lines`, now 1"),
        (Advice("size", "headline", 0.2, 0.1412, pixels=12.71), "let `size` begin at 0.1412 (12.7 px), now 0.2"),
        (
            Advice("width", "headline", 0.5, 0.62, box=(0.02, 0.1, 0.62, 0.8)),
            "make the `box` 0.62 wide, now 0.5: `[0.02, 0.1, 0.62, 0.8]`",
        ),
        (
            Advice("height", "headline", 0.3, 0.34, box=(0, 0.66, 1, 0.34)),
            "make the `box` 0.34 high, now 0.3: `[0, 0.66, 1, 0.34]`",
        ),
    ],
)
def test_an_advice_says_what_to_write_and_what_stands_there_now(advice: Advice, sentence: str) -> None:
    assert advice.sentence == sentence


def test_what_is_too_much_is_never_told_as_nothing() -> None:
    assert [too_much(over) for over in (0.18, 0.001, 1.5)] == ["18 %", "1 %", "150 %"]


def test_numbers_are_written_as_people_write_them() -> None:
    assert [number(value) for value in (2, 2.0, 0.35, 0.1 + 0.2)] == ["2", "2", "0.35", "0.3"]


def test_names_are_listed_and_many_are_counted() -> None:
    assert in_words([]) == ""
    assert in_words(["a"]) == "a"
    assert in_words(["a", "b", "c"]) == "a, b and c"
    assert in_words([str(each) for each in range(5)], most=3) == "0, 1, 2 and 2 more"


def test_findings_of_one_string_stand_together_and_in_it_those_of_one_text() -> None:
    japanese = LINES._replace(locale="ja-JP", text="朝")
    other = LINES._replace(role="cta", keys=("cta",))
    square = LINES._replace(size=(1080, 1080))
    strings = by_string([LINES, other, japanese, square])
    assert [(each.role, len(each.findings)) for each in strings] == [("headline", 3), ("cta", 1)]
    assert [[each.locale for each in of_text] for of_text in strings[0].by_text] == [["de-DE", "de-DE"], ["ja-JP"]]


def test_warnings_alone_fit_and_mistakes_do_not() -> None:
    assert FitReport("c", (NEAR,)).fits
    assert not FitReport("c", (LINES,)).fits
    assert not FitReport("c", mistakes=(Problem("string `a` is missing in de-DE"),)).fits


def test_the_data_has_everything_a_program_asks_for() -> None:
    report = FitReport("c", (LINES, NEAR), pictures=2, texts=4, locales=("de-DE",), sizes=((728, 90),))
    data = report_data(report, [])
    findings = data.pop("findings")
    assert data == {
        "campaign": "c", "fits": False, "pictures": 2, "texts": 4, "locales": ["de-DE"], "sizes": ["728x90"],
        "errors": 1, "warnings": 1, "notes": [], "mistakes": [],
    }  # fmt: skip
    assert isinstance(findings, list)
    assert findings[0] == {
        "level": "error", "kind": "lines", "asset": "hero", "role": "headline", "locale": "de-DE",
        "text": "Warme Morgen", "keys": ["headline"],
        "place": {"file": "strings/de-DE.yaml", "line": 3, "column": 11}, "size": [728, 90], "shape": "banner",
        "layout": None, "what": "it takes 2 lines", "over": 0.1834, "hint": None,
        "advice": [
            {"do": "shorten", "role": "headline", "now": 12, "to": 9,
             "sentence": "shorten `headline` by about 3 characters, from 12 to 9"},
        ],
        "addresses": ["hero[locale=de-DE]"],
    }  # fmt: skip
    assert findings[1]["level"] == "warning"
