"""The step `typeset` in a cell: the shape, the copy, the files; and what leaves a key as it is."""

from __future__ import annotations

import json
import re

import pytest

from imagebuild.core.key import digest_of, key_of
from imagebuild.core.layouts.canonical import FontChoice, PictureItem, RuleItem, TextItem, canonical_typeset, typeset_of
from imagebuild.core.steps.typeset import tidy_copy
from imagebuild.errors import SpecErrors
from tests.core.laid import FakeCell, marked, parameters_in, typeset_in

LAYOUT = """
fonts:
  brand: [brand/Bold.ttf, {file: brand/Arabic.ttf, scripts: [Arab]}]
  plain: brand/Plain.otf
roles:
  headline: {font: brand, size: [0.05, 0.12]}
  body: {font: plain}
  legal: {optional: true}
  logo: {picture: "brand/logo-{{ locale }}.png"}
shapes:
  landscape:
    areas: [{box: [0, 0, 0.5, 1], color: "#0B3954", to: transparent}]
    groups:
      - {box: [0.06, 0.1, 0.44, 0.6], items: [headline, {rule: {}}, body, cta]}
      - {box: [0.06, 0.8, 0.44, 0.1], items: [legal]}
      - {box: [0.8, 0.05, 0.1, 0.1], items: [logo]}
  banner:
    groups: [{items: [headline, {role: cta, size: 0.2}]}]
"""
FILES = {name: name for name in ("brand/Bold.ttf", "brand/Arabic.ttf", "brand/Plain.otf", "brand/logo-en.png")}
CELL = FakeCell(layouts={"layouts/hero.yaml": LAYOUT}, files=FILES, values={"locale": "en"})
STEP = "{layout: layouts/hero.yaml, text: {headline: Warm, body: Steel, cta: Buy}}"


def with_layout(text, **changes):
    return CELL.but(layouts={"layouts/hero.yaml": text}, **changes)


def digest(name):
    return digest_of(name.encode())


def key(cell, step=STEP):
    return key_of(parameters_in(cell, step))


def told(cell, step=STEP):
    with pytest.raises(SpecErrors) as caught:
        parameters_in(cell.but(), step)
    return [(each.what, marked(each.at), each.hint) for each in caught.value.problems]


def roles(typeset):
    return [[getattr(item, "role", "rule") for item in group.items] for group in typeset.groups]


def test_the_shape_of_the_picture_says_what_is_shown():
    assert roles(typeset_in(CELL, STEP)) == [["headline", "rule", "body", "cta"], ["logo"]]
    assert roles(typeset_in(CELL.but(size=(728, 90)), STEP)) == [["headline", "cta"]]


def test_an_item_is_complete():
    headline, rule, _, cta = typeset_in(CELL, STEP).groups[0].items
    assert headline == TextItem(
        role="headline", text="Warm", sizes=(0.05, 0.12), lines=3, weight=700, family="brand", align="start",
        inks=("#ffffff", "#111111"), contrast=4.5, leading=0.98,
    )  # fmt: skip
    assert rule == RuleItem(length=0.2, thickness=0.004, color="#ffffff", align="start")
    assert cta.button.fill == "#ffffff"
    assert cta.family == ""


def test_the_parameters_are_json_and_read_back_as_they_were():
    parameters = parameters_in(CELL.but(safe=(0.0, 0.14, 0.0, 0.2)), STEP)
    read_back = typeset_of(json.loads(json.dumps(parameters)))
    assert canonical_typeset(read_back) == parameters
    assert read_back == typeset_of(parameters)


def test_files_are_named_by_digest_and_their_paths_are_templates():
    typeset = typeset_in(CELL, STEP)
    assert typeset.groups[1].items == (PictureItem("logo", digest("brand/logo-en.png"), 0.09, "start"),)
    assert typeset.fonts == {
        "brand": (FontChoice(digest("brand/Bold.ttf")),),
        "plain": (FontChoice(digest("brand/Plain.otf")),),
    }


def test_in_a_banner_roles_are_larger_but_what_the_shape_says_is_taken_as_it_is():
    headline, cta = typeset_in(CELL.but(size=(728, 90)), STEP).groups[0].items
    assert headline.sizes == (0.176, 0.4224)
    assert cta.sizes == (0.2, 0.2)


