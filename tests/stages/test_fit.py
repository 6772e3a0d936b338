"""`fit` on real campaigns: which copy is found not to fit, where it comes from, and that what is advised helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.errors import ImagebuildError
from tests.stages.fitting import (
    CAMPAIGN,
    LAYOUT,
    LONG,
    SOMEWHAT_LONG,
    STRINGS,
    fitted,
    only,
    put,
    spoken,
    write_campaign,
)


def test_copy_that_fits_is_counted_and_nothing_is_found(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c"))
    assert report.findings == ()
    assert report.fits
    assert report.locales == tuple(STRINGS)
    assert report.sizes == ((1200, 630), (728, 90))
    assert report.pictures == 2 * 5 * 2


def test_what_is_set_alike_for_several_products_is_set_once(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c", de_DE={"headline": LONG}))
    assert report.texts == 5 * (2 + 2)
    assert only(report, "lines").addresses == (
        "hero[product=kettle,locale=de-DE,ratio=banner]", "hero[product=toaster,locale=de-DE,ratio=banner]",
    )  # fmt: skip


def test_a_text_that_is_too_long_is_named_with_its_string_its_locale_its_shape_and_by_how_much(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c", de_DE={"headline": LONG}))
    found = only(report, "lines")
    assert not report.fits
    assert (found.level, found.asset, found.role, found.locale) == ("error", "hero", "headline", "de-DE")
    assert (found.keys, str(found.place), found.text) == (("headline",), "strings/de-DE.yaml:1:11", LONG)
    assert (found.size, found.shape) == ((728, 90), "banner")
    assert found.at is not None
    assert found.at.file == "layouts/hero.yaml"
    assert found.at.text[found.at.column - 1 :].startswith("{role: headline, size: [0.2")
    assert 0.2 < found.over < 1.2
    too_wide = f"{found.over * 100:.0f} % too wide at its least size: it takes 2 lines, 1 is allowed"
    assert found.what == too_wide


def banner(old: str, new: str) -> str:
    assert LAYOUT.count(old) == 1
    return LAYOUT.replace(old, new)


def test_each_advice_makes_it_fit(tmp_path: Path) -> None:
    """As somebody would follow it: in the strings, or in the layout."""
    found = only(fitted(write_campaign(tmp_path / "c", de_DE={"headline": SOMEWHAT_LONG})), "lines")
    by = {each.do: each for each in found.advice}
    assert list(by) == ["shorten", "lines", "size", "width"]
    shorter = SOMEWHAT_LONG[: int(by["shorten"].to)]
    lines = banner("[0.2, 0.4], lines: 1", f"[0.2, 0.4], lines: {by['lines'].to}")
    least = banner("[0.2, 0.4], lines: 1", f"[{by['size'].to}, 0.4], lines: 1")
    wide = banner("[0.02, 0.1, 0.50, 0.8]", str(list(by["width"].box or ())))
    assert not fitted(write_campaign(tmp_path / "0", de_DE={"headline": shorter})).of("error")
    for number, layout in enumerate((lines, least, wide), 1):
        folder = write_campaign(tmp_path / str(number), layout=layout, de_DE={"headline": SOMEWHAT_LONG})
        assert not fitted(folder).of("error"), layout


def test_a_size_is_advised_as_the_layout_writes_it_where_the_shape_scales_it(tmp_path: Path) -> None:
    """A role's own size is three times as large in a banner; what is to be written is a third."""
    layout = banner("{role: headline, size: [0.2, 0.4], lines: 1}", "{role: headline, lines: 1}")
    layout = layout.replace("  banner:\n", "  banner:\n    scale: 3\n").replace(
        "layout: 1\n", "layout: 1\nroles: {headline: {size: [0.07, 0.12]}}\n"
    )
    found = only(fitted(write_campaign(tmp_path / "c", layout=layout, de_DE={"headline": LONG})), "lines")
    (size,) = [each for each in found.advice if each.do == "size"]
    assert size.now == 0.07
    assert size.pixels == pytest.approx(size.to * 3 * 90)
    folder = write_campaign(tmp_path / "d", layout=layout.replace("[0.07", f"[{size.to}"), de_DE={"headline": LONG})
    assert not fitted(folder).of("error")


