"""`sheet:`: what may be written, what it comes to, and where everything on it lies."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.axis import Axis
from imagebuild.core.document import parse_yaml
from imagebuild.core.scope import Scope
from imagebuild.core.steps.sheet import (
    SHEET_SCHEMA,
    Label,
    SheetCell,
    check_sheet_format,
    locale_label,
    parse_sheet,
    sheet_parameters,
    sheet_size,
)
from imagebuild.core.steps.sheet_frame import sheet_frame
from imagebuild.errors import PictureError, Place, Problems
from tests.core.reading import Texts


def parsed(text):
    problems = Problems()
    root = parse_yaml(f"sheet: {text}\n", file="campaign.yaml", problems=problems)
    axes = {name: Axis(name, (), Place("campaign.yaml")) for name in ("locale", "ratio")}
    scope = Scope(Texts(), problems, axes=axes, asset_names=("hero",))
    return parse_sheet(root.key("sheet"), root.get("sheet"), scope), problems.found


def options(**said):
    found, problems = parsed("{of: hero}")
    assert problems == []
    return {**found, **said}


def test_what_is_not_said_has_a_default():
    found, problems = parsed("{of: hero, rows: locale, columns: ratio, title: '{{ campaign }}'}")
    assert problems == []
    assert (found["of"].asset, found["title"].text) == ("hero", "{{ campaign }}")
    said = {name: value for name, value in found.items() if name not in ("of", "title")}
    assert said == {
        "rows": "locale", "columns": "ratio", "labels": True, "gap": 24, "background": "#ffffff", "cell": 320,
        "width": 2400, "pages": "one", "seconds": 1.5,
    }  # fmt: skip
    assert parsed("{of: hero, pages: paged}")[0]["cell"] == 1200
    assert parsed("{of: hero, columns: 5}")[0]["columns"] == 5


@pytest.mark.parametrize(
    ("written", "what", "hint"),
    [
        ("hero", "`sheet`: a mapping is wanted", "sheet: {of: hero"),
        ("{rows: locale}", "`sheet` needs `of`", "of: hero"),
        ("{of: heroo}", "no asset `heroo`", "did you mean `hero`?"),
        ("{of: hero, row: locale}", "unknown key `row` in `sheet`", "did you mean `rows`?"),
        ("{of: hero, rows: local, columns: ratio}", "`rows` of `sheet`: no axis `local`", "did you mean `locale`?"),
        ("{of: hero, rows: locale}", "`rows` of `sheet` needs an axis for `columns`", "columns: ratio"),
        ("{of: hero, rows: locale, columns: 4}", "`rows` of `sheet` needs an axis for `columns`", None),
        ("{of: hero, rows: ratio, columns: ratio}", "`rows` and `columns` of `sheet` are both `ratio`", None),
        ("{of: hero, columns: 0}", "`columns` of `sheet`: 0 is not between 1 and 100", None),
        ("{of: hero, labels: some}", "`labels` of `sheet`: true or false is wanted", None),
        ("{of: hero, gap: -1}", "`gap` of `sheet`: -1 is not between 0 and 400", None),
        ("{of: hero, cell: 9}", "`cell` of `sheet`: 9 is not between 32 and 4000", None),
        ("{of: hero, background: transparent}", "`background` of `sheet` is no opaque colour", "quoted"),
        ("{of: hero, pages: many}", "`many` is none of one, paged, animated", None),
        ("{of: hero, pages: paged, columns: 4}", "`columns` of `sheet` does not go with `pages: paged`", "one picture"),
        ("{of: hero, seconds: 2}", "`seconds` of `sheet` goes with `pages: animated`", None),
        ("{of: hero, pages: animated, seconds: 0}", "`seconds` of `sheet` will not do", "0.1 to 60"),
    ],
)
def test_each_mistake_is_told_with_a_place(written, what, hint):
    found, problems = parsed(written)
    assert found is None
    assert what in problems[0].what
    assert problems[0].at.line == 1
    if hint:
        assert hint in problems[0].hint


def test_the_schema_takes_what_the_parser_takes():
    schema = json.loads(json.dumps(SHEET_SCHEMA).replace("#/$defs/link", "#/definitions/link"))
    schema["definitions"] = {"link": {"type": "string"}}
    for good in ({"of": "hero"}, {"of": "hero", "rows": "locale", "columns": "ratio", "title": "{{ x }}", "gap": 0},
                 {"of": "hero", "pages": "animated", "seconds": 0.5, "background": "#000"}):  # fmt: skip
        jsonschema.validate(good, schema)
        assert parsed(json.dumps(good))[1] == []
    for bad in ({}, {"of": "hero", "pages": "many"}, {"of": "hero", "colums": 3}):
        assert list(jsonschema.Draft202012Validator(schema).iter_errors(bad))


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("de-DE", "Deutsch"),
        ("fr-FR", "Français"),
        ("zh-Hant-TW", "中文 (繁體)"),
        ("ja-JP", "日本語"),
        ("ar-EG", "العربية"),
    ],
)
def test_a_locale_is_called_by_its_own_name(tag, text):
    assert locale_label(tag) == Label(text, tag, tag)


def test_a_tag_that_nobody_knows_is_its_own_name():
    assert locale_label("xq-Latn") == Label("xq-Latn", "und")


LOCALES = ("de-DE", "ar-EG", "ja-JP")


def cells(rows=LOCALES, columns=("16:9", "1:1")):
    return [
        SheetCell(None, Label(f"{row} {column}", "und"), locale_label(row), Label(column, "und"))
        for row in rows
        for column in columns
    ]


def test_canonical_parameters_hold_what_is_drawn_and_nothing_else():
    found = sheet_parameters(options(rows="locale", columns="ratio"), " Spring ", "en", cells())
    assert json.loads(json.dumps(found)) == found
    assert [each["label"] for each in found["rows"]] == ["Deutsch", "العربية", "日本語"]
    assert [each["label"] for each in found["columns"]] == ["16:9", "1:1"]
    assert [(each["row"], each["column"]) for each in found["cells"]] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]
    assert (found["title"], found["wrap"]) == ("Spring", 0)
    assert not {"of", "seconds"} & found.keys()
    paged = sheet_parameters(options(pages="paged"), None, "en", cells())
    assert not {"rows", "columns", "width", "wrap", "seconds", "title"} & paged.keys()
    assert sheet_parameters(options(pages="animated", seconds=2.0), "", "en", cells())["seconds"] == 2.0


@pytest.mark.parametrize(
    ("pages", "good", "bad"),
    [("one", ("png", "jpeg", "webp", "avif", "gif", "pdf"), ()), ("paged", ("pdf",), ("png", "gif")),
     ("animated", ("webp", "gif"), ("png", "pdf", "avif"))],
)  # fmt: skip
def test_a_format_that_cannot_hold_the_pages_is_told(pages, good, bad):
    assert [check_sheet_format(options(pages=pages), form) for form in good] == [None] * len(good)
    for form in bad:
        assert f"`pages: {pages}` is written as " in check_sheet_format(options(pages=pages), form)


def frame_of(said, sizes, rows=LOCALES, columns=("16:9", "1:1"), title=None):
    found = cells(rows, columns)
    if not isinstance(said.get("columns"), str):  # one axis: each picture has its own name, and no row's
        found = [each._replace(row=None, column=None) for each in found]
    return sheet_frame(sheet_parameters(options(**said), title, "en", found), sizes)


def test_where_shapes_change_from_column_to_column_all_rows_are_equally_high():
    frame = frame_of({"rows": "locale", "columns": "ratio", "cell": 90}, [(1600, 900), (1000, 1000)] * 3)
    assert {area.height for area in frame.pictures} == {90}
    assert [area.width for area in frame.pictures] == [160, 90] * 3
    assert len({area.left for area in frame.pictures[::2]}) == len({area.left for area in frame.pictures[1::2]}) == 1


def test_where_shapes_change_from_row_to_row_all_columns_are_equally_wide():
    sizes = [(1600, 900)] * 3 + [(1000, 1000)] * 3
    turned = [SheetCell(each.picture, each.label, each.column, each.row) for each in cells()]
    turned.sort(key=lambda cell: cell.row)
    found = sheet_parameters(options(rows="ratio", columns="locale", cell=100), None, "en", turned)
    frame = sheet_frame(found, [(1000, 1000)] * 3 + sizes[:3])
    assert {area.width for area in frame.pictures} == {100}
    assert [area.height for area in frame.pictures] == [100] * 3 + [56] * 3


def test_columns_that_do_not_fit_go_on_below_with_the_rows_named_again():
    rows, columns = ("de-DE",), tuple(f"c{i}" for i in range(7))
    frame = frame_of(
        {"rows": "locale", "columns": "ratio", "cell": 200, "width": 1000}, [(400, 400)] * 7, rows, columns
    )
    assert frame.size[0] <= 1000
    tops = sorted({area.top for area in frame.pictures})
    assert [sum(area.top == top for area in frame.pictures) for top in tops] == [3, 3, 1]
    assert sum(words.text == "Deutsch" for words in frame.words) == 3


def test_one_axis_flows_in_rows_of_even_width():
    frame = frame_of(
        {"width": 1100, "cell": 200, "gap": 10}, [(600, 400)] * 14, tuple(f"r{i}" for i in range(14)), ("c",)
    )
    counts = [sum(area.top == top for area in frame.pictures) for top in sorted({a.top for a in frame.pictures})]
    assert counts == [3, 3, 3, 3, 2]
    assert len({area.width for area in frame.pictures}) == 1


def test_a_count_of_columns_is_kept():
    rows = tuple(f"r{i}" for i in range(5))
    frame = frame_of({"columns": 2, "cell": 100}, [(600, 400)] * 5, rows, ("c",))
    assert [sum(a.top == top for a in frame.pictures) for top in sorted({a.top for a in frame.pictures})] == [2, 2, 1]


def test_rows_of_different_shapes_end_on_one_line():
    sizes = [(1600, 900), (900, 900), (900, 1600), (1200, 900), (1600, 900), (900, 900), (1500, 900), (900, 1200)]
    rows = tuple(f"r{i}" for i in range(8))
    frame = frame_of({"width": 900, "cell": 180, "gap": 10}, sizes, rows, ("c",))
    ends = {}
    for area in frame.pictures:
        ends[area.top + area.height] = max(ends.get(area.top + area.height, 0), area.left + area.width)
    assert len(ends) == 3
    assert len(set(ends.values())) == 1


def test_pages_have_one_size_and_their_own_names():
    frame = frame_of({"pages": "paged", "cell": 500}, [(1000, 500), (400, 800)] * 3, title="Spring")
    assert [area[2:] for area in frame.pictures] == [(500, 250), (250, 500)] * 3
    assert [words[0].text for words in frame.page_words] == [each.label.text for each in cells()]
    assert [words.text for words in frame.words] == ["Spring"]


def test_without_labels_nothing_is_written_and_no_room_is_left_for_it():
    with_labels = frame_of({"rows": "locale", "columns": "ratio"}, [(400, 400)] * 6)
    without = frame_of({"rows": "locale", "columns": "ratio", "labels": False}, [(400, 400)] * 6)
    assert without.words == ()
    assert without.size < with_labels.size
    assert without.pictures[0].left == without.pictures[0].top


def test_a_sheet_that_no_file_can_hold_is_refused_before_anything_is_drawn():
    with pytest.raises(PictureError, match=r"a sheet of [0-9x]+ is over 16383 pixels long") as caught:
        frame_of({"columns": 1, "cell": 4000}, [(4000, 4000)] * 5, tuple("abcde"), ("c",))
    assert "smaller `cell`" in caught.value.hint


edge = st.integers(1, 2500)


@given(
    st.lists(st.tuples(edge, edge), min_size=1, max_size=30), st.sampled_from(["one", "paged"]), st.integers(0, 60),
    st.booleans(), st.sampled_from([None, 3]),
)  # fmt: skip
def test_pictures_keep_their_shape_are_never_enlarged_and_never_touch(sizes, pages, gap, labels, wrap):
    rows = tuple(f"r{i}" for i in range(len(sizes)))
    said = {"pages": pages, "gap": gap, "labels": labels, "cell": 160, "width": 1200, "columns": wrap}
    frame = frame_of(said, sizes, rows, ("c",), title="A title")
    for area, (width, height) in zip(frame.pictures, sizes, strict=True):
        assert 1 <= area.width <= width
        assert 1 <= area.height <= height
        scale = area.width / width if width >= height else area.height / height
        rounded = 1.5 + (len(sizes) / 2 if pages == "one" else 0)  # what a row ends short of is one picture's
        assert abs(area.width - max(width * scale, 1)) <= rounded
        assert abs(area.height - max(height * scale, 1)) <= rounded
        assert area.left >= 0
        assert area.left + area.width <= frame.size[0]
        assert area.top + area.height <= frame.size[1]
    if pages == "one":
        for index, one in enumerate(frame.pictures):
            for two in frame.pictures[:index]:
                apart_across = two.left + two.width + gap <= one.left or one.left + one.width + gap <= two.left
                apart_down = two.top + two.height + gap <= one.top or one.top + one.height + gap <= two.top
                assert apart_across or apart_down


def test_the_size_is_that_of_the_frame():
    found = sheet_parameters(options(), "Title", "en", cells())
    assert sheet_size(found, [(400, 300)] * 6) == sheet_frame(found, [(400, 300)] * 6).size
