"""What is advised for copy that does not fit makes it fit: for any copy, in boxes of any shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.core.fit_report import Advice
from imagebuild.core.layouts.canonical import Button, Group, TextItem, Typeset
from imagebuild.stages.fit_group import GroupFit
from imagebuild.stages.fit_trial import Trial

SIZE = (800, 400)
COPY = {
    "en-US": ("A kettle that boils in ninety seconds and whispers while it does", "Shop the kettle", "Save on energy"),
    "de-DE": ("Wasserkocher mit Temperaturvorwahl für Teeliebhaberinnen", "Jetzt entdecken", "Versandkostenfrei"),
    "ar-EG": ("غلاية تغلي في تسعين ثانية وبهدوء تام كل صباح في مطبخك", "تسوق الغلاية الآن", "وفر الطاقة"),
    "he-IL": ("קומקום שרותח בתשעים שניות ובשקט מופתי", "לצפייה בקומקום", "חיסכון באנרגיה"),
    "hi-IN": ("नब्बे सेकंड में उबलने वाली केतली, वह भी बिना शोर", "केतली देखें", "ऊर्जा की बचत"),
    "th-TH": ("กาต้มน้ำที่เดือดในเก้าสิบวินาทีแถมเงียบสนิท", "ดูกาต้มน้ำ", "ประหยัดพลังงาน"),
    "ja-JP": ("九十秒で沸く。それでいて、とても静かなケトル", "ケトルを見る", "省エネ"),
}


def no_files(digest: str) -> bytes:
    raise AssertionError(f"{digest} was asked for, and nothing here is a file")


def text(role: str, words: str, least: float = 0.08, lines: int = 1, button: Button | None = None) -> TextItem:
    return TextItem(role, words, (least, 0.16), lines, 600, "", "start", ("#ffffff",), 4.5, 1.0, button)


def group(*items: TextItem, width: float = 0.4, height: float = 0.5) -> Group:
    return Group((0.1, 0.1, width, height), "picture", "top", 0.02, items, None)


def fit(of: Group, language: str = "en-US") -> GroupFit:
    direction = "rtl" if language[:2] in ("ar", "he") else "ltr"
    typeset = Typeset(language, direction, direction == "rtl", (0.0, 0.0, 0.0, 0.0), {}, (), (of,))
    return GroupFit(Trial(typeset, SIZE, no_files), of, {})


def shortened(words: str, advice: list[Advice]) -> str:
    """A text as the advice of one misfit has it."""
    for each in advice:
        if each.do == "shorten-word":
            words = words.replace(each.word, each.word[: int(each.to)])
    left = [int(each.to) for each in advice if each.do == "shorten"]
    return words[: left[0]] if left else words


def laid_out_as(of: Group, advice: Advice) -> Group:
    """The group with one thing changed that is the layout's."""
    if advice.box is not None:
        return of._replace(box=advice.box)
    items = []
    for item in of.items:
        assert isinstance(item, TextItem)
        if advice.do == "sizes":
            items.append(item._replace(sizes=(item.sizes[0] * advice.to, item.sizes[1])))
        elif item.role != advice.role:
            items.append(item)
        elif advice.do == "size":
            items.append(item._replace(sizes=(advice.to, item.sizes[1])))
        elif advice.do == "lines":
            items.append(item._replace(lines=int(advice.to)))
        elif advice.do == "join":
            items.append(item._replace(text=item.text.replace("\n", " ")))
        else:
            assert advice.do == "hyphen"
            at = int(advice.to)
            items.append(
                item._replace(text=item.text.replace(advice.word, f"{advice.word[:at]}\xad{advice.word[at:]}"))
            )
    return of._replace(items=tuple(items))


words = st.sampled_from([(tag, *texts) for tag, texts in COPY.items()])
shapes = st.tuples(st.floats(0.08, 0.8), st.floats(0.05, 0.8), st.integers(1, 3), st.floats(0.05, 0.14))


@given(words, shapes)
@settings(max_examples=60, deadline=None)
def test_of_a_text_alone_each_advice_makes_it_fit(
    copy: tuple[str, ...], shape: tuple[float, float, int, float]
) -> None:
    language, headline, *_ = copy
    width, height, lines, least = (round(each, 3) for each in shape)
    of = group(text("headline", headline, least, int(lines)), width=width, height=height)
    found = fit(of, language)
    for misfit in found.misfits() if found.placed is None else ():
        advice = list(found.advice(misfit))
        shorter = [each for each in advice if each.do.startswith("shorten")]
        if shorter:
            cut = of._replace(items=(of.items[0]._replace(text=shortened(headline, shorter)),))  # type: ignore[union-attr]
            assert fit(cut, language).placed is not None, shorter
        for each in advice:
            if each not in shorter:
                assert each.box is None or max(each.box[0] + each.box[2], each.box[1] + each.box[3]) <= 1 + 1e-9
                assert fit(laid_out_as(of, each), language).placed is not None, each


