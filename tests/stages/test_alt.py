"""An alt text is in no key; what it is written from is remembered as what an output is written from."""

from __future__ import annotations

import pytest

from imagebuild.errors import SpecErrors
from tests.properties.actual import Colours, build, plan, plan_without_memory, seen

CAMPAIGN = """\
imagebuild: 1
campaign: spring-kettle
model: gpt-image-2-2026-04-21
provider: openai
axes:
  locale: {source: en-US, targets: [de-DE], strings: "strings/{locale}.yaml"}
assets:
  scene: {prompt: A kettle, size: 1024x1024}
  hero: {over: locale, from: scene, output: "{{ locale }}/hero.png", alt: "{% include 'alt.j2' %}"}
  other: {over: locale, from: scene, output: "{{ locale }}/other.png"}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "strings").mkdir()
    (tmp_path / "strings/en-US.yaml").write_text("alt: A kettle\n")
    (tmp_path / "strings/de-DE.yaml").write_text("alt: Ein Kessel\n")
    (tmp_path / "alt.j2").write_text("{{ t.alt }} (Northwind)")
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    (tmp_path / ".imagebuild").mkdir()
    provider = Colours()
    assert len(build(plan(tmp_path), provider).asked) == 1
    return tmp_path


def alts(planned):
    return planned.loaded.expansion.alts


def test_another_alt_text_makes_no_picture_anew(folder):
    before = plan(folder)
    (folder / "strings/de-DE.yaml").write_text("alt: Ein Teekessel\n")
    (folder / "alt.j2").write_text("{{ t.alt }} von Northwind")
    after = plan(folder)
    assert seen(after) == seen(before) == seen(plan_without_memory(folder))
    assert list(after.plan.work) == []
    built = build(after, Colours())
    assert built.asked == []
    assert alts(plan_without_memory(folder))["hero[locale=de-DE]"] == "Ein Teekessel von Northwind"


def test_after_another_string_the_texts_of_that_language_are_written_with_the_memory_too(folder):
    (folder / "strings/de-DE.yaml").write_text("alt: Ein Teekessel\n")
    planned = plan(folder)
    assert planned.kept
    assert alts(planned) == {"hero[locale=de-DE]": "Ein Teekessel (Northwind)"}


def test_after_another_template_the_texts_of_its_asset_are_written_with_the_memory_too(folder):
    (folder / "alt.j2").write_text("{{ t.alt }}!")
    planned = plan(folder)
    assert planned.kept
    assert alts(planned) == {"hero[locale=en-US]": "A kettle!", "hero[locale=de-DE]": "Ein Kessel!"}


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("strings/de-DE.yaml", "other: x\n", "string `alt` is missing in de-DE"),
        ("alt.j2", "{{ tt.alt }}", "asset `hero`: `alt`: `tt` is not known here"),
        ("alt.j2", "{{ t.alt", "template: unexpected end of template, expected 'end of print statement'"),
    ],
)
def test_a_mistake_that_comes_into_it_is_told_with_the_memory_and_without(folder, path, text, what):
    (folder / path).write_text(text)
    for make in (plan, plan_without_memory):
        with pytest.raises(SpecErrors) as caught:
            make(folder)
        assert [problem.what for problem in caught.value.problems] == [what]
