"""Layout files: what is usual need not be said, and every mistake is told at once, with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.layouts.canonical import Area, Button, Scrim
from imagebuild.core.layouts.parser import AREA_KEYS, GROUP_KEYS, LAYOUT_KEYS, SHAPE_KEYS, parse_layout
from imagebuild.core.layouts.roles import TEXT_KEYS
from imagebuild.core.layouts.spec import BUILT_IN_ROLES, SHAPES, PictureSpec, RuleSpec, built_in_shape
from imagebuild.errors import Problems
from tests.core.laid import layout_mistakes, layout_of

SHAPE = "shapes: {square: {groups: [{items: [headline]}]}}\n"


def shape_of(text, roles="{}"):
    """The one shape, whose own words are `text`."""
    (shape,) = layout_of(f"roles: {roles}\nshapes: {{square: {text}}}").shapes
    return shape


def item_of(item, roles="{}", more=""):
    (group,) = shape_of(f"{{{more}groups: [{{items: [{item}]}}]}}", roles).groups
    return group.items[0]


def test_a_layout_may_be_three_lines():
    layout = layout_of(SHAPE)
    (group,) = layout.shapes[0].groups
    assert (layout.mirror, layout.nearest, layout.fonts, layout.roles) == (True, False, {}, ("headline",))
    assert (group.box, group.frame, group.valign, group.scrim) == ((0.06, 0.06, 0.88, 0.88), "safe", "top", Scrim())


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_a_built_in_role_is_complete(role):
    item = item_of(role)
    assert (item.role, item.sizes, item.lines) == (role, BUILT_IN_ROLES[role]["size"], BUILT_IN_ROLES[role]["lines"])
    assert (item.button is not None) == (role == "cta")


def test_another_role_begins_as_body():
    kicker, body = item_of("kicker", "{kicker: {weight: 600}}"), item_of("body")
    assert kicker._replace(role="body", weight=400, place=body.place) == body


def test_an_item_goes_before_its_shape_and_that_before_the_layout():
    roles = "{headline: {size: 0.1, weight: 600, lines: 2, align: end}}"
    item = item_of("{role: headline, lines: 4}", roles, "roles: {headline: {lines: 3, weight: 500}}, ")
    assert (item.lines, item.weight, item.sizes, item.align) == (4, 500, (0.1, 0.1), "end")


def test_sizes_that_a_shape_or_an_item_says_are_taken_as_they_are():
    said_by_shape = item_of("headline", more="roles: {headline: {size: 0.3}}, ")
    assert (said_by_shape.sizes, said_by_shape.scaled) == ((0.3, 0.3), False)
    assert not item_of("{role: headline, size: 0.3}").scaled
    assert item_of("{role: headline, lines: 1}").scaled


BUTTONS = [
    ("true", Button("#ffffff", (1.1, 0.6), 0.5)),
    ('"#F63"', Button("#ff6633", (1.1, 0.6), 0.5)),
    ("{radius: 0}", Button("#ffffff", (1.1, 0.6), 0.0)),
    ('{fill: "#ff666380", padding: 0.5, radius: 2}', Button("#ff666380", (0.5, 0.5), 2.0)),
    ("false", None),
]


@pytest.mark.parametrize(("written", "button"), BUTTONS)
def test_a_button_is_yes_or_no_a_fill_or_a_mapping(written, button):
    assert item_of("cta", f"{{cta: {{button: {written}}}}}").button == button


def test_a_button_is_laid_over_another_field_by_field():
    item = item_of("{role: cta, button: {radius: 1}}", '{cta: {button: "#ff6663"}}')
    assert item.button == Button("#ff6663", (1.1, 0.6), 1.0)


SCRIMS = [
    ("true", Scrim()),
    ("false", None),
    ('"#0B3954"', Scrim("#0b3954")),
    ("{most: 0.5}", Scrim(None, 0.5)),
    ('{color: "#000", most: 1}', Scrim("#000000", 1.0)),
]


@pytest.mark.parametrize(("written", "scrim"), SCRIMS)
def test_a_scrim_is_yes_or_no_a_colour_or_a_mapping(written, scrim):
    assert shape_of(f"{{groups: [{{scrim: {written}, items: [body]}}]}}").groups[0].scrim == scrim


def test_a_group_says_how_its_items_are_aligned_unless_they_say_it():
    shape = shape_of("{groups: [{align: center, items: [headline, {role: body, align: end}, {rule: }]}]}")
    assert [item.align for item in shape.groups[0].items] == ["center", "end", "center"]


def test_a_role_with_a_picture_is_a_picture():
    item = item_of("logo", '{logo: {picture: "brand/{{ locale }}.png"}}', "roles: {logo: {height: 0.2}}, ")
    assert isinstance(item, PictureSpec)
    assert (item.picture.text, item.height, item.scaled, item.align) == ("brand/{{ locale }}.png", 0.2, False, "start")
    assert item_of("logo", "{logo: {picture: a.webp}}").height == 0.09


@pytest.mark.parametrize("written", ["{rule: true}", "{rule: {}}", "{rule: }"])
def test_a_line_needs_no_words(written):
    assert item_of(written) == RuleSpec(length=0.2, thickness=0.004, scaled=True, color="#ffffff", align="start")


def test_an_area_covers_the_picture_unless_it_says_a_box():
    shape = shape_of(
        '{areas: [{color: "#000"}, {box: [0.5, 0, 0.5, 1], color: "#0008", to: transparent, toward: top}]}'
    )
    assert shape.areas == (
        Area((0.0, 0.0, 1.0, 1.0), "picture", "#000000", None, "end", 0.0),
        Area((0.5, 0.0, 0.5, 1.0), "picture", "#00000088", "transparent", "top", 0.0),
    )


def test_fonts_are_a_file_or_several_and_narrowed_to_scripts():
    fonts = layout_of(
        "fonts: {a: x.ttf, b: [x.OTF, {file: '{{ locale }}.ttf', scripts: [Hebr, Arab]},"
        " {file: z.ttf, scripts: Jpan}]}\n" + SHAPE
    ).fonts
    assert [(font.path.text, font.scripts) for font in (*fonts["a"], *fonts["b"])] == [
        ("x.ttf", ()), ("x.OTF", ()), ("{{ locale }}.ttf", ("Arab", "Hebr")), ("z.ttf", ("Jpan",)),
    ]  # fmt: skip


BUILT_IN = [
    ((728, 90), "banner"), ((970, 250), "banner"), ((260, 100), "landscape"), ((1200, 630), "landscape"),
    ((300, 250), "landscape"), ((115, 100), "square"), ((1080, 1080), "square"), ((100, 115), "square"),
    ((1080, 1350), "portrait"), ((1080, 1920), "portrait"), ((300, 600), "portrait"), ((100, 260), "portrait"),
    ((160, 600), "tower"),
]  # fmt: skip


@pytest.mark.parametrize(("size", "name"), BUILT_IN)
def test_every_picture_has_one_built_in_shape(size, name):
    assert built_in_shape(size) == name


@given(st.integers(1, 16_383), st.integers(1, 16_383))
def test_a_turned_picture_has_the_turned_shape(width, height):
    turned = {
        "tower": "banner",
        "portrait": "landscape",
        "square": "square",
        "landscape": "portrait",
        "banner": "tower",
    }
    assert turned[built_in_shape((width, height))] == built_in_shape((height, width))


SCALES = [((728, 90), 3.52), ((970, 250), 1.69), ((160, 600), 1.63), ((1200, 630), 1.0), ((1080, 1920), 1.0)]


@pytest.mark.parametrize(("size", "scale"), SCALES)
def test_roles_are_larger_where_the_shorter_edge_is_little(size, scale):
    shape = shape_of("{groups: [{items: [body]}]}")
    assert shape.scale_for(size) == scale
    assert shape._replace(scale=0.5).scale_for(size) == 0.5


MANY = """
shapes:
  landscape: {groups: [{items: [body]}]}
  wide: {for: [1.9:1, 3:1], groups: [{items: [body]}]}
  classic: {for: 4:3, groups: [{items: [body]}]}
  exact: {for: [728x90, 2000x1000], groups: [{items: [body]}]}
  tall: {for: [portrait, tower], groups: [{items: [body]}]}
