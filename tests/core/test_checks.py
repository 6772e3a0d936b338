"""The `checks:` of a campaign: canonical options, mistakes with their places, and what they come to in a cell."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from imagebuild.core.check_parser import check_schema, parse_checks
from imagebuild.core.checks import CHECK_NAMES, merged, resolve_checks
from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.key import canonical
from imagebuild.core.layouts.canonical import Group, TextItem, Typeset, canonical_typeset
from imagebuild.core.placements.placement import Placement
from imagebuild.core.scope import Scope
from imagebuild.core.steps.encode import FORMATS
from imagebuild.core.steps.kind import Step, Unresolved
from imagebuild.errors import Place, Problems, SpecErrors
from tests.core.reading import Texts, node_of


def read(text, where="asset `hero`"):
    problems = Problems()
    node = parse_yaml(text, file="campaign.yaml", problems=problems)
    checks = parse_checks(node, Scope(Texts(), problems), where)
    problems.check()
    return checks


def mistakes(text):
    with pytest.raises(SpecErrors) as caught:
        read(text)
    return [(problem.what, problem.hint, problem.at.column) for problem in caught.value.problems]


class Cell:
    """A cell whose templates print `<…>` around their text, and that gathers what is told."""

    def __init__(self, language="de-DE", safe=(0.0, 0.0, 0.0, 0.0)):
        self.language = language
        self.safe = safe
        self.told = []

    def render(self, text):
        return "" if "nothing" in text.text else f" <{text.text}>\n"

    def problem(self, what, at, hint=None):
        self.told.append((what, at, hint))
        return Unresolved()


def step(name, **parameters):
    return Step(name=name, parameters=parameters, place=Place("campaign.yaml", 9, 9))


def typeset(**texts):
    items = tuple(
        TextItem(role, text, (0.02, 0.1), 3, 400, "", "start", ("#ffffff",), 4.5, 1.0) for role, text in texts.items()
    )
    group = Group((0.1, 0.1, 0.8, 0.8), "safe", "top", 0.02, items, None)
    return canonical_typeset(Typeset("de-DE", "ltr", False, (0.0, 0.0, 0.0, 0.0), {}, (), (group,)))


HERO = typeset(headline="Früher Dampf", cta="Jetzt  kaufen")
ENCODE = step("encode", format="webp")


def resolve(text="{}", *, general="{}", cell=None, steps=(), placement=None, size=(1200, 630), form="webp"):
    checks = merged(read(general, "the campaign"), read(text))
    return resolve_checks(checks, cell or Cell(), steps=steps, placement=placement, size=size, form=form)


def parameters(text, **more):
    found = resolve(text, **more)
    assert found is not None
    return found.parameters


def told(text, **more):
    cell = more.pop("cell", None) or Cell()
    with pytest.raises(Unresolved):
        resolve(text, cell=cell, **more)
    ((what, at, hint),) = cell.told
    assert at.file == "campaign.yaml"
    return what, hint


CANONICAL = [
    ("text: true", {"least": 1.0, "unverified": "hold"}),
    ("text: {}", {"least": 1.0, "unverified": "hold"}),
    ("text: none", {"least": 1.0, "unverified": "hold", "expect": "none"}),
    ("text: {expect: none, unverified: deliver}", {"least": 1.0, "unverified": "deliver", "expect": "none"}),
    ("text: {least: 0.98, language: pt_br}", {"least": 0.98, "unverified": "hold", "language": "pt-BR"}),
    ("contrast: true", {}),
    ("contrast: 3", {"least": 3.0}),
    ("contrast: {least: 7.0}", {"least": 7.0}),
    ("safe_zones: true", {"unverified": "hold"}),
    ("safe_zones: {unverified: deliver}", {"unverified": "deliver"}),
    ("palette: ['#FFF', '#0b3954', '#ffffff']", {"colors": ["#0b3954", "#ffffff"], "most": 10.0, "share": 0.5}),
    ("palette: {colors: '#0b3954', most: 4, share: 0.25}", {"colors": ["#0b3954"], "most": 4.0, "share": 0.25}),
    ("duplicates: true", {"least": 0.01}),
    ("duplicates: {least: 0.05}", {"least": 0.05}),
    ("file: true", {}),
    (
        "file: {max_bytes: 300kB, formats: [webp, jpeg, webp], size: 1200 × 630}",
        {"max_bytes": 300_000, "formats": ["jpeg", "webp"], "size": [1200, 630]},
    ),
    ("file: {formats: png, max_bytes: 1 MiB}", {"formats": ["png"], "max_bytes": 1_048_576}),
    ("file: {max_bytes: 5000}", {"max_bytes": 5000}),
]


@pytest.mark.parametrize(("written", "options"), CANONICAL, ids=[written for written, _ in CANONICAL])
def test_defaults_are_filled_in_and_spellings_are_brought_to_one(written, options):
    (check,) = read(f"{{{written}}}").values()
    assert check.options == options
    assert not check.off
    assert not check.general


@pytest.mark.parametrize("written", [written for written, _ in CANONICAL])
def test_what_is_read_is_what_editors_take(written):
    jsonschema.validate(plain(node_of(f"{{{written}}}")), check_schema())


def test_the_schema_knows_the_checks_that_are_read_and_editors_can_take_each_away():
    assert sorted(check_schema()["properties"]) == sorted(CHECK_NAMES)
    jsonschema.validate(dict.fromkeys(CHECK_NAMES, False), check_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"palette": True}, check_schema())
    json.dumps(check_schema())


def test_the_example_of_the_reference_has_no_mistake():
    reference = (Path(__file__).parents[2] / "schemas" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yml\n(checks:.*?)```", reference, re.DOTALL)
    root = plain(node_of(example))
    for checks in (root["checks"], *(asset["checks"] for asset in root["assets"].values())):
        jsonschema.validate(checks, check_schema())
        assert list(read(json.dumps(checks))) == list(checks)
    for name in CHECK_NAMES:
        assert f"| `{name}` |" in reference


MISTAKES = [
    ("{tekst: true}", "unknown check `tekst`", "did you mean `text`?", 2),
    ("[text]", "`checks`: a mapping is wanted, this is a list", "e.g. `checks: {text: true, contrast: true}`", 1),
    ("{text: yes}", "check `text`: true, false or a mapping is wanted, this is a text", None, 8),
    ("{text: {expct: Hi}}", "unknown key `expct` in asset `hero`: check `text`", "did you mean `expect`?", 9),
    ("{text: {least: 98}}", "check `text`: `least`: `98` will not do", None, 16),
    ("{text: {expect: []}}", "check `text`: `expect`: `[]` will not do", None, 17),
    ("{text: {expect: ['']}}", "check `text`: `expect` is empty", None, 18),
    ("{text: {unverified: drop}}", "check `text`: `unverified`: `drop` is none of hold, deliver", None, 21),
    ("{text: {language: in english}}", "check `text`: `language`: `in english` will not do", None, 19),
    ("{contrast: 0.5}", "check `contrast`: `0.5` will not do", None, 12),
    ("{contrast: {least: 22}}", "check `contrast`: `least`: `22` will not do", None, 20),
    ("{safe_zones: {safe: 3}}", "unknown key `safe` in asset `hero`: check `safe_zones`", None, 15),
    ("{palette: true}", "check `palette` does not say its `colors`", None, 11),
    ("{palette: {most: 3}}", "check `palette` does not say its `colors`", None, 11),
    ("{palette: {colors: [red]}}", "check `palette`: `colors`: `red` will not do", None, 21),
    ("{palette: {colors: ['#ffffff80']}}", "check `palette`: `colors`: `#ffffff80` will not do", None, 21),
    ("{palette: []}", "check `palette`: from 1 to 32 colours are wanted", None, 11),
    ("{duplicates: {least: 0}}", "check `duplicates`: `least`: `0` will not do", None, 22),
    ("{file: {max_bytes: 0}}", "check `file`: `max_bytes`: `0` will not do", None, 20),
    ("{file: {formats: [bmp]}}", "check `file`: `formats`: `bmp` is none of " + ", ".join(FORMATS), None, 19),
    ("{file: {size: 1200}}", "check `file`: `size`: `1200` will not do", "a size is `1200x630`, in pixels", 15),
    ("{file: webp}", "check `file`: true, false or a mapping is wanted, this is a text", None, 8),
]  # fmt: skip


@pytest.mark.parametrize(("written", "what", "hint", "column"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_mistake_is_told_where_it_stands(written, what, hint, column):
    ((told, advice, at),) = mistakes(written)
    assert (told.removeprefix("asset `hero`: "), at) == (what, column)
    if hint is not None:
        assert advice == hint


def test_all_mistakes_are_told_at_once_and_the_good_checks_are_kept():
    problems = Problems()
    node = node_of("{text: {least: 2}, contrast: true, file: {size: x, max_bytes: none}}")
    assert list(parse_checks(node, Scope(Texts(), problems), "the campaign")) == ["contrast"]
    assert len(problems) == 3


# ------------------------------------------------------------------------------------------------------ in a cell


def test_an_assets_check_stands_in_the_place_of_the_campaigns_and_false_takes_it_away():
    checks = merged(read("{text: {least: 0.9}, contrast: 3, file: true}"), read("{text: true, contrast: false}"))
    assert checks["text"].options["least"] == 1.0
    assert (checks["text"].general, checks["file"].general) == (False, True)
    assert checks["contrast"].off


def test_nothing_is_checked_of_a_picture_that_nothing_is_asked_of():
    assert resolve() is None
    assert resolve("{file: false}", placement=Placement(name="meta/story", size=(1080, 1920))) is None
    assert resolve("{contrast: false}", general="{contrast: true}", steps=(step("typeset", **HERO),)) is None


def test_a_placement_brings_its_own_limits_along():
    placement = Placement(name="google/display", size=(728, 90), max_bytes=150_000, formats=("jpeg", "png"))
    assert parameters("{}", placement=placement, size=(728, 90), form="jpeg") == {
        "file": {"size": [728, 90], "formats": ["jpeg", "png"], "max_bytes": 150_000, "placement": "google/display"}
    }
    stricter = parameters("{file: {max_bytes: 90kB, formats: jpeg}}", placement=placement, size=(728, 90), form="jpeg")
    assert (stricter["file"]["max_bytes"], stricter["file"]["formats"]) == (90_000, ["jpeg"])
    looser = parameters("{file: {max_bytes: 9MB}}", placement=placement, size=(728, 90), form="jpeg")
    assert looser["file"]["max_bytes"] == 150_000


def test_file_alone_means_what_is_planned():
    assert parameters("{file: true}") == {"file": {"size": [1200, 630], "formats": ["webp"]}}
    assert parameters("{file: {max_bytes: 1kB}}") == {"file": {"max_bytes": 1000}}


def test_a_limit_that_the_plan_cannot_keep_is_told_before_anything_is_made():
    what, _ = told("{file: {size: 1080x1080}}")
    assert what == "`checks.file` wants 1080x1080, the picture is planned as 1200x630"
    what, _ = told("{file: {formats: [png, jpeg]}}")
    assert what == "`checks.file` wants png or jpeg, the picture is planned as webp"


def test_what_cannot_be_read_again_cannot_be_checked():
    what, _ = told("{file: {max_bytes: 1MB}}", form="pdf")
    assert what == "`checks.file` cannot look into a pdf"
    assert resolve(general="{file: true}", form="pdf") is None


def test_what_is_typeset_is_what_is_expected_to_be_read():
    found = resolve("{text: true}", steps=(step("typeset", **HERO), ENCODE))
    assert found.parameters == {
        "text": {"least": 1.0, "unverified": "hold"},
        "copy": {
            "language": "de-DE",
            "texts": [{"role": "headline", "text": "Früher Dampf"}, {"role": "cta", "text": "Jetzt  kaufen"}],
            "allowed": [],
        },
        "typeset": [HERO],
    }
    assert found.copy == ("Früher Dampf", "Jetzt  kaufen")
    assert not found.wants_siblings


def test_expected_texts_are_templates_and_empty_ones_are_left_out():
    text = "{text: {expect: ['{{ t.a }}', '{{ nothing }}'], allow: Northwind, language: en}}"
    found = resolve(text, cell=Cell("und"))
    assert found.parameters["copy"] == {
        "language": "en",
        "texts": [{"role": "", "text": "<{{ t.a }}>"}],
        "allowed": ["<Northwind>"],
    }
    assert found.copy == ("<{{ t.a }}>",)
    assert "typeset" not in found.parameters


def test_a_text_free_plate_expects_nothing():
    assert parameters("{text: none}", cell=Cell("und")) == {
        "plate": {"unverified": "hold"},
        "copy": {"language": "und", "texts": [], "allowed": []},
    }
    what, _ = told("{text: none}", steps=(step("typeset", **HERO),))
    assert what == "it has a `typeset` step, and `text: none`"


def test_in_placeholders_with_a_caption_only_the_expected_words_are_looked_for():
    checks = merged({}, read("{text: {expect: Hello}}"))
    found = resolve_checks(checks, Cell(), steps=(), placement=None, size=(8, 8), form="png", captioned=True)
    assert found.parameters["text"] == {"least": 1.0, "unverified": "hold", "extra": False}
    checks = merged({}, read("{text: none}"))
    assert not resolve_checks(checks, Cell(), steps=(), placement=None, size=(8, 8), form="png", captioned=True)


def test_a_check_that_does_not_know_the_copy_asks_for_it():
    for general, own in (("{text: true}", "{}"), ("{}", "{text: true}")):
        what, hint = told(own, general=general)
        assert what == "`checks.text` does not know what the picture shall say"
        assert "text: none" in hint
    what, _ = told("{safe_zones: true}")
    assert what == "`checks.safe_zones` does not know what the picture shall say"


def test_a_campaigns_check_is_left_out_where_it_asks_for_nothing():
    assert resolve(general="{contrast: true, safe_zones: true, duplicates: true}", cell=Cell("und")) is None
    what, _ = told("{contrast: true}")
    assert what == "`checks.contrast` is of what a `typeset` step draws, and there is none"
    what, _ = told("{duplicates: true}", cell=Cell("und"))
    assert what == "`checks.duplicates` compares locales, and the asset has none"


def test_contrast_and_zones_know_where_the_copy_was_set():
    steps = (step("fit", cover=[1200, 630]), step("typeset", **HERO), step("sharpen"), ENCODE)
    found = parameters("{contrast: true, safe_zones: true}", steps=steps, cell=Cell(safe=(0.0, 0.14, 0.0, 0.2)))
    assert found == {"contrast": {"least": None}, "safe_zones": {"safe": [0.0, 0.14, 0.0, 0.2]}, "typeset": [HERO]}
    assert parameters("{contrast: 7}", steps=steps)["contrast"] == {"least": 7.0}


@pytest.mark.parametrize("moving", [step("fit", cover=[8, 9]), step("crop", ratio="1:1"), step("python", size=[1, 1])])
def test_what_moves_the_copy_after_it_was_set_is_a_mistake_for_checks_that_look_for_it(moving):
    steps = (step("typeset", **HERO), moving, ENCODE)
    what, hint = told("{contrast: true}", steps=steps)
    assert what == f"step `{moving.name}` moves what `typeset` drew, so `checks.contrast` cannot find it"
    assert hint == f"let `typeset` stand after `{moving.name}`"
    assert "typeset" not in parameters("{text: true}", steps=steps)


def test_copy_that_a_model_drew_is_looked_for_by_reading():
    found = parameters("{safe_zones: true, text: {expect: Hello}}")
    assert found["safe_zones"] == {"safe": [0.0, 0.0, 0.0, 0.0], "unverified": "hold"}
    assert found["copy"]["texts"] == [{"role": "", "text": "<Hello>"}]


def test_duplicates_ask_for_the_pictures_of_other_locales():
    found = resolve("{duplicates: true}", steps=(step("typeset", **HERO),))
    assert found.wants_siblings
    assert found.parameters == {"duplicates": {"least": 0.01}}
    assert found.copy == ("Früher Dampf", "Jetzt  kaufen")


def test_only_what_a_check_needs_is_in_its_parameters():
    """A new headline does not make the palette be looked at anew; the order of colours makes no difference."""
    other = typeset(headline="Anders")
    for text in ("{palette: ['#000000', '#ffffff'], file: true}", "{palette: ['#fff', '#000'], file: true}"):
        found = [canonical(parameters(text, steps=(step("typeset", **each),))) for each in (HERO, other)]
        assert found[0] == found[1]
    assert (
        len(
            {canonical(parameters("{palette: ['#fff', '#000']}")), canonical(parameters("{palette: ['#000', '#fff']}"))}
        )
        == 1
    )