def test_in_a_tower_roles_have_twice_the_lines_but_what_the_shape_says_is_taken_as_it_is():
    layout = "shapes: {tower: {groups: [{items: [headline, {role: body, lines: 4}]}]}}"
    step = "{layout: layouts/hero.yaml, text: {headline: Warm, body: Steel}}"
    assert [item.lines for item in typeset_in(with_layout(layout, size=(160, 600)), step).texts] == [6, 4]


def test_a_shape_may_say_the_scale_itself():
    text = LAYOUT.replace("  banner:\n", "  banner:\n    scale: 2\n")
    assert typeset_in(with_layout(text, size=(728, 90)), STEP).groups[0].items[0].sizes == (0.1, 0.24)


@pytest.mark.parametrize(
    ("tag", "direction", "mirrored"),
    [("en-US", "ltr", False), ("ar-EG", "rtl", True), ("he", "rtl", True), ("und", "ltr", False)],
)
def test_what_is_read_from_right_to_left_is_mirrored(tag, direction, mirrored):
    typeset = typeset_in(CELL.but(language=tag), STEP)
    assert (typeset.language, typeset.direction, typeset.mirrored) == (tag, direction, mirrored)


def test_mirroring_can_be_forbidden_by_the_layout_and_by_the_step_which_has_the_last_word():
    arabic = CELL.but(language="ar-EG")
    unmirrored = with_layout("mirror: false\n" + LAYOUT, language="ar-EG")
    assert not typeset_in(arabic, STEP[:-1] + ", mirror: false}").mirrored
    assert not typeset_in(unmirrored, STEP).mirrored
    assert typeset_in(unmirrored, STEP[:-1] + ", mirror: true}").mirrored
    assert not typeset_in(CELL, STEP[:-1] + ", mirror: true}").mirrored


def test_the_step_may_say_the_language():
    typeset = typeset_in(CELL.but(values={"locale": "en", "tag": "HE_il"}), STEP[:-1] + ', language: "{{ tag }}"}')
    assert (typeset.language, typeset.direction) == ("he-IL", "rtl")
    hint = "BCP 47, e.g. `de-DE`, `ja`"
    what = "`language` of step `typeset`: `hebrew!` is not a language tag"
    assert told(CELL, STEP[:-1] + ", language: hebrew!}") == [(what, "hebrew!", hint)]


COPY = [
    ("  Warm   water\t now ", "Warm water now"),
    ("Warm\n   water \n\n\n now\n", "Warm\nwater\nnow"),
    ("a\r\nb\u2028c", "a\nb\nc"),
    ("20\u00a0% \u3000 x", "20\u00a0% \u3000 x"),
    (" \n \t\n", ""),
]


@pytest.mark.parametrize(("written", "set_"), COPY)
def test_blanks_are_tidied_and_line_breaks_kept(written, set_):
    assert tidy_copy(written) == set_


def test_line_breaks_of_a_template_are_set():
    step = r'{layout: layouts/hero.yaml, text: {headline: "Warm \n\n  water", body: Steel, cta: Buy}}'
    assert typeset_in(CELL, step).texts[0].text == "Warm\nwater"


# What does not change a picture does not change its key.
SAME_KEY = [
    ("another shape", "- {box: [0.06, 0.1, 0.44, 0.6]", "- {box: [0.1, 0.1, 0.4, 0.6]", (728, 90)),
    ("a role that is not shown", "  legal: {optional: true}", "  legal: {optional: true, size: 0.03}", (1200, 630)),
    ("a font that is not used", "  plain: brand/Plain.otf", "  plain: brand/Bold.ttf", (728, 90)),
    ("the usual written out", "{font: plain}", "{font: plain, weight: 400, lines: 5, button: false}", (1200, 630)),
    ("another way of writing a colour", '"#0B3954"', '"#0b3954ff"', (1200, 630)),
    ("another way of writing a number", "[0.8, 0.05, 0.1, 0.1]", "[0.80, 5e-2, .1, 0.1]", (1200, 630)),
    ("the gap of a single item", "items: [logo]}", "gap: 0.2, items: [logo]}", (1200, 630)),
    ("a scrim where nothing is written", "items: [logo]}", "scrim: false, items: [logo]}", (1200, 630)),
    ("the shape's name", "  banner:\n", "  leaderboard:\n    for: 728x90\n", (728, 90)),
]


