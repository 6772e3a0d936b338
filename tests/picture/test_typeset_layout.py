from __future__ import annotations

import itertools
import pickle

import pytest
import uharfbuzz

from imagebuild.core.layouts.canonical import FontChoice, PictureItem, RuleItem
from imagebuild.errors import PictureError
from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.typeset.layout import Misfit, boxes_of, lay_out, misfits
from tests.picture.typesetting import BUTTON, CTAS, HEADLINES, Area, campaign, group, nothing, png, text, typeset_of

SIZES = [(1200, 630), (1080, 1080), (1080, 1920), (640, 240), (301, 417)]
SCRIPTS = {  # language → font, script, right to left
    "ar": ("NotoSansArabic", "Arab", True),
    "he": ("NotoSansHebrew", "Hebr", True),
    "hi": ("NotoSansDevanagari", "Deva", False),
    "bn": ("NotoSansBengali", "Beng", False),
    "th": ("NotoSansThai", "Thai", False),
}
LETTERS = {  # one script only, no signs: HarfBuzz alone can say what a line of it is
    "ar": "كأس هادئ كل صباح مع غلاية تفهم ما تريده منها",
    "he": "כוס שקטה בכל בוקר עם קומקום שמבין מה רציתם",
    "hi": "हर सुबह एक शांत प्याला और ज्ञान की क्षमता",
    "bn": "প্রতি সকালে একটি শান্ত পেয়ালা আর জ্ঞান",
    "th": "ทุกเช้ากับกาต้มน้ำที่เงียบที่สุดในบ้านคุณ",
}


def by_harfbuzz(words, language, size, weight):
    """(glyph, x, y) from left to right, by HarfBuzz alone."""
    name, script, right_to_left = SCRIPTS[language]
    path = next(file.path for file in bundled_fonts().files if file.path.name.startswith(name + "["))
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
    font = uharfbuzz.Font(face)
    font.set_variations({"wght": float(weight)})
    buffer = uharfbuzz.Buffer()
    buffer.add_str(words)
    buffer.direction = "rtl" if right_to_left else "ltr"
    buffer.script, buffer.language = script, language
    uharfbuzz.shape(font, buffer, {})
    x, placed, scale = 0.0, [], size / face.upem
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        placed.append((info.codepoint, x + position.x_offset * scale, -position.y_offset * scale))
        x += position.x_advance * scale
    return placed


@pytest.mark.parametrize("language", list(SCRIPTS))
def test_every_glyph_of_every_line_is_harfbuzzs_own(language):
    words = LETTERS[language]
    letters = {c for c in words if not c.isspace()}
    covered = next(f for f in bundled_fonts().files if f.path.name.startswith(SCRIPTS[language][0] + "["))
    assert all(bundled_fonts().covers(covered, c) for c in letters)
    typeset = typeset_of(group(text(words=words, lines=4, sizes=(0.04, 0.14))), language=language)
    (placed,) = lay_out(typeset, (1200, 630), nothing).texts
    assert len(placed.lines) > 1
    parts = []
    for line in placed.lines:
        parts += [line.text]
        single = line.text.split(" ") if language != "th" else [line.text]
        if len(single) > 1:  # blanks come from another font: words are shaped one by one, in the order they are seen
            single = single[::-1] if SCRIPTS[language][2] else single
        expected = [glyph for word in single for glyph in by_harfbuzz(word, language, placed.size, 700)]
        own = [g for g in line.glyphs if not line.text[g.cluster].isspace()]
        assert [g.glyph_id for g in own] == [glyph for glyph, _, _ in expected]
        assert [g.y for g in own] == pytest.approx([y for _, _, y in expected], abs=1e-4)
        at = 0
        for word in single:  # within each word, places are HarfBuzz's to the fraction of a pixel
            shaped = by_harfbuzz(word, language, placed.size, 700)
            first = own[at].x - shaped[0][1]
            assert [g.x - first for g in own[at : at + len(shaped)]] == pytest.approx(
                [x for _, x, _ in shaped], abs=1e-3
            )
            at += len(shaped)
    assert "".join(parts).replace(" ", "") == words.replace(" ", "")