def test_a_box_is_advised_no_wider_than_there_is_room_beside_it(tmp_path: Path) -> None:
    """The button's box begins at 0.66: what is left of it, and no more, is the headline's to take."""
    texts = [LONG[:length].rstrip() for length in range(len(LONG), 24, -4)]
    widths = set()
    for number, text in enumerate(texts):
        found = fitted(write_campaign(tmp_path / str(number), de_DE={"headline": text}), "locale=de-DE", "ratio=banner")
        widths |= {each.to for misfit in found.of("error") for each in misfit.advice if each.do == "width"}
        if number == 0:
            assert "width" not in {each.do for misfit in found.of("error") for each in misfit.advice}
    assert widths
    assert max(widths) <= 0.64


def test_a_box_at_the_end_grows_towards_the_start(tmp_path: Path) -> None:
    texts = "Jetzt den Wasserkocher entdecken"
    found = only(fitted(write_campaign(tmp_path / "c", de_DE={"cta": texts}), "ratio=banner"), "lines")
    (width,) = [each for each in found.advice if each.do == "width"]
    assert width.box is not None
    assert 0.52 <= width.box[0] < 0.66
    assert width.box[0] + width.box[2] == pytest.approx(0.98)
    layout = banner("[0.66, 0.1, 0.32, 0.8]", str(list(width.box)))
    assert fitted(write_campaign(tmp_path / "d", layout=layout, de_DE={"cta": texts}), "locale=de-DE").fits


def test_a_word_that_is_too_wide_is_named(tmp_path: Path) -> None:
    word = "Frühstücksgeräteausstattungszubehörsortiment"
    found = only(fitted(write_campaign(tmp_path / "c", de_DE={"headline": f"Neu: {word}"}), "ratio=og"), "word")
    assert found.what.startswith(f"the word `{word}` is ")
    (shorter,) = [each for each in found.advice if each.do == "shorten-word"]
    assert shorter.word == word
    text = f"Neu: {word[: int(shorter.to)]}"
    rest = fitted(write_campaign(tmp_path / "d", de_DE={"headline": text}), "hero", "ratio=og")
    assert not rest.of("error")


def test_several_texts_that_are_too_high_together_are_told_as_the_one_that_has_to_lose_least(tmp_path: Path) -> None:
    layout = banner("[0.06, 0.10, 0.50, 0.80]", "[0.06, 0.10, 0.50, 0.28]")
    found = only(fitted(write_campaign(tmp_path / "c", layout=layout, de_DE={"headline": LONG}), "ratio=og"), "height")
    assert (found.role, found.locale) == ("headline", "de-DE")
    assert found.what.startswith("together with `cta` ")
    higher = banner("[0.06, 0.10, 0.50, 0.80]", next(str(list(each.box or ())) for each in found.advice if each.box))
    assert fitted(write_campaign(tmp_path / "d", layout=higher, de_DE={"headline": LONG}), "ratio=og").fits