@pytest.mark.parametrize(("title", "old", "new", "size"), SAME_KEY, ids=[each[0] for each in SAME_KEY])
def test_a_change_that_is_not_seen_leaves_the_key(title, old, new, size):
    assert LAYOUT.count(old) == 1
    assert key(CELL.but(size=size)) == key(with_layout(LAYOUT.replace(old, new), size=size))


OTHER_KEY = [
    ("[0.05, 0.12]", "[0.05, 0.13]"),
    ('color: "#0B3954"', 'color: "#0b3955"'),
    ("{rule: {}}", "{rule: {length: 0.3}}"),
    ("items: [headline, {rule", "scrim: false, items: [headline, {rule"),
    ("font: brand, ", ""),
    ("0.44, 0.6]", "0.44, 0.61]"),
]


@pytest.mark.parametrize(("old", "new"), OTHER_KEY)
def test_a_change_that_is_seen_changes_the_key(old, new):
    assert LAYOUT.count(old) == 1
    assert key(CELL) != key(with_layout(LAYOUT.replace(old, new)))


def test_copy_and_files_are_in_the_key_and_paths_are_not():
    assert key(CELL) != key(CELL, STEP.replace("Warm", "Warn"))
    assert key(CELL) != key(CELL.but(files=FILES | {"brand/Bold.ttf": "another"}))
    moved = with_layout(LAYOUT.replace("brand/Bold", "fonts/Bold"), files=FILES | {"fonts/Bold.ttf": "brand/Bold.ttf"})
    assert key(CELL) == key(moved)


def test_a_font_for_a_script_that_is_not_written_is_not_asked_for():
    changed = CELL.but(files={**FILES, "brand/Arabic.ttf": "another"})
    assert key(CELL) == key(changed)
    assert key(CELL.but(language="ar")) != key(changed.but(language="ar"))
    arabic = STEP.replace("Warm", "Warm دافئ")
    assert key(CELL, arabic) != key(changed, arabic)
    brand = typeset_in(CELL.but(language="ar"), STEP).fonts["brand"]
    assert brand == (FontChoice(digest("brand/Bold.ttf")), FontChoice(digest("brand/Arabic.ttf"), ("Arab",)))


@pytest.mark.parametrize(
    ("tag", "scripts"),
    [("zh-TW", ("Bopo", "Hani")), ("zh-CN", None), ("ja-JP", ("Hani", "Hira", "Kana")), ("en", None)],
)
def test_a_font_for_what_scripts_share_is_for_the_locales_that_are_written_so(tag, scripts):
    layout = LAYOUT.replace("brand/Plain.otf", "{file: brand/Plain.otf, scripts: [Hant, Jpan]}")
    typeset = typeset_in(with_layout(layout, language=tag), STEP.replace("Steel", "鋼鐵"))
    body = typeset.texts[1]
    if scripts is None:
        assert (body.family, "plain" in typeset.fonts) == ("", False)
    else:
        assert (body.family, typeset.fonts["plain"]) == ("plain", (FontChoice(digest("brand/Plain.otf"), scripts),))


def test_what_a_placement_covers_counts_only_where_boxes_lie_in_the_safe_part():
    covered = CELL.but(safe=(0.0, 0.14, 0.0, 0.2))
    assert typeset_in(covered, STEP).safe == (0.0, 0.14, 0.0, 0.2)
    everywhere = re.sub("{box: ([^}]*items)", r"{frame: picture, box: \1", LAYOUT)
    assert typeset_in(with_layout(everywhere, safe=(0.0, 0.14, 0.0, 0.2)), STEP).safe == (0.0, 0.0, 0.0, 0.0)


LINES = [
    ("headline, {rule: {}}, legal, cta", ["headline", "cta"]),
    ("legal, {rule: {}}, headline", ["headline"]),
    ("headline, {rule: {}}, legal", ["headline"]),
    ("headline, legal, {rule: {}}, cta", ["headline", "rule", "cta"]),
    ("headline, {rule: {}}, legal, {rule: {}}, cta", ["headline", "rule", "cta"]),
    ("{rule: {}}, headline, legal", ["rule", "headline"]),
]


@pytest.mark.parametrize(("items", "left"), LINES)
def test_an_optional_text_that_is_empty_is_left_out_with_its_line(items, left):
    layout = f"roles: {{legal: {{optional: true}}}}\nshapes: {{landscape: {{groups: [{{items: [{items}]}}]}}}}"
    text = {"headline": "Warm", "legal": '"{% if false %}x{% endif %}"'} | ({"cta": "Buy"} if "cta" in items else {})
    given = ", ".join(f"{name}: {value}" for name, value in text.items())
    assert roles(typeset_in(with_layout(layout), f"{{layout: layouts/hero.yaml, text: {{{given}}}}}")) == [left]