@pytest.mark.parametrize("language", list(HEADLINES))
def test_every_text_stands_inside_its_box_at_every_size(language):
    for size in SIZES:
        setting = lay_out(campaign(language), size, nothing)
        (placed_group,) = setting.groups
        left, top, right, bottom = placed_group.box
        assert 0.0 <= placed_group.largeness <= 1.0
        boxes = [box for _, box in boxes_of(setting)]
        for x0, y0, x1, y1 in boxes:
            assert left <= x0 < x1 <= right
            assert top <= y0 < y1 <= bottom
        for above, below in itertools.pairwise(boxes):
            assert above[3] < below[1]
        for placed in setting.texts:
            assert placed.least <= placed.size <= placed.greatest
            assert len(placed.lines) <= placed.item.lines
        button = setting.texts[-1]
        assert button.button is not None
        assert button.button[0] < button.ink[0] < button.ink[2] < button.button[2]
        assert button.button[1] < button.ink[1] < button.ink[3] < button.button[3]


def test_items_grow_together_until_the_box_is_full():
    items = (text("headline", sizes=(0.03, 0.5)), text("body", "Quietly, every day.", sizes=(0.02, 0.25), lines=9))
    setting = lay_out(typeset_of(group(*items)), (1000, 500), nothing)
    headline, body = setting.texts
    shares = [(each.size - each.least) / (each.greatest - each.least) for each in (headline, body)]
    assert shares[0] == pytest.approx(shares[1])
    assert 0.1 < shares[0] < 0.9
    (placed,) = setting.groups
    assert shares[0] == pytest.approx(placed.largeness)
    wider = lay_out(typeset_of(group(*items, box=(0.06, 0.1, 0.55, 0.85))), (1000, 500), nothing)
    assert wider.groups[0].largeness > placed.largeness


def test_what_fits_at_its_greatest_size_is_set_at_it():
    (placed,) = lay_out(typeset_of(group(text(words="Hot"))), (1200, 630), nothing).texts
    assert placed.size == placed.greatest == pytest.approx(0.12 * 630)


def test_lines_and_other_items_stand_at_one_edge_by_their_ink():
    store = {"three to one": png((300, 100))}
    items = (
        PictureItem("logo", "three to one", 0.1, "start"),
        text(words="Whispers. Boils. Jumps over it all, and so on"),
        text("body", "Toast", lines=1),
        RuleItem(0.2, 0.01, "#ffffff", "start"),
        text("cta", "Buy", lines=1, button=BUTTON),
    )
    setting = lay_out(typeset_of(group(*items)), (1200, 630), store.__getitem__)
    (placed,) = setting.groups
    edge = placed.box[0]
    assert {item.box[0] for item in placed.items} == {edge}
    for item in placed.texts:
        if item.button is None:
            assert [x + line.ink[0] for line, (x, _) in zip(item.lines, item.places, strict=True)] == pytest.approx(
                [edge] * len(item.lines)
            )


@pytest.mark.parametrize(("align", "at"), [("start", 0.0), ("center", 0.5), ("end", 1.0)])
def test_lines_stand_at_the_side_they_are_aligned_to(align, at):
    (placed,) = lay_out(typeset_of(group(text(align=align))), (1200, 630), nothing).texts
    left, right = 72, 672
    for line, (x, _) in zip(placed.lines, placed.places, strict=True):
        before, after = x + line.ink[0] - left, right - x - line.ink[2]
        assert before == pytest.approx((before + after) * at, abs=1.01)


def test_the_first_line_begins_at_the_top_of_the_box_with_its_capitals():
    (placed,) = lay_out(typeset_of(group(text(words="Hot"))), (1200, 630), nothing).texts
    (_, y), line = placed.places[0], placed.lines[0]
    assert y + line.ink[1] == pytest.approx(63, abs=1.0)
    (low,) = lay_out(typeset_of(group(text(words="ace"))), (1200, 630), nothing).texts
    assert low.places[0][1] == y  # letters without a capital among them stand on the same baseline


def test_the_middle_and_the_bottom_of_a_box_are_that_of_its_ink():
    for valign, top in (("middle", None), ("bottom", 567)):
        (placed,) = lay_out(typeset_of(group(text(words="HOT"), valign=valign)), (1200, 630), nothing).texts
        _, y0, _, y1 = placed.ink
        if top is None:
            assert (y0 + y1) / 2 == pytest.approx(315, abs=1.5)
        else:
            assert y1 == pytest.approx(top, abs=1.0)


