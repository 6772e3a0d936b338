"""How readings become an outcome, with readers that say what they are told; then real engines on drawn pictures."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from imagebuild.picture.reading.check import check_text, engines, outcome_json, reading_versions
from imagebuild.picture.reading.compare import Expected
from tests.picture.reading.planted import SAID, draw, plate, said
from tests.picture.reading.saying import SayingReader

PICTURE = Image.new("RGB", (1000, 600), "white")
HEADLINE, CTA = (100, 100, 500, 160), (100, 400, 300, 440)
STEAM, BUY = Expected("headline", "Steam rises"), Expected("cta", "Buy now")


def check(reader, *expected, tag="en-US", **more):
    return check_text(PICTURE, tag=tag, expected=expected, readers=[reader], **more)


def test_a_picture_that_says_what_it_should_passes_without_a_second_look():
    reader = SayingReader([("Steam rises", HEADLINE), ("Buy now", CTA)])
    outcome = check(reader, STEAM, BUY)
    assert outcome.verdict == "passed"
    assert reader.looked == []
    assert [item.verdict for item in outcome.items] == ["passed", "passed"]


def test_a_mistake_is_looked_at_twice_and_told_with_its_place():
    reader = SayingReader([("Steam rizes", HEADLINE), ("Buy now", CTA)], clean="Steam rises")
    outcome = check(reader, STEAM, BUY)
    assert (outcome.verdict, outcome.items[0].verdict, outcome.items[1].verdict) == ("failed", "failed", "passed")
    left, top, right, bottom = outcome.items[0].box
    assert left <= 100
    assert right >= 500
    assert reader.looked == [(left, top, right, bottom)]


def test_what_a_reader_misreads_however_it_is_drawn_says_nothing_about_the_picture():
    reader = SayingReader([("Steam rizes", HEADLINE), ("Buy now", CTA)], clean="Steam rizes")
    outcome = check(reader, STEAM, BUY)
    assert (outcome.verdict, outcome.items[0].verdict) == ("unverified", "unverified")


def test_a_misreading_is_put_right_by_a_closer_look():
    reader = SayingReader([("Stearn nses", HEADLINE)], {"Stearn nses": ("Steam nses", "Steam rises")})
    assert check(reader, STEAM).verdict == "passed"


def test_text_that_nobody_asked_for_fails_unless_it_is_allowed():
    reader = SayingReader([("Steam rises", HEADLINE), ("Northwind", CTA)])
    outcome = check(reader, STEAM)
    assert outcome.verdict == "failed"
    assert [(extra.text, extra.box) for extra in outcome.extra] == [("Northwind", CTA)]
    assert check(reader, STEAM, allowed=["Northwind"]).verdict == "passed"


def test_words_before_or_after_a_string_in_its_own_line_are_extra():
    reader = SayingReader([("Now Steam rises TODAY only", HEADLINE)])
    outcome = check(reader, STEAM)
    assert outcome.items[0].verdict == "passed"
    assert [extra.text for extra in outcome.extra] == ["Now", "TODAY only"]


def test_a_string_that_is_there_twice_is_extra_once():
    reader = SayingReader([("Steam rises", HEADLINE), ("Steam rises", CTA)])
    assert [extra.box for extra in check(reader, STEAM).extra] == [CTA]


def test_a_part_of_a_string_that_was_not_found_is_not_extra():
    reader = SayingReader([("before you", CTA)])
    outcome = check(reader, Expected("headline", "Steam rises before you do"))
    assert (outcome.verdict, outcome.extra) == ("unverified", ())


def test_grain_that_is_read_otherwise_at_each_look_is_no_text():
    reader = SayingReader([("Steam rises", HEADLINE), ("wvmn", CTA)], {"wvmn": ("iil", "", "ooxa")})
    assert check(reader, STEAM).verdict == "passed"


def test_any_text_on_a_plate_is_extra():
    assert check(SayingReader([("SALE", HEADLINE)]), tag="").verdict == "failed"
    assert check(SayingReader([], name="rapidocr", finds_anywhere=True), tag="").verdict == "passed"


def test_a_plate_on_which_only_words_on_calm_ground_would_be_seen_is_unverified():
    outcome = check(SayingReader([]), tag="")
    assert outcome.verdict == "unverified"
    assert "rapidocr" in outcome.hint


def test_a_string_that_is_not_there_fails_by_the_word_of_a_reader_that_finds_text_anywhere():
    lines = [("Steam rises", HEADLINE)]
    sure = SayingReader(lines, name="rapidocr", finds_anywhere=True)
    assert check(sure, STEAM, BUY).items[1].verdict == "failed"
    assert check(SayingReader(lines), STEAM, BUY).items[1].verdict == "unverified"


def test_where_the_finder_sees_a_fragment_only_the_readers_own_line_counts():
    finder = SayingReader([("ises", (300, 100, 500, 160))], name="rapidocr", finds_anywhere=True, languages=())
    reader = SayingReader([("Steam rises", HEADLINE), ("ises", (300, 100, 500, 160))])
    outcome = check_text(PICTURE, tag="en-US", expected=[STEAM], readers=[finder, reader])
    assert (outcome.verdict, outcome.extra) == ("passed", ())


def test_a_string_inside_a_longer_one_is_not_taken_for_its_own():
    sure = SayingReader([("Tea time", HEADLINE)], name="rapidocr", finds_anywhere=True)
    outcome = check(sure, Expected("cta", "Tea"), Expected("headline", "Tea time"))
    assert [item.verdict for item in outcome.items] == ["failed", "passed"]


def test_a_language_that_no_engine_reads_is_unverified_with_what_to_install():
    outcome = check(SayingReader([]), STEAM, tag="mn-MN")
    assert (outcome.verdict, outcome.hint) == ("unverified", "install mn-MN")
    assert outcome.items[0].reason == "no engine here reads `mn-MN`"


def test_without_any_engine_all_is_unverified():
    outcome = check_text(PICTURE, tag="en-US", expected=[STEAM], readers=[])
    assert outcome.verdict == "unverified"
    assert "tesseract-ocr" in outcome.hint
    assert check_text(PICTURE, tag="", expected=[], readers=[]).verdict == "unverified"


def test_an_outcome_can_be_written_as_json():
    reader = SayingReader([("Steam rizes", HEADLINE), ("SALE", CTA)])
    written = json.loads(json.dumps(outcome_json(check(reader, STEAM))))
    assert written["items"][0]["difference"] == [["=", "Steam "], ["-", "rises"], ["+", "rizes"]]
    assert written["extra"] == [{"text": "SALE", "box": list(CTA)}]


def test_the_key_of_a_check_names_the_engines_that_take_part():
    reader = SayingReader([])
    assert reading_versions([reader], "de-DE") == {"reading": "2", "tesseract": "1", "data of de-DE": "2"}
    assert reading_versions([reader], "mn-MN") == {"reading": "2"}


def drawn(tag, ground, **changed):
    """A picture, what it should say, and where."""
    image, boxes = draw(tag, said(tag) | changed, ground)
    return image, [Expected(role, text, boxes[role]) for role, text in said(tag).items()]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("tag", "ground"), [("en-US", "plain"), ("de-DE", "gradient"), ("ja-JP", "photo")])
def test_tesseract_passes_clean_pictures(tesseract, tag, ground, known):
    image, expected = drawn(tag, ground)
    expected = expected if known else [each._replace(box=None) for each in expected]
    outcome = check_text(image, tag=tag, expected=expected, readers=[tesseract])
    assert [(item.verdict, item.read) for item in outcome.items if item.verdict != "passed"] == []
    assert outcome.extra == ()


@pytest.mark.parametrize(
    ("tag", "role", "wrong"),
    [
        ("en-US", "headline", "Steam rises befor you do"),
        ("en-US", "cta", "Brewed in 80 seconds"),
        ("de-DE", "headline", "Früher Dampf fur müde Köpfe"),
        ("ja-JP", "headline", "朝いちはんのお湯を"),
        ("bn-BD", "cta", "90 সেকেন্ডে তৈরি"),
    ],
)
def test_tesseract_catches_one_wrong_letter(tesseract, tag, role, wrong):
    image, expected = drawn(tag, "dark", **{role: wrong})
    outcome = check_text(image, tag=tag, expected=expected, readers=[tesseract])
    verdicts = {item.role: item.verdict for item in outcome.items}
    assert verdicts.pop(role) == "failed"
    assert set(verdicts.values()) == {"passed"}


def test_tesseract_never_passes_arabic_digits_that_it_cannot_read(tesseract):
    image, expected = drawn("ar-EG", "plain")
    outcome = check_text(image, tag="ar-EG", expected=expected[1:], readers=[tesseract])
    assert [item.verdict for item in outcome.items] == ["unverified", "unverified"]


def test_tesseract_finds_text_on_a_plate_and_none_where_there_is_none(tesseract):
    assert check_text(plate("photo")[0], tag="", expected=(), readers=[tesseract]).extra == ()
    image, _ = draw("en-US", {"cta": SAID["en-US"][1]}, "photo")
    outcome = check_text(image, tag="", expected=(), readers=[tesseract])
    assert [extra.text for extra in outcome.extra] == [SAID["en-US"][1]]


@pytest.mark.parametrize("tag", ["fr-FR", "zh-Hans-CN"])
def test_rapidocr_passes_a_clean_picture_and_catches_a_wrong_word_on_a_busy_ground(rapidocr, tag):
    image, expected = drawn(tag, "busy")
    placeless = [each._replace(box=None) for each in expected]
    assert check_text(image, tag=tag, expected=placeless, readers=[rapidocr]).verdict == "passed"
    wrong, _ = drawn(tag, "busy", cta=said("en-US")["cta"])
    assert check_text(wrong, tag=tag, expected=placeless, readers=[rapidocr]).verdict == "failed"


def test_what_is_installed_is_what_is_asked(tesseract):
    assert "tesseract" in [reader.name for reader in engines()]
    assert reading_versions(engines(), "en-US")["tesseract"][0].isdigit()