def test_a_group_of_which_only_lines_are_left_is_left_out():
    layout = "shapes: {landscape: {groups: [{items: [{rule: {}}, {role: legal, optional: true}]}, {items: [body]}]}}"
    step = "{layout: layouts/hero.yaml, text: {body: A}}"
    assert roles(typeset_in(with_layout(layout), step)) == [["body"]]
    ornament = "shapes: {landscape: {groups: [{items: [{rule: {}}]}, {items: [body]}]}}"
    assert roles(typeset_in(with_layout(ornament), step)) == [["rule"], ["body"]]


def test_an_item_without_a_text_is_told_where_the_step_stands():
    what = "`layouts/hero.yaml` shows the role `{}` here, and the step has no text for it"
    hint = "add `{}: …` to `text`, or say `optional: true` at layouts/hero.yaml:15:{}"
    assert told(CELL, "{layout: layouts/hero.yaml, text: {headline: Warm}}") == [
        (what.format("body"), "layouts/hero.yaml", hint.format("body", 69)),
        (what.format("cta"), "layouts/hero.yaml", hint.format("cta", 75)),
    ]


def test_a_text_that_is_empty_is_told_with_its_own_place():
    hint = "an item that says `optional: true` in the layout is left out then"
    empty = STEP.replace("Steel", '"{% if false %}x{% endif %}"')
    assert told(CELL, empty) == [("`text.body` is empty", '"{% if false %}x{% endif %}"', hint)]


def test_a_text_that_no_shape_shows_is_told_but_one_that_only_this_shape_leaves_out_is_not():
    what = "`text.hedline`: no shape of `layouts/hero.yaml` shows the role `hedline`"
    step = STEP.replace("text: {", "text: {hedline: Warm, ")
    assert told(CELL, step) == [(what, "Warm", "did you mean `headline`?")]
    assert roles(typeset_in(CELL.but(size=(728, 90)), STEP)) == [["headline", "cta"]]


def test_a_picture_that_no_shape_is_for_is_told_unless_the_nearest_may_be_taken():
    what = "`layouts/hero.yaml` has no shape for a picture of 1080x1920, which is a portrait"
    hint = "it has `landscape`, `banner`; add `portrait`, or say `nearest: true`"
    tall = CELL.but(size=(1080, 1920))
    assert told(tall) == [(what, "layouts/hero.yaml", hint)]
    nearest = typeset_in(with_layout("nearest: true\n" + LAYOUT, size=(1080, 1920)), STEP)
    assert nearest == typeset_in(CELL, STEP)


def test_every_mistake_of_a_cell_is_told_at_once():
    step = "{layout: layouts/hero.yaml, language: '!', text: {headline: Warm, hedline: A}}"
    assert [marked_part for _, marked_part, _ in told(CELL, step)] == [
        "layouts/hero.yaml", "layouts/hero.yaml", "'!'", "A",
    ]  # fmt: skip


def test_a_file_that_is_not_there_is_told_where_the_layout_names_it():
    (mistake,) = told(CELL.but(values={"locale": "de"}))
    assert mistake[:2] == ("no file `brand/logo-de.png`", '"brand/logo-{{ locale }}.png"')


BAD_STEPS = [
    ("{text: {headline: A}}", "step `typeset` needs `layout`"),
    ("{layout: a.yaml, text: [A]}", "`text` of step `typeset`: a mapping is wanted, this is a list"),
    ("{layout: a.yaml, text: {headline: [A]}}", "`text.headline` of step `typeset`: a text is wanted, this is a list"),
    ("{layout: a.yaml, mirror: maybe}", "`mirror` of step `typeset`: true or false is wanted, this is a text"),
    ("{layout: a.yaml, txt: {}}", "unknown key `txt` in step `typeset`"),
    ("{layout: }", "`layout` of step `typeset`: a text is wanted, this is nothing"),
    ("", "step `typeset` needs `layout`"),
]


@pytest.mark.parametrize(("step", "what"), BAD_STEPS)
def test_a_mistake_of_the_step_is_told_when_it_is_read(step, what):
    assert [each[0] for each in told(CELL, step)] == [what]