def test_boxes_keep_out_of_what_a_placement_covers_but_those_of_the_whole_picture():
    box, safe = (0.0, 0.0, 1.0, 1.0), (0.0, 0.14, 0.1, 0.2)
    inside = lay_out(typeset_of(group(text(), box=box), safe=safe), (1000, 2000), nothing)
    assert inside.groups[0].box == (0, 280, 900, 1600)
    whole = lay_out(typeset_of(group(text(), box=box, frame="picture"), safe=safe), (1000, 2000), nothing)
    assert whole.groups[0].box == (0, 0, 1000, 2000)


def test_a_mirrored_layout_is_the_other_way_round():
    area = Area((0.0, 0.0, 0.6, 1.0), "picture", "#000000", "#ffffff", "end", 0.0)
    plain = typeset_of(group(text(words=HEADLINES["ar"])), language="ar", mirrored=False, areas=(area,))
    straight = lay_out(plain, (1000, 500), nothing)
    mirrored = lay_out(plain._replace(mirrored=True), (1000, 500), nothing)
    assert straight.groups[0].box == (60, 50, 560, 450)
    assert mirrored.groups[0].box == (440, 50, 940, 450)
    assert [(each.box, each.toward) for each in straight.areas] == [((0, 0, 600, 500), "right")]
    assert [(each.box, each.toward) for each in mirrored.areas] == [((400, 0, 1000, 500), "left")]
    for setting, right in ((straight, 560), (mirrored, 940)):  # `start` is where Arabic begins, mirrored or not
        assert setting.texts[0].ink[2] == right
    assert straight.texts[0].size == mirrored.texts[0].size


@pytest.mark.parametrize("language", list(CTAS))
def test_a_button_hugs_its_words_and_holds_them_in_its_middle(language):
    item = text("cta", CTAS[language], lines=1, weight=600, button=BUTTON, sizes=(0.05, 0.05))
    whole = typeset_of(group(item, box=(0, 0, 1, 1)), language=language)
    (placed,) = lay_out(whole, (1200, 1200), nothing).texts
    left, top, right, bottom = placed.button
    x0, y0, x1, y1 = placed.ink
    assert x0 - left == pytest.approx(BUTTON.padding[0] * placed.size, abs=2)
    assert x0 - left == pytest.approx(right - x1, abs=2)
    assert (y0 + y1) / 2 == pytest.approx((top + bottom) / 2, abs=placed.size * 0.16)
    assert 2.1 < (bottom - top) / placed.size < 3.0


def test_capitals_stand_exactly_in_the_middle_of_a_button():
    item = text("cta", "BUY NOW", lines=1, button=BUTTON)
    (placed,) = lay_out(typeset_of(group(item)), (1200, 630), nothing).texts
    assert (placed.ink[1] + placed.ink[3]) / 2 == pytest.approx((placed.button[1] + placed.button[3]) / 2, abs=1.0)


def test_a_word_that_is_too_wide_is_named_with_how_much():
    words = "Rindfleischetikettierungsüberwachung jetzt"
    typeset = typeset_of(group(text(words=words, sizes=(0.12, 0.2)), box=(0, 0, 0.5, 1)), language="de")
    (found,) = misfits(typeset, (1000, 500), nothing)
    assert (found.role, found.text, found.language, found.reason) == ("headline", words, "de", "word")
    assert found.word == "Rindfleischetikettierungsüberwachung"
    assert found.allowed == pytest.approx(500)
    assert found.over == pytest.approx(found.needed / 500 - 1)
    assert f"is {found.over:.0%}".replace("%", " %") + " too wide" in found.what
    with pytest.raises(Misfit) as raised:
        lay_out(typeset, (1000, 500), nothing)
    assert raised.value.what == found.what
    room = 500 * (1 + found.over) + 1  # so much wider, and it fits
    wider = typeset_of(group(text(words=words, sizes=(0.12, 0.2)), box=(0, 0, room / 1000, 1)), language="de")
    assert misfits(wider, (1000, 500), nothing) == ()