"""
CHOSEN = [
    ((2000, 1000), "exact"), ((2000, 1001), "wide"), ((728, 90), "exact"), ((1200, 630), "wide"), ((1199, 631), "wide"),
    ((1600, 900), "landscape"), ((1600, 1195), "classic"), ((800, 600), "classic"), ((300, 250), "landscape"),
    ((3000, 1000), "wide"), ((1080, 1920), "tall"), ((160, 600), "tall"), ((1000, 1000), None), ((729, 90), None),
]  # fmt: skip


@pytest.mark.parametrize(("size", "name"), CHOSEN)
def test_exact_sizes_are_tried_first_then_ratios_then_built_in_shapes(size, name):
    shape = layout_of(MANY).shape_for(size)
    assert (shape and shape.name) == name


@pytest.mark.parametrize(
    ("size", "name"), [((1100, 1000), "landscape"), ((1000, 1100), "tall"), ((729, 90), "wide"), ((728, 90), "exact")]
)
def test_the_nearest_is_taken_only_where_the_layout_says_so(size, name):
    shape = layout_of("nearest: true\n" + MANY).shape_for(size)
    assert shape is not None
    assert shape.name == name


def test_a_layout_of_exact_sizes_alone_has_no_nearest():
    only = layout_of("nearest: true\nshapes: {a: {for: 728x90, groups: [{items: [body]}]}}")
    assert only.shape_for((729, 90)) is None


FOR = "built-in shapes (" + ", ".join(SHAPES) + "), a ratio or two to lie between (`[1.2:1, 2:1]`), or sizes (`728x90`)"
COLOR = 'a colour is `"#ff6663"`, quoted, since YAML takes ` #` for a comment'
EDGE = "lengths are shares of the picture's shorter edge, e.g. `0.05`"
GROUP = "group 1 of shape `square`"
MISTAKES = [
    ("fnts: {}\n" + SHAPE, "unknown key `fnts` in the layout", "fnts", "did you mean `fonts`?"),
    ("shaps: {}", "unknown key `shaps` in the layout", "shaps", "did you mean `shapes`?"),
    ("nearest: 1\n" + SHAPE, "the layout: `nearest`: true or false is wanted, this is the number `1`", "1",
     "write `true` or `false`"),
    ("mirror: 'no'\n" + SHAPE, "the layout: `mirror`: true or false is wanted, this is a text", "'no'",
     "write `true` or `false`"),
    ("fonts: {a: /etc/x.ttf}\n" + SHAPE, "font `a`: `/etc/x.ttf` is an absolute path", "/etc/x.ttf",
     "paths start at the campaign's folder, so that it builds on any machine"),
    ("fonts: {a: x.woff2}\n" + SHAPE, "font `a`: `x.woff2` will not do", "x.woff2", "its ending is .ttf or .otf"),
    ("fonts: {a: []}\n" + SHAPE, "font `a` has no file", "a", "`a: brand/Font.ttf`"),
    ("fonts: {a: {scripts: [Arab]}}\n" + SHAPE, "font `a` has no `file`", "{",
     "`{file: brand/Arabic.ttf, scripts: [Arab]}`"),
    ("fonts: {a: {file: x.ttf, scripts: arabic}}\n" + SHAPE, "font `a`: `scripts`: no script `arabic`", "arabic",
     "ISO 15924 has four letters: `Latn`, `Arab`, `Deva`, `Hans`, `Jpan`"),
    ("fonts: {a: {file: x.ttf, scripts: Arba}}\n" + SHAPE, "font `a`: `scripts`: no script `Arba`", "Arba",
     "did you mean `Arab`?"),
    ("roles: {a: {font: brnd}}\nfonts: {brand: x.ttf}\n" + SHAPE, "role `a`: `font`: no font `brnd`", "brnd",
     "did you mean `brand`?"),
    ("roles: {a: {font: brand}}\n" + SHAPE, "role `a`: `font`: no font `brand`", "brand",
     "name it under `fonts`: `brand: brand/Font.ttf`; without `font` the built-in fonts are used"),
    ("roles: {a: {weight: bold}}\n" + SHAPE, "role `a`: `weight`: `bold` will not do", "bold",
     "400 is regular, 700 bold; from 1 to 1000"),
    ("roles: {a: {size: [0.12, 0.05]}}\n" + SHAPE, "role `a`: `size`: the least size is above the greatest", "[",
     "write `[0.05, 0.12]`"),
    ("roles: {a: {size: 48}}\n" + SHAPE, "role `a`: `size`: `48` will not do", "48",
     "a size is `0.05`, or from least to greatest `[0.03, 0.05]`, of the shorter edge"),
    ("roles: {a: {size: [0.1, .nan]}}\n" + SHAPE, "role `a`: `size`: `[0.1, nan]` will not do", "[",
     "a size is `0.05`, or from least to greatest `[0.03, 0.05]`, of the shorter edge"),
    ("roles: {a: {lines: 0}}\n" + SHAPE, "role `a`: `lines`: `0` will not do", "0",
     "at most how many lines it takes, from 1 to 100"),
    ("roles: {a: {contrast: 0.5}}\n" + SHAPE, "role `a`: `contrast`: `0.5` will not do", "0.5",
     "contrast is a ratio from 1 to 21; WCAG's AA is 4.5, for large text 3"),
    ("roles: {a: {leading: 9}}\n" + SHAPE, "role `a`: `leading`: `9` will not do", "9",
     "leading is 0.5 to 3 times what the script needs; 1 is usual"),
    ("roles: {a: {align: left}}\n" + SHAPE, "role `a`: `align`: `left` is none of start, center, end", "left",
     "did you mean `start`?"),
    ("roles: {a: {color: white}}\n" + SHAPE, "role `a`: `color`: `white` will not do", "white", COLOR),
    ("roles: {a: {color: ['#fff', '#ffffff80']}}\n" + SHAPE, "role `a`: `color`: `#ffffff80` will not do",
     "'#ffffff80'", 'an opaque colour is wanted here, e.g. `"#ffffff"`'),
    ("roles:\n  a:\n    color: #ffffff\n" + SHAPE, "role `a`: `color` has no value", " ", COLOR),
    ("roles: {a: {button: {fil: a}}}\n" + SHAPE, "unknown key `fil` in `button` of role `a`", "fil",
     "did you mean `fill`?"),
    ("roles: {a: {button: {padding: -1}}}\n" + SHAPE, "`button` of role `a`: `padding`: `-1` will not do", "-1",
     "padding is `[across, down]`, in ems of the words, e.g. `[1.1, 0.6]`"),
    ("roles: {a: {button: red}}\n" + SHAPE, "role `a`: `button`: `red` will not do", "red", COLOR),
    ("roles: {a: {optional: 'yes'}}\n" + SHAPE, "role `a`: `optional`: true or false is wanted, this is a text",
     "'yes'", "write `true` or `false`"),
    ("roles: {rule: {}}\n" + SHAPE, "`roles`: `rule` is no role", "rule",
     "a line between items is `{rule: {length: 0.2}}` among a group's `items`"),
    ("roles: {a: {picture: a.svg}}\n" + SHAPE, "role `a`: `picture`: `a.svg` will not do", "a.svg",
     "its ending is .png or .jpg or .jpeg or .webp"),
    ("roles: {a: {picture: a.png, height: 90}}\n" + SHAPE, "role `a`: `height`: `90` will not do", "90", EDGE),
    ("roles: {a: {picture: a.png, weight: 700}}\n" + SHAPE, "unknown key `weight` in role `a`", "weight",
     "did you mean `height`?"),
    ("roles: {a: 5}\n" + SHAPE, "role `a`: a mapping is wanted, this is the number `5`", "5",
     "indented lines of `key: value`, or `{key: value}`"),
    ("roles: {}", "the layout has no `shapes`", "l",
     "e.g. `shapes: {landscape: {groups: [{box: [0.06, 0.1, 0.44, 0.8], items: [headline]}]}}`"),
    ("shapes: {}", "`shapes` is empty", "{", "built-in ones are tower, portrait, square, landscape, banner"),
    ("shapes: {squre: {groups: [{items: [body]}]}}", "shape `squre` does not say what it is `for`", "squre",
     "did you mean `square`?"),
    ("shapes: {mine: {groups: [{items: [body]}]}}", "shape `mine` does not say what it is `for`", "mine",
     f"`for`: {FOR}"),
    ("shapes: {mine: {for: oblong, groups: [{items: [body]}]}}", "shape `mine`: `for`: `oblong` will not do", "oblong",
     FOR),
    ("shapes: {mine: {for: [1:1, 728x90], groups: [{items: [body]}]}}",
     "shape `mine`: `for`: one kind of these is wanted", "[", FOR),
    ("shapes: {mine: {for: [1:1, 2:1, 3:1], groups: [{items: [body]}]}}",
     "shape `mine`: `for`: one kind of these is wanted", "[", FOR),
    ("shapes: {mine: {for: [], groups: [{items: [body]}]}}", "shape `mine`: `for`: one kind of these is wanted", "[",
     FOR),
    ("shapes: {square: {groups: []}}", "shape `square` has neither `groups` nor `areas`", "square",
     "`groups: [{box: [0.06, 0.1, 0.44, 0.8], items: [headline]}]`"),
    ("shapes: {square: {scale: 0, groups: [{items: [body]}]}}", "shape `square`: `scale`: `0` will not do", "0",
     "what the roles' sizes are multiplied by, e.g. `3`"),
    ("shapes: {square: {roles: {boddy: {size: 0.1}}, groups: [{items: [body]}]}}", "no role `boddy`", "boddy",
     "did you mean `body`?"),
    ("shapes: {square: {roles: {body: {size: 2}}, groups: [{items: [body]}]}}",
     "role `body` in shape `square`: `size`: `2` will not do", "2",
     "a size is `0.05`, or from least to greatest `[0.03, 0.05]`, of the shorter edge"),
    ("shapes: {square: {groups: [{items: [kicker]}]}}", "no role `kicker`", "kicker",
     "name it under `roles`: `kicker: {size: [0.03, 0.05]}`"),
    ("shapes: {square: {groups: [{items: [rule]}]}}", "no role `rule`", "rule",
     "a line between items is `{rule: {length: 0.2}}`"),
    ("shapes: {square: {groups: [{items: [{size: 1}]}]}}", f"item 1 of {GROUP} has neither `role` nor `rule`", "{",
     "name a role, `{role: headline, size: [0.05, 0.1]}`; or a line, `{rule: {length: 0.2}}`"),
    ("shapes: {square: {groups: [{items: [{rule: {thick: 1}}]}]}}", f"unknown key `thick` in the `rule` of item 1 of "
     f"{GROUP}", "thick", "did you mean `thickness`?"),
    ("shapes: {square: {groups: [{items: [headline, {role: body, siez: 1}]}]}}",
     f"unknown key `siez` in item 2 of {GROUP}", "siez", "did you mean `size`?"),
    ("shapes: {square: {groups: [{items: [body]}, {items: [body]}]}}", "role `body` stands twice in shape `square`",
     "body", "each text is shown once; a second needs a role of its own"),
    ("shapes: {square: {groups: [{items: []}]}}", f"{GROUP} has no `items`", "{",
     "e.g. `items: [headline, body, cta]`"),
    ("shapes: {square: {groups: [{items: body}]}}", f"{GROUP}: `items`: a list is wanted, this is a text", "body",
     "write it as `- item` lines, or `[a, b]`"),
    ("shapes: {square: {groups: [{box: [1, 2, 3], items: [body]}]}}", f"{GROUP}: `box`: `[1, 2, 3]` will not do", "[",
     "a box is `[x, y, width, height]`, shares from 0 to 1 of its frame"),
    ("shapes: {square: {groups: [{box: [0.5, 0, 0.6, 1], items: [body]}]}}",
     f"{GROUP}: `box`: `[0.5, 0, 0.6, 1]` will not do", "[",
     "it leaves its frame: x + width and y + height are at most 1"),
    ("shapes: {square: {groups: [{valign: center, items: [body]}]}}",
     f"{GROUP}: `valign`: `center` is none of top, middle, bottom", "center", "did you mean `middle`?"),
    ("shapes: {square: {groups: [{frame: page, items: [body]}]}}", f"{GROUP}: `frame`: `page` is none of safe, picture",
     "page", None),
    ("shapes: {square: {groups: [{gap: -1, items: [body]}]}}", f"{GROUP}: `gap`: `-1` will not do", "-1", EDGE),
    ("shapes: {square: {groups: [{scrim: {most: 2}, items: [body]}]}}", f"`scrim` of {GROUP}: `most`: `2` will not do",
     "2", "how strong it may be, from above 0 to 1"),
    ("shapes: {square: {areas: [{to: '#fff'}]}}", "area 1 of shape `square` has no `color`", "{",
     '`{color: "#0b3954d0", to: transparent, toward: end}`'),
    ("shapes: {square: {areas: [{color: '#fff', toward: end}]}}",
     "area 1 of shape `square`: `toward`: it goes with `to`", "end", "`to` says what the colour passes over to"),
    ("shapes: {square: {areas: [{color: '#fff', to: '#000', toward: right}]}}",
     "area 1 of shape `square`: `toward`: `right` is none of start, end, top, bottom", "right", "did you mean `end`?"),
    (SHAPE.replace("}}\n", "}, a: {for: square, groups: [{items: [body]}]}}"),
     "shape `a` is never used for square: shape `square` is first", "a",
     "put the narrower one first, or change its `for`"),
    ("shapes: {a: {for: [1:1, 2:1], groups: [{items: [body]}]}, b: {for: 3:2, groups: [{items: [body]}]}}",
     "shape `b` is never used for its ratios: shape `a` is first", "b",
     "put the narrower one first, or change its `for`"),
    ("shapes: {a: {for: 728x90, groups: [{items: [body]}]}, b: {for: [1x1, 728 x 90], groups: [{items: [body]}]}}",
     "shape `b` is never used for 728x90: shape `a` is first", "b", "put the narrower one first, or change its `for`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what", "part", "hint"), MISTAKES, ids=[each[1] for each in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_what_to_write(text, what, part, hint):
    assert layout_mistakes(text) == [(what, part, hint)]


FORMATS = [
    (SHAPE, "the layout does not say its format", "begin with `layout: 1`"),
    ("layout: 2\n" + SHAPE, "`layout`: this imagebuild reads format 1", "write `layout: 1`"),
    ("layout: true\n" + SHAPE, "`layout`: this imagebuild reads format 1", "write `layout: 1`"),
    ("", "the layout is empty", "it begins with `layout: 1`"),
    ("- a", "a layout: a mapping is wanted, this is a list", "indented lines of `key: value`, or `{key: value}`"),
]


@pytest.mark.parametrize(("text", "what", "hint"), FORMATS)
def test_a_layout_says_its_format(text, what, hint):
    assert [(each[0], each[2]) for each in layout_mistakes(text, head="")] == [(what, hint)]


def test_all_mistakes_are_told_at_once_in_reading_order():
    text = "roles: {headline: {size: 2, lines: 0}}\nshapes: {square: {groups: [{items: [headlin, body], gap: x}]}}"
    assert [part for _, part, _ in layout_mistakes(text)] == ["2", "0", "headlin", "x"]


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["body", "#fff", "a.png", "1:1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*LAYOUT_KEYS, *SHAPE_KEYS, *GROUP_KEYS, *AREA_KEYS, *TEXT_KEYS, "role", "rule", "square"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(["layout", "fonts", "roles", "shapes", "mirror"]), SCRAPS))
def test_whatever_a_layout_holds_it_is_read_or_its_mistakes_are_told(content):
    problems = Problems()
    layout = parse_layout(_yaml(content), file="a.yaml", problems=problems)
    assert (layout is None) == bool(problems)


def _yaml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"'{name}': {_yaml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, str):
        return f"'{value}'"
    return {None: "null", True: "true", False: "false"}.get(value, repr(value).replace("inf", ".inf"))
