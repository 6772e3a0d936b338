"""The `steps:` list: canonical parameters, sizes known in advance, and every mistake with its place."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.framing import ANCHORS, anchor_point, contain_size, cover_box, crop_box
from imagebuild.core.scope import Scope
from imagebuild.core.steps.encode import default_encode, format_of_path, output_format, with_encode
from imagebuild.core.steps.fit import implied_fit
from imagebuild.core.steps.kind import StepKind
from imagebuild.core.steps.registry import STEPS, parse_steps, resolved, result_size, step_schema
from imagebuild.errors import PictureError, Problems, SpecErrors
from tests.core.reading import Texts


def read(text, kinds=STEPS):
    problems = Problems()
    node = parse_yaml(text, file="campaign.yaml", problems=problems)
    steps = parse_steps(node, Scope(Texts(), problems), kinds)
    problems.check()
    return steps


def parameters(text):
    (step,) = read(f"[{text}]")
    return step.parameters


def mistakes(text, kinds=STEPS):
    with pytest.raises(SpecErrors) as caught:
        read(text, kinds)
    return caught.value.problems


CANONICAL = [
    ("fit: {cover: [1600, 900]}", {"cover": [1600, 900], "anchor": "center"}),
    ("fit: {cover: 1600x900, anchor: top-left}", {"cover": [1600, 900], "anchor": "top-left"}),
    ("fit: {cover: 1600×900, anchor: [0.3, 0.25]}", {"cover": [1600, 900], "anchor": [0.3, 0.25]}),
    ("fit: {contain: [8, 9]}", {"contain": [8, 9], "anchor": "center", "background": "transparent"}),
    ("fit: {contain: [8, 9], background: '#ABC'}", {"contain": [8, 9], "anchor": "center", "background": "#aabbcc"}),
    ("fit: {exact: [8, 9]}", {"exact": [8, 9]}),
    ("crop: {box: [1, 2, 3, 4]}", {"box": [1, 2, 3, 4], "unit": "pixels"}),
    ("crop: {box: [0, 0, 1, 1]}", {"box": [0, 0, 1, 1], "unit": "pixels"}),
    ("crop: {box: [0, 0, 1, 0.5]}", {"box": [0.0, 0.0, 1.0, 0.5], "unit": "relative"}),
    ("crop: {box: [0, 0, 1, 1], unit: relative}", {"box": [0.0, 0.0, 1.0, 1.0], "unit": "relative"}),
    ("crop: {ratio: 32:18, anchor: left}", {"ratio": "16:9", "anchor": "left"}),
    ("crop: {size: [8, 9]}", {"size": [8, 9], "anchor": "center"}),
    ("encode: {format: png}", {"format": "png"}),
    ("encode: {format: jpeg}", {"format": "jpeg", "quality": 85, "background": "#ffffff"}),
    ("encode: {format: webp}", {"format": "webp", "quality": 80, "lossless": False}),
    ("encode: {format: webp, lossless: true}", {"format": "webp", "lossless": True}),
    ("encode: {format: avif, quality: 1, max_bytes: 1 MiB}", {"format": "avif", "quality": 1, "max_bytes": 1_048_576}),
    ("encode: {format: png, background: '#FF0000FF'}", {"format": "png", "background": "#ff0000"}),
    ("encode: {format: png, colors: 64, max_bytes: 50kB}", {"format": "png", "colors": 64, "max_bytes": 50_000}),
    ("encode: {format: gif}", {"format": "gif", "colors": 256, "background": "#ffffff"}),
    ("encode: {format: pdf}", {"format": "pdf", "quality": 90, "background": "#ffffff"}),
    ("encode: {format: png, profile: srgb}", {"format": "png", "profile": "srgb"}),
    ("encode: {format: png, profile: none, metadata: strip}", {"format": "png"}),
    ("encode: {format: png, metadata: keep}", {"format": "png", "metadata": {"keep": True}}),
    ("encode: {format: png, metadata: {keep: false}}", {"format": "png"}),
    ("sharpen: {}", {"amount": 0.5, "radius": 0.8, "threshold": 2}),
    ("sharpen: {amount: 1, threshold: 0}", {"amount": 1.0, "radius": 0.8, "threshold": 0}),
]


@pytest.mark.parametrize(("written", "canonical"), CANONICAL, ids=[written for written, _ in CANONICAL])
def test_defaults_are_filled_in_and_spellings_are_brought_to_one(written, canonical):
    assert parameters(written) == canonical


@pytest.mark.parametrize(("written", "canonical"), CANONICAL, ids=[written for written, _ in CANONICAL])
def test_canonical_parameters_may_be_written_as_they_are(written, canonical):
    name = written.partition(":")[0]
    again = parameters(f"{name}: {json.dumps(canonical)}")
    assert json.dumps(again) == json.dumps(canonical)


@pytest.mark.parametrize(("written", "canonical"), CANONICAL, ids=[written for written, _ in CANONICAL])
def test_the_schema_accepts_what_the_parser_accepts(written, canonical):
    name = written.partition(":")[0]
    problems = Problems()
    element = plain(parse_yaml(f"{{{written}}}", file="x", problems=problems))
    jsonschema.validate(element, step_schema())
    jsonschema.validate({name: canonical}, step_schema())


@pytest.mark.parametrize(
    "element",
    [
        {"fti": {}},
        {"fit": {}},
        {"fit": {"cover": [8, 9], "exact": [8, 9]}},
        {"fit": {"cover": [8, 9], "ancor": "top"}},
        {"fit": {"cover": [8, 9, 10]}},
        {"crop": {"box": [0, 0, 1]}},
        {"encode": {"quality": 80}},
        {"encode": {"format": "webp", "max_bytes": "300 bytes"}},
        {"encode": {"format": "png"}, "fit": {"cover": [8, 9]}},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(element):
    assert list(jsonschema.Draft202012Validator(step_schema()).iter_errors(element))
    assert mistakes(json.dumps([element]))


def test_a_named_focal_point_is_the_same_as_its_name():
    for name, (x, y) in ANCHORS.items():
        assert parameters(f"fit: {{cover: [8, 9], anchor: [{x}, {y}]}}")["anchor"] == name
        assert parameters(f"fit: {{cover: [8, 9], anchor: {name}}}")["anchor"] == name
    assert parameters("fit: {cover: [8, 9], anchor: [0, 1]}")["anchor"] == "bottom-left"


@pytest.mark.parametrize(
    ("written", "count"),
    [("300kB", 300_000), ("300 kB", 300_000), ("0.3 MB", 300_000), ("1 KiB", 1024), ("300000", 300_000), ("12 B", 12)],
)
def test_bytes_are_read_in_decimal_and_binary_units(written, count):
    assert parameters(f"encode: {{format: webp, max_bytes: {written}}}")["max_bytes"] == count


MISTAKES = [
    ("[fti: {cover: [8, 9]}]", "unknown step `fti`", "did you mean `fit`?"),
    ("[fit: {cover: [8, 9], ancor: top}]", "unknown key `ancor` in step `fit`", "did you mean `anchor`?"),
    ("[fit: {cover: [8, 9], anchor: topp}]", "`topp` is none of", "did you mean `top`?"),
    ("[fit]", "step `fit` needs one of `cover`, `contain`, `exact`", None),
    ("[{fit: }]", "step `fit` needs one of", None),
    ("[fit: {cover: [8, 9], exact: [8, 9]}]", "one of `cover`, `contain`, `exact` is wanted, not 2", None),
    ("[fit: {cover: [8, 9], background: '#fff'}]", "`background` does not go with `cover`", "leaves nothing to pad"),
    ("[fit: {exact: [8, 9], anchor: top}]", "`anchor` does not go with `exact`", None),
    ("[fit: {cover: [8]}]", "`cover` of step `fit`", "a size is"),
    ("[fit: {cover: [8, 0]}]", "`cover` of step `fit`", "a size is"),
    ("[fit: {cover: [8, 9.5]}]", "`cover` of step `fit`", "a size is"),
    ("[fit: {cover: [8, 20000]}]", "`cover` of step `fit`", "16383"),
    ("[fit: {cover: [8, 9], anchor: [0.5, 1.5]}]", "`anchor` of step `fit`", "from 0 to 1"),
    ("[fit: {contain: [8, 9], background: red}]", "`background` of step `fit`: `red` will not do", "quoted"),
    ("[fit: [8, 9]]", "step `fit`: a mapping is wanted", None),
    ("[crop: {box: [0, 0, 0, 4]}]", "`box` of step `crop`", "above 0"),
    ("[crop: {box: [0, 0, 4]}]", "`box` of step `crop`", "[x, y, width, height]"),
    ("[crop: {box: [0, 0, 0.5, 40]}]", "`box` of step `crop`", "whole numbers"),
    ("[crop: {box: [0.6, 0, 0.5, 0.5]}]", "`box` of step `crop`", "leaves the picture"),
    ("[crop: {box: [0, 0, 4, 4], anchor: top}]", "`anchor` does not go with `box`", None),
    ("[crop: {ratio: wide}]", "`ratio` of step `crop`: `wide` will not do", "16:9"),
    ("[encode: {quality: 80}]", "step `encode` needs `format`", "png, jpeg, webp, avif, gif, pdf"),
    ("[encode: {format: gif, quality: 80}]", "gif has no quality", "choose jpeg"),
    ("[encode: {format: jpeg, colors: 64}]", "jpeg is written with all colours", "png and gif"),
    ("[encode: {format: png, colors: 1}]", "`colors` of step `encode`: 1 is not between 2 and 256", None),
    ("[encode: {format: gif, profile: srgb}]", "a gif carries no colour profile", "remove `profile`"),
    ("[encode: {format: png, profile: cmyk}]", "`cmyk` is none of srgb, none", None),
    ("[encode: {format: gif, metadata: keep}]", "a gif carries no metadata", "another format"),
    ("[encode: {format: png, metadata: kept}]", "`kept` is none of strip, keep", "did you mean `keep`?"),
    ("[encode: {format: png, metadata: {titel: x}}]", "unknown key `titel` in `metadata`", "did you mean `title`?"),
    (
        "[encode: {format: png, metadata: {title: 5}}]",
        "`metadata.title` of step `encode`: a text is wanted",
        "quote it",
    ),
    ("[encode: {format: png, metadata: {keep: 1}}]", "`metadata.keep` of step `encode`: true or false", None),
    ("[sharpen: {amount: 4}]", "`amount` of step `sharpen`: `4` will not do", "from 0.05 to 3"),
    ("[sharpen: {radius: much}]", "`radius` of step `sharpen`: `much` will not do", "from 0.3 to 10"),
    ("[sharpen: {threshold: 1.5}]", "`threshold` of step `sharpen`: a whole number", None),
    ("[sharpen: {strength: 1}]", "unknown key `strength` in step `sharpen`", None),
    ("[put_back: {}]", "unknown step `put_back`", None),
    ("[encode: {format: jpg}]", "`jpg` is none of", "did you mean `jpeg`?"),
    ("[encode: {format: png, quality: 80}]", "png has no quality", "choose jpeg"),
    ("[encode: {format: webp, lossless: true, quality: 80}]", "a lossless picture has no quality", None),
    ("[encode: {format: jpeg, lossless: true}]", "jpeg is written without `lossless`", None),
    ("[encode: {format: jpeg, quality: 101}]", "101 is not between 1 and 100", None),
    ("[encode: {format: jpeg, background: transparent}]", "`background` of step `encode`", "opaque"),
    ("[{encode: {format: png}, fit: {cover: [8, 9]}}]", "one step with 2 names: `encode`, `fit`", "of its own"),
    ("[encode: {format: webp, max_bytes: 300 bytes}]", "`max_bytes` of step `encode`", "300kB"),
    ("[encode: {format: webp, max_bytes: 0}]", "`max_bytes` of step `encode`", "300kB"),
    ("[encode: {format: webp, max_bytes: 0.5}]", "`max_bytes` of step `encode`", "300kB"),
    ("[{encode: {format: png}}, {fit: {cover: [8, 9]}}]", "`encode` is step 1 of 2", "only the last step"),
    ("[{encode: {format: png}}, {encode: {format: png}}]", "`encode` is step 1 of 2", "only the last step"),
    ("[encode: {format: webp, quality: '{{ quality }}'}]", "`quality` of step `encode` must be written out here", None),
    ("[fit: {cover: ['{{ w }}', 9]}]", "`cover` of step `fit` must be written out here", None),
    ("[5]", "a step is a mapping with one name, this is the number `5`", None),
    ("{fit: {cover: [8, 9]}}", "`steps`: a list is wanted", None),
]


@pytest.mark.parametrize(("text", "what", "hint"), MISTAKES, ids=[text for text, _, _ in MISTAKES])
def test_each_mistake_is_told_once_with_a_place_and_what_to_write(text, what, hint):
    (problem,) = mistakes(text)
    assert what in problem.what
    assert problem.at.line == 1
    if hint:
        assert hint in (problem.hint or "")


def test_all_mistakes_of_a_list_are_told_at_once():
    found = mistakes("- fti\n- fit: {cover: [8, x]}\n- crop: {}\n- encode: {format: bmp}\n")
    assert [problem.at.line for problem in found] == [1, 2, 3, 4]


def test_steps_with_the_same_meaning_are_equal_wherever_they_stand():
    one = read("- fit: {cover: [8, 9]}\n")
    other = read("# a comment\n\n- fit:\n    anchor: center\n    cover: 8x9\n")
    assert one == other
    assert one[0].place != other[0].place


def test_the_size_that_comes_out_is_known_in_advance():
    steps = read("[{fit: {cover: [1600, 900]}}, {crop: {ratio: 1:1}}, {encode: {format: png}}]")
    assert result_size(steps, (2048, 1152)) == (900, 900)
    assert result_size(read("[crop: {box: [0, 0, 0.5, 0.25]}]"), (101, 200)) == (50, 50)
    assert result_size((), (3, 4)) == (3, 4)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[fit: {exact: [1600, 900]}]", "fitting 1024x1024 to exactly 1600x900 would distort it by 77.8%"),
        ("[crop: {size: [2000, 10]}]", "a crop of 2000x10 is larger than the picture of 1024x1024"),
        ("[crop: {box: [1000, 0, 100, 10]}]", "a crop of 100x10 at 1000,0 leaves the picture of 1024x1024"),
    ],
)
def test_a_step_that_cannot_work_on_a_size_says_so_before_anything_is_paid(text, what):
    with pytest.raises(PictureError) as caught:
        result_size(read(text), (1024, 1024))
    assert caught.value.what == what
    assert str(caught.value.at).startswith("campaign.yaml:1:")
    assert caught.value.hint


def test_a_slight_difference_of_ratio_may_be_fitted_exactly():
    assert result_size(read("[fit: {exact: [1920, 1080]}]"), (1920, 1088)) == (1920, 1080)


def test_the_output_format_follows_the_steps_then_the_extension():
    steps = read("[encode: {format: avif}]")
    assert output_format(steps, "png") == "avif"
    assert output_format(read("[fit: {exact: [8, 9]}]"), "webp") == "webp"
    assert output_format((), "png") == "png"
    assert [format_of_path(path) for path in ("a/b.JPG", "b.jpeg", "b.webp", "b.avif", "b.png")] == [
        "jpeg", "jpeg", "webp", "avif", "png",
    ]  # fmt: skip
    assert [format_of_path(path) for path in ("a.gif", "a.PDF")] == ["gif", "pdf"]
    assert format_of_path("v1.png/picture") is None
    assert format_of_path("picture.tiff") is None


def test_an_encoding_left_out_has_the_same_parameters_as_one_written_out():
    fit = read("[fit: {cover: [8, 9]}]")
    written = read("[{fit: {cover: [8, 9]}}, {encode: {format: webp}}]")
    assert with_encode(fit, "webp") == written
    assert with_encode(written, "png") == written
    assert with_encode((), "png")[0].parameters == default_encode("png")


def test_an_exact_size_implies_a_cover_fit():
    assert (implied_fit((1200, 630)),) == read("[fit: {cover: 1200x630}]")


class Cell:
    """A cell in which every template says its own name."""

    def render(self, text):
        return "here: " + text.text.strip("{} ")


def test_a_kind_of_step_may_take_templates_for_some_parameters_and_is_worked_out_in_each_cell():
    label = StepKind(
        parse=lambda given: {"text": given.templates("text")},
        resolve=lambda said, cell: {"text": {name: cell.render(text) for name, text in said["text"].items()}},
        result_size=lambda _, size: size,
        schema={"properties": {"text": {}, "layout": {}}},
        templates=("text",),
    )
    kinds = {**STEPS, "label": label}
    steps = read("[{fit: {cover: [8, 9]}}, {label: {text: {a: '{{ t.a }}', b: '{{ t.b }}'}}}]", kinds)
    done = [resolved(step, Cell(), kinds) for step in steps]
    assert done[0] == steps[0]
    assert done[1].parameters == {"text": {"a": "here: t.a", "b": "here: t.b"}}
    (problem,) = mistakes("[label: {layout: '{{ x }}'}]", kinds)
    assert problem.what == "`layout` of step `label` must be written out here"


edges = st.integers(1, 5000)
picture_sizes = st.tuples(edges, edges)
points = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(picture_sizes, picture_sizes, points)
def test_a_cover_box_lies_within_the_picture_and_has_the_ratio_of_the_target(size, target, point):
    left, top, right, bottom = cover_box(size, target, point)
    assert 0 <= left < right <= size[0] * (1 + 1e-12)
    assert 0 <= top < bottom <= size[1] * (1 + 1e-12)
    assert (right - left) / (bottom - top) == pytest.approx(target[0] / target[1])
    assert (right - left) == pytest.approx(size[0]) or (bottom - top) == pytest.approx(size[1])


@given(picture_sizes, picture_sizes)
def test_a_contained_picture_touches_two_edges_of_the_target_and_passes_none(size, target):
    width, height = contain_size(size, target)
    assert 1 <= width <= target[0]
    assert 1 <= height <= target[1]
    assert width == target[0] or height == target[1]


@given(picture_sizes, st.integers(1, 99), st.integers(1, 99), st.sampled_from(sorted(ANCHORS)))
def test_a_crop_to_a_ratio_lies_within_the_picture_and_touches_two_edges(size, wide, high, anchor):
    left, top, right, bottom = crop_box({"ratio": f"{wide}:{high}", "anchor": anchor}, size)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    assert (right - left, bottom - top)[0] == size[0] or (bottom - top) == size[1]
    x, y = anchor_point(anchor)
    assert left == round((size[0] - (right - left)) * x) or x == 0.5
    assert top == round((size[1] - (bottom - top)) * y) or y == 0.5


@given(picture_sizes, st.floats(0, 0.999), st.floats(0, 0.999), st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_relative_box_is_never_empty_and_never_leaves_the_picture(size, x, y, width, height):
    box = [x, y, min(width, 1 - x), min(height, 1 - y)]
    left, top, right, bottom = crop_box({"box": box, "unit": "relative"}, size)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