def test_too_many_lines_are_counted():
    item = text("legal", HEADLINES["fr"], sizes=(0.08, 0.1), lines=1)
    (found,) = misfits(typeset_of(group(item, box=(0, 0, 0.6, 1)), language="fr"), (1000, 500), nothing)
    assert (found.reason, found.needed, found.allowed) == ("lines", 2, 1)
    assert found.what == (
        "`legal` in `fr` does not fit at its least size: it takes 2 lines, 1 is allowed: "
        "`Bout en quatre-vingt-dix secondes. Sans un bruit !`"
    )
    assert "shorten it by up to 25 characters" in found.hint
    more = item._replace(lines=2)
    assert misfits(typeset_of(group(more, box=(0, 0, 0.6, 1)), language="fr"), (1000, 500), nothing) == ()


def test_a_group_that_is_too_high_says_by_how_much():
    items = (text(words="Hot", sizes=(0.3, 0.4)), text("body", "Quiet", sizes=(0.1, 0.2)))
    (found,) = misfits(typeset_of(group(*items, box=(0, 0, 1, 0.3))), (1000, 500), nothing)
    assert (found.role, found.reason, found.allowed) == ("headline", "height", 150)
    fitting = typeset_of(group(*items, box=(0, 0, 1, found.needed / 500)))
    assert misfits(fitting, (1000, 500), nothing) == ()
    assert lay_out(fitting, (1000, 500), nothing).groups[0].largeness < 0.01


def test_all_that_does_not_fit_is_told_at_once_and_what_fits_is_not():
    wide = text("headline", "Wasserkocherentdeckungsreise", sizes=(0.2, 0.3))
    long = text("body", HEADLINES["de"], sizes=(0.1, 0.1), lines=1)
    small = text("legal", "Gilt bis Mai.", sizes=(0.02, 0.02))
    typeset = typeset_of(group(wide, long), group(small), group(wide._replace(role="price")), language="de")
    assert [(each.role, each.reason) for each in misfits(typeset, (1000, 500), nothing)] == [
        ("headline", "word"),
        ("body", "lines"),
        ("price", "word"),
    ]


def test_a_misfit_goes_from_process_to_process_whole():
    (found,) = misfits(typeset_of(group(text(sizes=(0.5, 0.5), lines=1))), (800, 400), nothing)
    copy = pickle.loads(pickle.dumps(found))
    assert isinstance(copy, Misfit)
    assert {**vars(copy)} == {**vars(found)}
    assert str(copy) == str(found)


def test_a_character_that_no_font_has_names_itself_its_role_and_its_language():
    typeset = typeset_of(group(text("price", "5 𓀀")), language="ko")
    (found,) = misfits(typeset, (800, 400), nothing)
    assert (found.role, found.language, found.reason) == ("price", "ko", "glyph")
    assert found.what == "`price` in `ko` cannot be set: no font has `𓀀` (U+13000, egyptian hieroglyph a001): `5 𓀀`"
    with pytest.raises(PictureError, match="no font has"):
        lay_out(typeset, (800, 400), nothing)


def test_a_logo_is_as_high_as_asked_or_as_wide_as_its_box():
    store = {"four to one": png((400, 100))}

    def box_of(height, box):
        logo = PictureItem("logo", "four to one", height, "start")
        return lay_out(typeset_of(group(logo, box=box)), (1000, 500), store.__getitem__).groups[0].items[0].box

    assert box_of(0.1, (0, 0, 1, 1)) == (0, 0, 200, 50)
    assert box_of(0.4, (0, 0, 0.5, 1)) == (0, 0, 500, 125)
    with pytest.raises(PictureError, match="its box 25 px"):
        box_of(0.4, (0, 0, 1, 0.05))


def test_only_the_fonts_of_a_family_that_words_are_set_in_are_read():
    fonts = {"brand": (FontChoice("sha256:brand"),)}
    lay_out(typeset_of(group(text(family="")), fonts=fonts), (800, 400), nothing)
    with pytest.raises(AssertionError, match="asked for sha256:brand"):
        lay_out(typeset_of(group(text(family="brand")), fonts=fonts), (800, 400), nothing)