@given(words, shapes)
@settings(max_examples=40, deadline=None)
def test_texts_that_are_shortened_as_advised_fit_together(
    copy: tuple[str, ...], shape: tuple[float, float, int, float]
) -> None:
    """Every misfit's advice followed, and nothing else done."""
    language, headline, cta, body = copy
    width, height, lines, least = (round(each, 3) for each in shape)
    button = Button("#ff6b4a", (1.0, 0.5), 0.5)
    of = group(
        text("headline", headline, least, int(lines)), text("body", body, 0.05, 2), text("cta", cta, 0.05, 1, button),
        width=width, height=max(height, 0.4),
    )  # fmt: skip
    found = fit(of, language)
    if found.placed is not None:
        return
    advice = [found.advice(misfit) for misfit in found.misfits()]
    if not all(any(each.do.startswith("shorten") for each in of_one) for of_one in advice):
        return  # it cannot be shortened into so small a box
    every = [each for of_one in advice for each in of_one]
    items = tuple(
        item._replace(text=shortened(item.text, [each for each in every if each.role == item.role]))
        for item in found.texts
    )
    assert fit(of._replace(items=items), language).placed is not None


def test_a_word_is_hyphened_where_there_is_a_line_for_its_rest() -> None:
    of = group(text("headline", "Wasserkocher", 0.12, 2), width=0.28)
    found = fit(of, "de-DE")
    (misfit,) = found.misfits()
    advice = {each.do: each for each in found.advice(misfit)}
    assert {"shorten-word", "hyphen"} <= advice.keys()
    assert fit(laid_out_as(of, advice["hyphen"]), "de-DE").placed is not None
    alone = fit(group(text("headline", "Wasserkocher", 0.12, 1), width=0.28), "de-DE")
    assert "hyphen" not in {each.do for each in alone.advice(alone.misfits()[0])}


def test_line_breaks_that_were_asked_for_are_advised_away_where_that_is_enough() -> None:
    of = group(text("headline", "Warm\nmornings", 0.08, 1), width=0.8)
    found = fit(of)
    (misfit,) = found.misfits()
    advice = {each.do: each for each in found.advice(misfit)}
    assert advice["join"].sentence == "take the line breaks out of `headline`"
    assert fit(laid_out_as(of, advice["join"])).placed is not None


def test_no_size_is_advised_that_nobody_could_read() -> None:
    found = fit(group(text("legal", "Offer valid until 31 May in participating stores", 0.02, 1), width=0.1))
    (misfit,) = found.misfits()
    assert "size" not in {each.do for each in found.advice(misfit)}


def test_a_box_is_never_advised_out_of_its_frame() -> None:
    found = fit(group(text("headline", COPY["en-US"][0] * 3, 0.15, 1), width=0.5))
    (misfit,) = found.misfits()
    assert "width" not in {each.do for each in found.advice(misfit)}


def test_a_mark_is_not_cut_from_its_letter() -> None:
    found = fit(group(text("headline", "केतली देखें और पानी उबालें", 0.12, 1), width=0.4), "hi-IN")
    (misfit,) = found.misfits()
    (shorter,) = [each for each in found.advice(misfit) if each.do == "shorten"]
    following = "केतली देखें और पानी उबालें"[int(shorter.to)]
    assert following not in "ेींाौ"


@pytest.mark.parametrize(("largest", "expected"), [(0.16, []), (0.081, [])])
def test_a_text_at_its_greatest_size_is_not_near_any_limit(largest: float, expected: list[str]) -> None:
    of = group(text("headline", "Warm", 0.08)._replace(sizes=(0.08, largest)), width=0.8)
    assert [each.item.role for each in fit(of).near()] == expected


def test_what_has_one_size_only_is_never_near() -> None:
    fixed = text("headline", "Warm mornings and quiet ones", 0.08, 3)._replace(sizes=(0.08, 0.08))
    assert fit(group(fixed, width=0.5)).placed is not None
    assert fit(group(fixed, width=0.5)).near() == ()


def test_there_is_room_where_the_box_is_large_and_none_where_the_text_fills_it() -> None:
    item = text("headline", "Warm mornings", 0.1)
    assert fit(group(item, width=0.9)).no_room("en-US") == ()
    ((found, misfit),) = fit(group(item, width=0.4)).no_room("en-US")
    assert (found, misfit.reason) == (item, "lines")


def test_figures_have_no_translation_that_could_be_longer() -> None:
    assert fit(group(text("price", "$89.00", 0.1), width=0.2)).no_room("en-US") == ()