def test_a_character_that_no_font_has_is_named_with_its_string(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c", he_IL={"cta": "לרכישה \U000f1234"}))
    found = [each for each in report.findings if each.kind == "glyph"]
    assert {each.shape for each in found} == {"landscape", "banner"}
    assert {each.keys for each in found} == {("cta",)}
    assert "U+F1234" in found[0].what
    assert "give a font" in found[0].hint
    assert not report.fits


def test_a_text_that_cannot_be_drawn_hides_none_that_is_too_long(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": LONG * 4, "cta": "Kaufen \U000f1234"})
    found = {(each.kind, each.role) for each in fitted(folder, "locale=de-DE", "ratio=og").findings}
    assert ("glyph", "cta") in found
    assert {kind for kind, role in found if role == "headline"} <= {"lines", "height"}
    assert len(found) == 2


def test_what_only_just_fits_is_a_warning(tmp_path: Path) -> None:
    text = LONG
    while (report := fitted(write_campaign(tmp_path / str(len(text)), de_DE={"headline": text}))).of("error"):
        text = text[:-1].rstrip()
    found = only(report, "near")
    assert report.fits
    assert (found.level, found.role, found.locale, found.shape) == ("warning", "headline", "de-DE", "banner")
    assert found.what.startswith("only just fits: it is set at 18")
    assert found.what.endswith("its least is 18.0")


def test_the_text_that_leaves_the_others_no_room_is_the_one_named(tmp_path: Path) -> None:
    layout = banner("[0.06, 0.10, 0.50, 0.80]", "[0.06, 0.10, 0.50, 0.33]")
    texts = [LONG[:length].rstrip() for length in range(len(LONG), 20, -2)]
    for number, text in enumerate(texts):
        folder = write_campaign(tmp_path / str(number), layout=layout, de_DE={"headline": text})
        near = [each for each in fitted(folder, "ratio=og", "locale=de-DE").findings if each.kind == "near"]
        if near:
            break
    assert [each.role for each in near] == ["headline"]


def test_where_the_source_s_text_has_no_room_for_its_translations_that_is_a_warning(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c", en_US={"headline": "Warm mornings, and quiet ones"}))
    found = only(report, "room")
    assert (found.level, found.locale, found.role, found.shape) == ("warning", "en-US", "headline", "banner")
    assert found.text == "Warm mornings, and quiet ones"
    assert found.what.startswith("no room for a translation of usual length: ")
    assert report.fits


def test_no_room_is_sought_for_translations_of_translations(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c", de_DE={"headline": "Warme Morgen, und stille noch"}))
    assert [each for each in report.findings if each.kind == "room"] == []


def test_what_is_probably_wrong_with_the_copy_itself_is_a_warning_each_text_once(tmp_path: Path) -> None:
    folder = write_campaign(
        tmp_path / "c",
        en_US={"headline": "Warm mornings"},
        de_DE={"headline": "Warm mornings"},
        ar_EG={"cta": "خصم 20"},
        ja_JP={"cta": "今すぐ購入 "},
    )
    report = fitted(folder)
    assert [(each.word, each.role, each.locale, str(each.place)) for each in report.findings] == [
        ("untranslated", "headline", "de-DE", "strings/de-DE.yaml:1:11"),
        ("digits", "cta", "ar-EG", "strings/ar-EG.yaml:2:6"),
        ("blanks", "cta", "ja-JP", "strings/ja-JP.yaml:2:6"),
    ]
    assert report.fits
    assert len(report.findings[0].addresses) == 4


def test_the_same_words_for_another_region_are_not_taken_for_untranslated(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", strings={"en-US": STRINGS["en-US"], "en-GB": STRINGS["en-US"]})
    assert fitted(folder).findings == ()


def test_what_is_no_string_may_be_the_same_in_all_languages(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", campaign=CAMPAIGN.replace("{{ t.headline }}", "Kettle Nine Pro"))
    report = fitted(folder)
    assert report.findings == ()


def test_a_text_that_is_no_string_is_placed_in_the_campaign(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", campaign=CAMPAIGN.replace("{{ t.headline }}", LONG))
    found = [each for each in fitted(folder).findings if each.kind == "lines"]
    assert {each.locale for each in found} == set(STRINGS)
    assert {each.keys for each in found} == {()}
    assert {each.place.file for each in found if each.place} == {"campaign.yaml"}


def test_a_string_whose_name_depends_on_the_cell_is_found(tmp_path: Path) -> None:
    texts = {"en-US": {"cta": "Shop now", "kettle": "Boils fast", "toaster": LONG}}
    campaign = CAMPAIGN.replace("{{ t.headline }}", "{{ t[product] }}")
    found = only(fitted(write_campaign(tmp_path / "c", strings=texts, campaign=campaign)), "lines")
    assert (found.keys, str(found.place)) == (("toaster",), "strings/en-US.yaml:3:10")
    assert found.addresses == ("hero[product=toaster,locale=en-US,ratio=banner]",)


def test_pseudo_locales_are_looked_at_though_the_campaign_does_not_list_them(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", en_US={"headline": "Warm mornings, and quiet ones"})
    before = (folder / "campaign.yaml").read_bytes()
    report = fitted(folder, pseudo=True)
    assert report.locales == (*STRINGS, "en-XA", "ar-XB")
    found = only(report, "lines")
    assert (found.locale, str(found.place)) == ("en-XA", "strings/en-US.yaml:1:11")
    assert found.text.startswith("[Ŵåŕɱ")
    assert [each for each in report.findings if each.locale == "ar-XB"] == []
    assert (folder / "campaign.yaml").read_bytes() == before
    assert fitted(folder, "locale=ar-XB", pseudo=True).locales == ("ar-XB",)


def test_pseudo_locales_that_are_listed_already_are_not_doubled(tmp_path: Path) -> None:
    strings = {"en-US": STRINGS["en-US"], "en-XA": {}}
    report = fitted(write_campaign(tmp_path / "c", strings=strings), pseudo=True)
    assert report.locales == ("en-US", "en-XA", "ar-XB")
    assert report.mistakes == ()


def test_without_locales_there_are_no_pseudo_locales_which_is_said(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("over: [product, locale, ratio]", "over: [product, ratio]")
    campaign = campaign.replace("{{ t.headline }}", "Warm").replace("{{ t.cta }}", "Buy").replace("{{ locale }}/", "")
    campaign = "".join(line for line in campaign.splitlines(keepends=True) if "locale: {" not in line)
    report = fitted(write_campaign(tmp_path / "c", campaign=campaign), pseudo=True)
    assert report.notes == ("the campaign has no axis `locale`, and so no pseudo-locales",)
    assert (report.fits, report.locales, report.pictures) == (True, (), 4)


def test_a_campaign_without_copy_says_so(tmp_path: Path) -> None:
    campaign = "".join(line for line in CAMPAIGN.splitlines(keepends=True) if "typeset" not in line)
    campaign = campaign.replace("    steps:\n", "")
    report = fitted(write_campaign(tmp_path / "c", campaign=campaign))
    assert report.notes == ("nothing in the campaign has a step `typeset`: there is no copy to fit",)
    assert report.fits


def test_a_selection_without_copy_says_so(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c"), "scene")
    assert report.notes == ("nothing in what is selected has a step `typeset`: there is no copy to fit",)


def test_only_what_is_selected_is_looked_at(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": LONG}, ja_JP={"headline": "あたたかな朝" * 9})
    assert spoken(fitted(folder, "hero", "locale=de-DE", "ratio=banner")) == [
        ("lines", "headline", "de-DE", "banner"),
    ]  # fmt: skip
    assert fitted(folder, "locale=en-US").fits
    with pytest.raises(ImagebuildError, match="nothing matches `locale=de-AT`"):
        fitted(folder, "locale=de-AT")


def test_a_locale_whose_strings_are_missing_or_broken_hides_none_of_the_others(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": LONG})
    put(folder, "strings/ja-JP.yaml", "cta: 今すぐ購入\n")
    put(folder, "strings/he-IL.yaml", "headline: [\n")
    report = fitted(folder)
    assert not report.fits
    assert [str(each.at) for each in report.mistakes if each.at][-1].startswith("strings/he-IL.yaml")
    assert any(each.what == "string `headline` is missing in ja-JP" for each in report.mistakes)
    assert ("lines", "headline", "de-DE", "banner") in spoken(report)
    assert {"en-US", "de-DE", "ar-EG"} <= set(report.locales)


def test_a_layout_with_mistakes_is_told_as_they_are(tmp_path: Path) -> None:
    report = fitted(write_campaign(tmp_path / "c", layout=LAYOUT.replace("lines: 3", "lins: 3")))
    (mistake,) = report.mistakes
    assert "unknown key `lins`" in mistake.what
    assert mistake.at is not None
    assert (mistake.at.file, mistake.hint) == ("layouts/hero.yaml", "did you mean `lines`?")
    assert not report.fits


def test_a_brand_s_font_that_is_damaged_is_named_by_its_path(tmp_path: Path) -> None:
    layout = LAYOUT.replace("layout: 1\n", "layout: 1\nfonts: {brand: brand/Bold.ttf}\nroles: {cta: {font: brand}}\n")
    folder = write_campaign(tmp_path / "c", layout=layout)
    put(folder, "brand/Bold.ttf", "no font at all")
    report = fitted(folder, "locale=de-DE")
    found = [each for each in report.findings if each.kind == "drawing"]
    assert found
    assert all("`brand/Bold.ttf`" in each.what for each in found)
    assert not report.fits


def test_copy_on_a_paid_picture_is_looked_at_before_it_is_paid_for(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("    from: scene\n", '    prompt: "A {{ product }}."\n    resolution: 1k\n')
    folder = write_campaign(tmp_path / "c", campaign=campaign, de_DE={"headline": LONG})
    report = fitted(folder, "hero")
    assert spoken(report) == [("lines", "headline", "de-DE", "banner")]
    assert only(report, "lines").addresses[0] == "hero[product=kettle,locale=de-DE,ratio=banner]"


def test_nothing_is_written(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": LONG})
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert fitted(folder, pseudo=True).findings
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
